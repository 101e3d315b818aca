"""The floor: bare Temporal with the shape of a straight case and none of its work.

Five activities that do nothing, one 24-hour timer, five search-attribute upserts. On one queue the SDK starts
activities eagerly; with a queue for each outside system, as the engine has them, the last three go through
the server. Run as a worker: `python -m benchmarks.floor TASK_QUEUE`.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from models.case import CaseRef, CaseState, Step, WaitingOn
    from workflows import search_attributes

STEPS = 5
OUTSIDE = (2, 3, 4)


@activity.defn
def do_nothing(number: int) -> int:
    """Return what came."""
    return number


@workflow.defn
class Floor:
    """The same commands as a straight case, without a case."""

    @workflow.run
    async def run(self, case: CaseRef, has_own_queues: bool) -> int:  # noqa: FBT001 - travels as a payload
        """Do nothing five times; the last three on queues of their own when there are such."""
        queue = workflow.info().task_queue
        state = CaseState.opening(case)
        timer = asyncio.create_task(workflow.sleep(timedelta(hours=24)))
        for number in range(STEPS):
            after = state.model_copy(
                update={
                    "step": list(Step)[number % len(Step)],
                    "waiting_on": list(WaitingOn)[number % len(WaitingOn)],
                    "since": workflow.now(),
                }
            )
            workflow.upsert_search_attributes(search_attributes.changes(state, after))
            state = after
            is_outside = has_own_queues and number in OUTSIDE
            await workflow.execute_activity(
                do_nothing,
                number,
                task_queue=f"{queue}-{number}" if is_outside else queue,
                start_to_close_timeout=timedelta(seconds=20),
            )
        timer.cancel()
        return STEPS


async def main() -> None:
    """Serve the floor until killed."""
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, data_converter=pydantic_data_converter)
    with ThreadPoolExecutor(40) as threads:
        queues = [sys.argv[1], *(f"{sys.argv[1]}-{number}" for number in OUTSIDE)]
        workers = [
            Worker(
                client,
                task_queue=queue,
                workflows=[Floor] if queue == sys.argv[1] else [],
                activities=[do_nothing],
                activity_executor=threads,
                max_concurrent_activities=40,
            )
            for queue in queues
        ]
        await asyncio.gather(*(worker.run() for worker in workers))


if __name__ == "__main__":
    asyncio.run(main())

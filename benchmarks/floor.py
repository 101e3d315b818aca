"""The floor: bare Temporal with the shape of a straight case and none of its work.

Five activities that do nothing, one 24-hour timer, and as many search-attribute upserts as a case makes.
Run as a worker: `python -m benchmarks.floor TASK_QUEUE`.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from models.case import CaseRef, CaseState, Step, WaitingOn
    from workflows import search_attributes

ACTIVITIES = 5
UPSERTS = 6


@activity.defn
def do_nothing(number: int) -> int:
    """Return what came."""
    return number


@workflow.defn
class Floor:
    """The same commands as a straight case, without a case."""

    @workflow.run
    async def run(self, case: CaseRef) -> int:
        """Do nothing five times."""
        state = CaseState.opening(case)
        timer = asyncio.create_task(workflow.sleep(timedelta(hours=24)))
        for number in range(UPSERTS):
            after = state.model_copy(
                update={
                    "step": list(Step)[number % len(Step)],
                    "waiting_on": list(WaitingOn)[number % len(WaitingOn)],
                    "since": workflow.now(),
                }
            )
            workflow.upsert_search_attributes(search_attributes.changes(state, after))
            state = after
            if number < ACTIVITIES:
                await workflow.execute_activity(
                    do_nothing, number, start_to_close_timeout=timedelta(seconds=20)
                )
        timer.cancel()
        return ACTIVITIES


async def main() -> None:
    """Serve the floor until killed."""
    from runtime.settings import load_settings  # noqa: PLC0415 - not needed by the workflow
    from runtime.temporal import connect  # noqa: PLC0415

    client = await connect(load_settings())
    with ThreadPoolExecutor(40) as threads:
        worker = Worker(
            client,
            task_queue=sys.argv[1],
            workflows=[Floor],
            activities=[do_nothing],
            activity_executor=threads,
            max_concurrent_activities=40,
        )
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main())

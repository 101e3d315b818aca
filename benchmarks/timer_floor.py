"""The floor of a deadline: bare Temporal workflows that sleep until they are due, and end.

Run as a worker: `python -m benchmarks.timer_floor TASK_QUEUE`.
"""

import asyncio
import sys
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workflows import options


@workflow.defn
class Sleeper:
    """One timer and nothing else."""

    @workflow.run
    async def run(self, due_at: datetime) -> None:
        """Sleep until then."""
        await workflow.sleep(max(due_at - workflow.now(), timedelta(0)))


async def main() -> None:
    """Serve the floor until killed, with the options of the engine's worker."""
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, data_converter=pydantic_data_converter)
    worker = Worker(
        client,
        task_queue=sys.argv[1],
        workflows=[Sleeper],
        workflow_runner=UnsandboxedWorkflowRunner(),
        sticky_queue_schedule_to_start_timeout=options.STICKY_QUEUE_WAIT,
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())

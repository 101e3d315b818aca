"""Several workers on one machine: each a process of its own, started again when it dies, ended together."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping

import structlog

from runtime.background import stop_signal
from runtime.settings import PREFIX, ROOT
from workflows import options

log = structlog.get_logger()

_CORE = f"{PREFIX}CORE"
_METRICS = f"{PREFIX}METRICS_ADDRESS"


async def run_crew(size: int) -> None:
    """Run so many workers until SIGTERM or SIGINT; then let each finish what it has in hand."""
    stop = stop_signal()
    async with asyncio.TaskGroup() as crew:
        for number in range(1, size + 1):
            crew.create_task(_keep_working(number, stop))
    log.info("crew.stopped")


async def _keep_working(number: int, stop: asyncio.Event) -> None:
    while not stop.is_set():
        worker = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "worker.py"), env=_environment(number), start_new_session=True
        )
        log.info("crew.worker_started", number=number, pid=worker.pid)
        ended, told = asyncio.create_task(worker.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGTERM)
        code = await ended
        told.cancel()
        if not stop.is_set():
            log.error("crew.worker_died", number=number, code=code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), options.WORKER_AGAIN_AFTER.total_seconds())


def _environment(number: int) -> Mapping[str, str]:
    """Return the environment of a worker: a core for each, and metrics for one, who alone can listen."""
    ours = {name: value for name, value in os.environ.items() if number == 1 or name != _METRICS}
    return {_CORE: str(number - 1)} | ours

"""Several workers on one machine: `worker.py --processes N`."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from runtime.settings import ROOT
from runtime.visibility import pollers
from tests.e2e.office import Office, until_async


@pytest.mark.slow
async def test_a_crew_replaces_who_dies_and_ends_together(office: Office) -> None:
    """Two workers ask for work; one is killed and another takes its place; SIGTERM ends all of them."""
    environment = dict(os.environ) | office.stack.worker.environment
    crew = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "worker.py"), "--processes", "2"),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )

    def living() -> set[int]:
        children = psutil.Process(crew.pid).children()
        return {child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE}

    async def both_poll() -> bool:
        polling = {int(one.split("@")[0]) for one in await pollers(office.client, office.stack.settings)}
        return len(living() & polling) == 2

    try:
        await until_async(both_poll, 30, lambda: str(living()))
        on = [tuple(psutil.Process(pid).cpu_affinity()) for pid in living()]
        assert len(set(on)) == min(2, len(os.sched_getaffinity(0))), on
        first = min(living())
        os.kill(first, signal.SIGKILL)

        async def replaced() -> bool:
            return first not in living() and await both_poll()

        await until_async(replaced, 30, lambda: str(living()))
    finally:
        workers = living()
        crew.terminate()
        assert await asyncio.wait_for(crew.wait(), 60) == 0
    assert not [pid for pid in workers if psutil.pid_exists(pid)]

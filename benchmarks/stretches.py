"""CPU of the engine and of its floor, measured in turn: the machine drifts by half in the time of a list."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from rich.table import Table

from benchmarks.bench import Bench, cpu_seconds
from benchmarks.cases_per_second import measure, run_floor
from models.case import CaseRef

SHAPES = {"floor": False, "floor, own queues": True}
"""The shapes of the floor, and whether each has the engine's queues."""
PROCESSES = ("server", "worker")


class Sides:
    """What floors and engine cost, measured in turn."""

    def __init__(self, bench: Bench, size: int) -> None:
        """`size` is how many bare workflows of each shape are measured at a time."""
        self._bench, self._size = bench, size
        self.floors: dict[str, list[dict[str, float]]] = {name: [] for name in SHAPES}
        """CPU milliseconds of each measurement, by shape and process."""
        self.spent: Counter[str] = Counter()
        """CPU seconds of the engine, by process."""
        self.seconds = 0.0

    async def measure_floors(self) -> None:
        """Measure both shapes of the floor, some at a time."""
        pids = {"server": self._bench.stack.temporal.pid, "worker": self._bench.floor.pid}
        cases = [a_case(index) for index in range(self._size)]
        for name, has_own_queues in SHAPES.items():
            run = partial(run_floor, self._bench.client, has_own_queues=has_own_queues)
            self.floors[name].append((await measure(cases, pids, run)).cpu_ms)

    @asynccontextmanager
    async def stretch(self) -> AsyncIterator[None]:
        """Add what the engine spends meanwhile."""
        stack = self._bench.stack
        pids = {"server": stack.temporal.pid, "worker": stack.worker.pid}
        before, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began
        self.spent.update({name: cpu_seconds(pid) - before[name] for name, pid in pids.items()})

    async def pause(self) -> None:
        """Measure the floors while the engine is away."""
        stack = self._bench.stack
        for child in (stack.watchdog, stack.worker):
            await asyncio.to_thread(child.stop)
        await self.measure_floors()
        for child in (stack.worker, stack.watchdog):
            child.start()
        await stack.until_worker_polls()

    def table(self, cases: int) -> Table:
        """Return CPU milliseconds per case beside the floors: their mean, the least and the most."""
        made = Table()
        for column in ("CPU ms per case", "server", "worker", "both", "least and most", "engine to this"):
            made.add_column(column, justify="right")
        engine = {name: one * 1000 / cases for name, one in self.spent.items()}
        total = sum(engine.values())
        for name, measured in self.floors.items():
            server, worker = (statistics.mean(one[process] for one in measured) for process in PROCESSES)
            sums = [sum(one[process] for process in PROCESSES) for one in measured]
            numbers = (f"{one:.1f}" for one in (server, worker, server + worker))
            made.add_row(
                name, *numbers, f"{min(sums):.0f}, {max(sums):.0f}", f"{total / (server + worker):.2f}"
            )
        made.add_row("engine", f"{engine['server']:.1f}", f"{engine['worker']:.1f}", f"{total:.1f}", "-", "-")
        return made


def a_case(number: int) -> CaseRef:
    """Return a case that only the floor runs."""
    return CaseRef.model_validate(
        {
            "case_number": f"PBI-3674-2000-{number:06d}",
            "city": "3674",
            "track": "emergency",
            "kecamatan": "Pamulang",
            "received_at": datetime.now(UTC),
        }
    )

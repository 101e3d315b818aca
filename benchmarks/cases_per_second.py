"""Cases per second and CPU per case, beside a bare-Temporal floor of the same shape, in one run.

`python -m benchmarks.cases_per_second [--cases N] [--rounds N]`. Everything is on this machine: Temporal on
a SQLite file, ledger on SQLite, simulators that answer at once. Rounds of floor and engine alternate. Judge
by CPU milliseconds; cases per second drift with the machine.
"""

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.table import Table
from temporalio.client import Client

from benchmarks.bench import FLOOR_QUEUE, cpu_seconds, open_bench
from benchmarks.floor import Floor
from cli.screens import console
from models.case import CaseRef
from runtime.entry import run_and_leave
from runtime.stack import StackOptions
from workflows import search_attributes
from workflows.reactivation import Reactivation

IN_FLIGHT = 25


@dataclass(frozen=True)
class Round:
    """One measurement."""

    seconds: float
    cases: int
    cpu_ms: dict[str, float]
    """CPU milliseconds per case, by process."""

    @property
    def per_second(self) -> float:
        """Cases per second, start to completion."""
        return self.cases / self.seconds


async def measure(
    cases: list[CaseRef], pids: dict[str, int], run: Callable[[CaseRef], Awaitable[None]]
) -> Round:
    """Run all cases to their end, `IN_FLIGHT` at a time."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    began, gate = time.perf_counter(), asyncio.Semaphore(IN_FLIGHT)

    async def one(case: CaseRef) -> None:
        async with gate:
            await run(case)

    await asyncio.gather(*map(one, cases))
    seconds = time.perf_counter() - began
    spent = {name: (cpu_seconds(pid) - before[name]) * 1000 / len(cases) for name, pid in pids.items()}
    return Round(seconds, len(cases), spent)


async def run_case(client: Client, queue: str, case: CaseRef) -> None:
    """Run one case to its end."""
    handle = await client.start_workflow(
        Reactivation.run,
        case,
        id=case.case_number,
        task_queue=queue,
        search_attributes=search_attributes.initial(case),
        static_summary=f"{case.track} - {case.kecamatan}",
    )
    await handle.result()


async def run_floor(client: Client, case: CaseRef) -> None:
    """Run the floor once."""
    handle = await client.start_workflow(
        Floor.run,
        case,
        id=str(uuid.uuid4()),
        task_queue=FLOOR_QUEUE,
        search_attributes=search_attributes.initial(case),
        static_summary=f"{case.track} - {case.kecamatan}",
    )
    await handle.result()


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300, help="cases in a round")
    parser.add_argument("--rounds", type=int, default=3)
    choice = parser.parse_args()
    options = StackOptions(port=0, ui_port=0, decide_after=0, activate_after=0)
    screen = console()
    floors: list[Round] = []
    engines: list[Round] = []
    async with open_bench("bench", options, "benchmarks.floor") as bench:
        client, stack = bench.client, bench.stack
        queue = stack.settings.task_queue
        shared = {"server": stack.temporal.pid}
        floor_pids = shared | {"worker": bench.floor.pid}
        engine_pids = shared | {"worker": stack.worker.pid, "simulators": stack.institutions.pid}
        for number in range(choice.rounds + 1):
            size = choice.cases if number else max(choice.cases // 6, 1)
            cases = [bench.register(datetime.now(UTC)) for _ in range(size)]
            floor = await measure(cases, floor_pids, lambda case: run_floor(client, case))
            engine = await measure(cases, engine_pids, lambda case: run_case(client, queue, case))
            if number:  # the first, smaller round only warms up
                floors.append(floor)
                engines.append(engine)
                screen.print(
                    f"round {number}: floor {floor.per_second:.1f}, engine {engine.per_second:.1f} cases/s"
                )
        last = cases[-1].case_number
        events = len((await client.get_workflow_handle(last).fetch_history()).events)
    screen.print(table(floors, engines))
    screen.print(
        f"{events} history events in a straight case; {choice.rounds} rounds of {choice.cases} cases"
    )


def table(floors: Iterable[Round], engines: Iterable[Round]) -> Table:
    """Return the medians side by side, and the ratio of engine to floor."""
    floors, engines = list(floors), list(engines)
    made = Table()
    for column in ("median", "floor", "engine", "ratio"):
        made.add_column(column, justify="right")

    def row(name: str, read: Callable[[Round], float]) -> None:
        floor, engine = (statistics.median(map(read, rounds)) for rounds in (floors, engines))
        made.add_row(name, f"{floor:.1f}", f"{engine:.1f}", f"{engine / floor:.2f}")

    row("cases per second", lambda one: one.per_second)
    row("server CPU ms per case", lambda one: one.cpu_ms["server"])
    row("worker CPU ms per case", lambda one: one.cpu_ms["worker"])
    row("both", lambda one: one.cpu_ms["server"] + one.cpu_ms["worker"])
    simulators = statistics.median(one.cpu_ms["simulators"] for one in engines)
    made.add_row("simulators CPU ms per case", "-", f"{simulators:.1f}", "-")
    return made


if __name__ == "__main__":
    run_and_leave(main)

"""Cases per second and CPU per case, beside a bare-Temporal floor of the same shape, in one run.

`python -m benchmarks.cases_per_second [--cases N] [--rounds N] [--database NAME]`. Everything is on this
machine: Temporal on a SQLite file, ledger on SQLite or PostgreSQL, simulators that answer at once. Rounds of
floors and engine alternate. Judge
by CPU milliseconds; cases per second drift with the machine.
"""

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from rich.table import Table
from temporalio.client import Client

from benchmarks.bench import FLOOR_QUEUE, add_database, cpu_seconds, open_bench
from benchmarks.floor import Floor
from cli.screens import console
from models.case import CaseRef
from runtime.entry import run_and_leave
from runtime.stack import StackOptions
from runtime.temporal import BIRTH
from workflows import search_attributes
from workflows.reactivation import Reactivation

IN_FLIGHT = 25
FLOOR, SAME_QUEUES, ENGINE = "floor", "floor, own queues", "engine"
SIDES = (FLOOR, SAME_QUEUES, ENGINE)
"""The floor on one queue, where the SDK starts activities eagerly; with the engine's queue for each outside
system; and the engine."""


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
        memo={BIRTH: case.birth},  # without it, it is a stranger's, and numbers are held
        search_attributes=search_attributes.initial(case),
        static_summary=f"{case.track} - {case.kecamatan}",
    )
    await handle.result()


async def run_floor(client: Client, case: CaseRef, *, has_own_queues: bool = False) -> None:
    """Run the floor once."""
    handle = await client.start_workflow(
        Floor.run,
        args=[case, has_own_queues],
        id=str(uuid.uuid4()),
        task_queue=FLOOR_QUEUE,
        search_attributes=search_attributes.initial(case),
        static_summary=f"{case.track} - {case.kecamatan}",
    )
    await handle.result()


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100, help="cases in a round")
    parser.add_argument("--rounds", type=int, default=9, help="short ones: the machine drifts")
    add_database(parser)
    choice = parser.parse_args()
    options = StackOptions(port=0, ui_port=0, decide_after=0, activate_after=0)
    screen = console()
    rounds: dict[str, list[Round]] = {side: [] for side in SIDES}
    async with open_bench("bench", options, "benchmarks.floor", database=choice.database) as bench:
        client, stack = bench.client, bench.stack
        queue = stack.settings.task_queue
        shared = {"server": stack.temporal.pid}
        floor_pids = shared | {"worker": bench.floor.pid}
        engine_pids = shared | {"worker": stack.worker.pid, "simulators": stack.institutions.pid}
        run: dict[str, Callable[[CaseRef], Awaitable[None]]] = {
            FLOOR: partial(run_floor, client),
            SAME_QUEUES: partial(run_floor, client, has_own_queues=True),
            ENGINE: partial(run_case, client, queue),
        }
        for number in range(choice.rounds + 1):
            size = choice.cases if number else max(choice.cases // 6, 1)
            cases = [bench.register(datetime.now(UTC)) for _ in range(size)]
            for side in SIDES:
                measured = await measure(cases, engine_pids if side == ENGINE else floor_pids, run[side])
                if number:  # the first, smaller round only warms up
                    rounds[side].append(measured)
            if number:
                rates = (f"{side} {rounds[side][-1].per_second:.1f}" for side in SIDES)
                screen.print(f"round {number}: {', '.join(rates)} cases/s")
        last = cases[-1].case_number
        events = len((await client.get_workflow_handle(last).fetch_history()).events)
    screen.print(table(rounds))
    screen.print(
        f"{events} history events in a straight case; {choice.rounds} rounds of {choice.cases} cases; "
        f"ledger on {choice.database}"
    )


def table(rounds: Mapping[str, Sequence[Round]]) -> Table:
    """Return the medians side by side, and the ratios of the engine to each floor."""
    made = Table()
    for column in ("median", *SIDES, f"to {FLOOR}", f"to {SAME_QUEUES}"):
        made.add_column(column, justify="right")

    def row(name: str, read: Callable[[Round], float]) -> None:
        floor, same, engine = (statistics.median(map(read, rounds[side])) for side in SIDES)
        numbers = (f"{floor:.1f}", f"{same:.1f}", f"{engine:.1f}")
        made.add_row(name, *numbers, f"{engine / floor:.2f}", f"{engine / same:.2f}")

    row("cases per second", lambda one: one.per_second)
    row("server CPU ms per case", lambda one: one.cpu_ms["server"])
    row("worker CPU ms per case", lambda one: one.cpu_ms["worker"])
    row("both", lambda one: one.cpu_ms["server"] + one.cpu_ms["worker"])
    simulators = statistics.median(one.cpu_ms["simulators"] for one in rounds[ENGINE])
    made.add_row("simulators CPU ms per case", "-", "-", f"{simulators:.1f}", "-", "-")
    return made


if __name__ == "__main__":
    run_and_leave(main)

"""How late deadlines are noticed when many fall into one minute, beside bare Temporal, in one run.

`python -m benchmarks.timer_lateness [--cases N] [--database NAME]`. Everything is on this machine: Temporal
on a SQLite file, ledger on SQLite or PostgreSQL, one worker, the watchdog. First as many bare workflows as
cases sleep until a moment within the same minute, evenly spread; then as many real cases breach within such
a minute. No message is sent to anybody.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil
from rich.table import Table

from benchmarks.bench import add_database, cpu_seconds, open_bench
from benchmarks.timer_sides import BareSide, Deadline, EngineSide, Outcome, Side
from cli.screens import console
from models.errors import WrongState
from runtime.entry import run_and_leave
from runtime.stack import StackOptions

IN_FLIGHT = 20
"""Workflows that are being armed at the same time; more only add waiting."""
MINUTE = timedelta(minutes=1)
WARM_UP = timedelta(seconds=5)
WARM_UP_CASES = 60
REST = timedelta(seconds=10)
"""Between the last workflow that was armed and the first deadline, at least."""
STALLED_AFTER = 60.0
"""Seconds without any deadline told after which the rest is called lost."""
MOMENTS = ("fired", "noticed", "written")
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99}


@dataclass(frozen=True)
class Minute:
    """One measurement."""

    outcome: Outcome
    size: int
    arming: float
    """Seconds until every workflow had set its timer."""
    draining: float
    """Seconds from the first deadline until the last was told."""
    cpu: Mapping[str, float]
    """CPU seconds by process, over the same time; `others` is what else ran on the machine."""
    worker_memory: int
    """Bytes of the worker at the end."""

    @property
    def armed_per_second(self) -> float:
        """How fast workflows were started and set their timers."""
        return self.size / self.arming

    def late(self, moment: str) -> list[float]:
        """Return by how many seconds each deadline was late at this moment."""
        deadlines: list[Deadline] = self.outcome.deadlines
        return [(getattr(one, moment) - one.due).total_seconds() for one in deadlines]


async def measure(side: Side, size: int, spread: timedelta, per_second: float) -> Minute:
    """Arm as many workflows, let their deadlines come, and return what became of them.

    The deadlines are fixed before anything is armed. Raises WrongState when arming takes longer than at so
    many `per_second`.
    """
    began = time.perf_counter()
    first = datetime.now(UTC) + timedelta(seconds=size / per_second) + REST
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def arm(number: int) -> str:
        async with gate:
            return await side.arm(first + spread * number / size)

    ids = await asyncio.gather(*map(arm, range(size)))
    arming = time.perf_counter() - began
    rest = (first - datetime.now(UTC)).total_seconds()
    if rest < 0:
        raise WrongState(f"armed {size / arming:.0f} a second, too slow: say less in --armed-per-second")
    told_before = await side.told()
    await asyncio.sleep(rest)

    cpu_before, began = cpu_by_process(side.pids), time.perf_counter()
    await all_told(side, told_before + size, spread.total_seconds() + STALLED_AFTER)
    draining = time.perf_counter() - began
    cpu = {name: after - cpu_before[name] for name, after in cpu_by_process(side.pids).items()}
    memory: int = psutil.Process(side.pids["worker"]).memory_info().rss
    return Minute(await side.outcome(ids), size, arming, draining, cpu, memory)


async def all_told(side: Side, count: int, patience: float) -> None:
    """Wait until so many deadlines were told, or none was for this many seconds."""
    told, since = 0, time.monotonic()
    while told < count and time.monotonic() < since + patience:
        await asyncio.sleep(0.5)
        if (now_told := await side.told()) != told:
            told, since = now_told, time.monotonic()


def cpu_by_process(pids: Mapping[str, int]) -> dict[str, float]:
    """Return CPU seconds so far: of these processes, of this one, and of everything else."""
    ours = {name: cpu_seconds(pid) for name, pid in pids.items()} | {"benchmark": time.process_time()}
    all_ = psutil.cpu_times()
    return ours | {"others": sum(all_) - all_.idle - all_.iowait - sum(ours.values())}


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="deadlines within the minute")
    parser.add_argument(
        "--armed-per-second", type=float, default=20.0, help="how fast cases are started at least"
    )
    add_database(parser)
    choice = parser.parse_args()
    size, per_second = int(choice.cases), float(choice.armed_per_second)
    screen, minutes = console(), []
    options = StackOptions(port=0, ui_port=0, by_hand=True)
    async with open_bench(
        "bench-timers", options, "benchmarks.timer_floor", database=choice.database
    ) as bench:
        sides: dict[str, Side] = {"floor": BareSide(bench), "engine": EngineSide(bench)}
        for name, side in sides.items():
            await measure(side, WARM_UP_CASES, WARM_UP, per_second)
            minute = await measure(side, size, MINUTE, per_second)
            minutes.append(minute)
            screen.print(
                f"{name}: {size} armed in {minute.arming:.0f} s; {minute.draining:.0f} s from the first "
                f"deadline until the last was told; lost {minute.outcome.lost}, twice {minute.outcome.twice}"
            )
    screen.print(table(*minutes))
    screen.print(f"ledger on {choice.database}")


def table(floor: Minute, engine: Minute) -> Table:
    """Return both sides and the ratio of engine to floor."""
    made = Table(title=f"{engine.size} deadlines in one minute")
    for column in ("", "floor", "engine", "ratio"):
        made.add_column(column, justify="right")

    def row(name: str, values: Sequence[float], form: str) -> None:
        bare, ours = values
        made.add_row(name, format(bare, form), format(ours, form), f"{ours / bare:.1f}" if bare else "-")

    minutes = (floor, engine)
    for moment in MOMENTS:
        late = [sorted(minute.late(moment)) for minute in minutes]
        for name, percent in PERCENTILES.items():
            row(f"seconds late when {moment}, {name}", [percentile(one, percent) for one in late], ".2f")
        row(f"seconds late when {moment}, max", [one[-1] for one in late], ".2f")
    for process in ("server", "worker"):
        spent = [minute.cpu[process] * 1000 / minute.size for minute in minutes]
        row(f"{process} CPU ms per deadline", spent, ".1f")
    row("CPU cores busy", [sum(one.cpu.values()) / one.draining for one in minutes], ".2f")
    row("of these by other programs", [one.cpu["others"] / one.draining for one in minutes], ".2f")
    row("worker memory, MB", [one.worker_memory / 1e6 for one in minutes], ".0f")
    row("deadlines told per second", [one.size / one.draining for one in minutes], ".1f")
    row("armed per second", [one.armed_per_second for one in minutes], ".1f")
    return made


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value below which so many of a hundred lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    run_and_leave(main)

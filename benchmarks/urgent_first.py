"""How long an emergency takes while a list of thousands is worked off, beside an idle system, in one run.

`python -m benchmarks.urgent_first [--list N] [--emergencies N]`. Everything is on this machine: Temporal on a
SQLite file, ledger on SQLite or PostgreSQL, simulators that decide after two seconds and activate after one.
First emergencies come one by one to an idle system; then N cases of a list are started, and while they queue
up emergencies come with their place in the queue, and one that stands in line with the list.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table
from temporalio.client import Client
from temporalio.common import Priority

from benchmarks.bench import Bench, add_database, open_bench
from cli.screens import console
from models.case import CaseRef
from models.stuck_groups import RUNNING_CASES
from runtime.entry import run_and_leave
from runtime.settings import ROOT
from runtime.stack import StackOptions
from runtime.temporal import BIRTH
from workflows import search_attributes
from workflows.reactivation import Reactivation
from workflows.urgency import priority_of

IN_FLIGHT = 15
"""Starts at a time; more only add waiting (floors.md)."""
APART = 2.0
"""Seconds between two emergencies."""


async def start(client: Client, queue: str, case: CaseRef, priority: Priority) -> None:
    """Start a case with this place in the queue."""
    await client.start_workflow(
        Reactivation.run,
        case,
        id=case.case_number,
        task_queue=queue,
        memo={BIRTH: case.birth},  # without it, it is a stranger's, and numbers are held
        search_attributes=search_attributes.initial(case),
        priority=priority,
    )


async def emergency(bench: Bench, priority: Priority | None = None) -> float:
    """Let one emergency come; return the seconds until it is reactivated."""
    case = bench.register(datetime.now(UTC))
    began = time.perf_counter()
    await start(bench.client, bench.stack.settings.task_queue, case, priority or priority_of(case))
    await bench.client.get_workflow_handle(case.case_number).result()
    return time.perf_counter() - began


async def open_cases(client: Client) -> int:
    """Return how many cases are under way."""
    return (await client.count_workflows(RUNNING_CASES)).count


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", type=int, default=20_000, help="cases of the list")
    parser.add_argument("--emergencies", type=int, default=15, help="of each kind")
    add_database(parser)
    choice = parser.parse_args()
    options = StackOptions(port=0, ui_port=0, policies_dir=ROOT / "examples" / "policies")
    screen = console()
    async with open_bench("bench-urgent", options, "benchmarks.floor", database=choice.database) as bench:
        await emergency(bench)  # warms up
        idle = [await emergency(bench) for _ in range(choice.emergencies)]

        now = datetime.now(UTC)
        listed = [bench.register(now).model_copy(update={"from_list": True}) for _ in range(choice.list)]
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def start_listed(case: CaseRef) -> None:
            async with gate:
                await start(bench.client, bench.stack.settings.task_queue, case, priority_of(case))

        began = time.perf_counter()
        await asyncio.gather(*map(start_listed, listed))
        started = time.perf_counter() - began
        queued = await open_cases(bench.client)
        screen.print(f"{choice.list} list cases started in {started:.0f} s; {queued} of them under way")
        first, like_the_list = [], []
        for _ in range(choice.emergencies):
            first.append(await emergency(bench))
            await asyncio.sleep(APART)
        still = await open_cases(bench.client)
        behind = asyncio.create_task(emergency(bench, priority_of(listed[0])))
        done, _ = await asyncio.wait((behind,), timeout=max(60.0, 20 * statistics.median(first)))
        like_the_list = [task.result() for task in done]
        behind.cancel()
        left = await open_cases(bench.client)
    screen.print(table(idle, first, like_the_list))
    screen.print(
        f"while they came {queued} to {still} cases were under way, {left} at the end; "
        f"ledger on {choice.database}"
    )


def table(idle: Sequence[float], first: Sequence[float], behind: Sequence[float]) -> Table:
    """Return the times side by side."""
    made = Table()
    for column in ("an emergency until reactivated", "n", "median s", "max s", "x idle"):
        made.add_column(column, justify="right")
    base = statistics.median(idle)
    rows = (("idle system", idle), ("behind a list, with priority", first))
    for name, times in rows:
        median, most = statistics.median(times), max(times)
        made.add_row(name, str(len(times)), f"{median:.2f}", f"{most:.2f}", f"{median / base:.1f}")
    waited = f"{behind[0]:.2f}" if behind else "not within a minute"
    made.add_row("behind a list, without", "1", waited, waited, "-")
    return made


if __name__ == "__main__":
    run_and_leave(main)

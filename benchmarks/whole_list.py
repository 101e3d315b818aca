"""A whole list as a city gets it: imported, started and worked off; memory of each process, and queries.

`python -m benchmarks.whole_list [--rows N] [--database NAME] [--at-the-desk]`. Everything is on this machine:
Temporal on a SQLite file, ledger on SQLite or PostgreSQL, one worker. The list is taken by `starter.py
import`, one row in a hundred faulty, while the worker runs the cases. Simulators answer at once; with
`--at-the-desk` people do everything and nobody comes, so that every case stays open.

The machine drifts by half in the time that a list takes. So the list is worked off in stretches, and before,
between and after them the floor is measured on the same server, while worker and watchdog are away.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import httpx
import psutil
from rich.table import Table
from sqlalchemy import func, select

from benchmarks.bench import Bench, add_database, open_bench
from benchmarks.stretches import Sides
from cli.screens import console
from models.messages import EventKind
from models.stuck_groups import RUNNING_CASES
from models.tables import case_events
from runtime.entry import run_and_leave
from runtime.settings import ROOT
from runtime.stack import StackOptions

CITY = "3674"
FAULTS = 0.01
TIMES = 5
"""How often each query is asked."""
ASKED_EVERY = 5.0
"""Seconds between two counts of what is left."""
SELDOM = 30.0
"""The same while more than `MANY` are left: counting is work for the server that is measured."""
MANY = 1000
WARM_UP = 60
PATIENCE = 120.0
"""Seconds without any progress after which the rest is called stuck."""
_ON_DESK = select(func.count()).where(case_events.c.kind == EventKind.STEP_ON_DESK)
_ENDS = case_events.alias()
_FROM_TO = select(case_events.c.at, _ENDS.c.at).where(
    case_events.c.kind == EventKind.CASE_OPENED,
    _ENDS.c.kind == EventKind.CASE_CLOSED,
    _ENDS.c.case_number == case_events.c.case_number,
)


class Memory:
    """The most memory that each process used, looked at twice a second."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        """`pids` are the processes by name; more may be added."""
        self.pids = dict(pids)
        self.most: dict[str, int] = {}

    async def look(self) -> None:
        """Look until cancelled."""
        while True:
            for name, pid in self.pids.items():
                with suppress(psutil.NoSuchProcess):
                    self.most[name] = max(self.most.get(name, 0), psutil.Process(pid).memory_info().rss)
            await asyncio.sleep(0.5)


async def imported(bench: Bench, memory: Memory, rows: int) -> tuple[dict[str, object], float]:
    """Generate a list and import it as an officer does; return what the command said, and its seconds."""
    path = bench.stack.folder / "list.csv"
    generate = ("-m", "examples.generate", "--rows", str(rows), "--city", CITY, "--faults", str(FAULTS))
    await ran(bench, *generate, "--out", str(path))
    began = time.perf_counter()
    process = await begun(bench, "starter.py", "import", str(path), "--city", CITY, "--json")
    memory.pids["importer"] = process.pid
    out, _ = await process.communicate()
    seconds = time.perf_counter() - began
    said: dict[str, object] = json.loads(out)
    return said, seconds


async def ran(bench: Bench, *command: str) -> None:
    """Run a Python program of this project to its end."""
    process = await begun(bench, *command)
    _, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(err.decode())


async def begun(bench: Bench, *command: str) -> asyncio.subprocess.Process:
    """Start a Python program of this project, on the benchmark's stack."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=ROOT,
        env=bench.stack.worker.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def still_running(bench: Bench) -> int:
    """Count the cases that are not over."""
    return (await bench.client.count_workflows(RUNNING_CASES)).count


async def not_on_a_desk(bench: Bench, cases: int) -> int:
    """Count the cases that do not lie on a desk yet."""
    with bench.ledger.connect() as connection:
        lying: int = connection.execute(_ON_DESK).scalar_one()
    return cases - lying


async def worked_off(left: Callable[[], Awaitable[int]], down_to: int) -> int:
    """Wait until no more than `down_to` are left, or nothing moves; return how many are."""
    count, since = -1, time.monotonic()
    while (now_left := await left()) > down_to:
        if now_left != count:
            count, since = now_left, time.monotonic()
        elif time.monotonic() > since + PATIENCE:
            break
        await asyncio.sleep(ASKED_EVERY if now_left < down_to + MANY else SELDOM)
    return now_left


def under_way(bench: Bench) -> list[float]:
    """Return for each case that is over the seconds from its beginning by a worker to its end, in order."""
    with bench.ledger.connect() as connection:
        rows = connection.execute(_FROM_TO).all()
    return sorted((ended - begun).total_seconds() for begun, ended in rows)


async def queries(bench: Bench) -> dict[str, float]:
    """Return the median milliseconds of what supervisors and officers ask."""
    client, web = bench.client, httpx.AsyncClient(base_url=bench.stack.web_ui, trust_env=False)

    async def listed(query: str, number: int) -> None:
        async for _ in client.list_workflows(query, page_size=number, limit=number):
            pass

    async def web_list() -> None:
        params = {"query": f'{RUNNING_CASES} AND Kecamatan="Pamulang"', "maximumPageSize": "100"}
        (await web.get("/api/v1/namespaces/default/workflows", params=params)).raise_for_status()

    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "count all that run": partial(client.count_workflows, RUNNING_CASES),
        "count those of a kecamatan": partial(
            client.count_workflows, f'{RUNNING_CASES} AND Kecamatan="Pamulang"'
        ),
        "list 20": partial(listed, f'{RUNNING_CASES} AND CaseHealth="ok"', 20),
        "list 1,000": partial(listed, RUNNING_CASES, 1000),
        "Web UI, a page of 100": web_list,
        "starter.py list": partial(ran, bench, "starter.py", "list"),
        "starter.py stuck": partial(ran, bench, "starter.py", "stuck"),
    }
    medians = {}
    for name, ask in asked.items():
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            await ask()
            times.append((time.perf_counter() - began) * 1000)
        medians[name] = statistics.median(times)
    await web.aclose()
    return medians


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_990, help="rows of the list")
    parser.add_argument("--stretches", type=int, default=8, help="between which the floor is measured")
    parser.add_argument("--floor", type=int, default=150, help="bare workflows of each shape at a time")
    parser.add_argument(
        "--at-the-desk", action="store_true", help="people do everything, and nobody comes: cases stay open"
    )
    parser.add_argument(
        "--only-start", action="store_true", help="end when all are started and the queries were asked"
    )
    add_database(parser)
    choice = parser.parse_args()
    options = StackOptions(
        port=0, ui_port=0, decide_after=0, activate_after=0, by_hand=bool(choice.at_the_desk)
    )
    screen = console()
    async with open_bench("bench-list", options, "benchmarks.floor", database=choice.database) as bench:
        stack = bench.stack
        memory = Memory({child.name: child.pid for child in stack.children})
        looking = asyncio.create_task(memory.look())
        await Sides(bench, WARM_UP).measure_floors()
        sides = Sides(bench, choice.floor)
        await sides.measure_floors()
        async with sides.stretch():
            said, seconds = await imported(bench, memory, choice.rows)
            screen.print(
                f"imported and started in {seconds:.0f} s: {said['new']} cases, {said['rejected']} rejected"
            )
            asked = {"after the import": await queries(bench)}
        if choice.only_start:
            screen.print(memory_table(memory.most))
            screen.print(query_table(asked))
            return
        cases = int(str(said["new"]))
        left_of = partial(not_on_a_desk, cases=cases) if options.by_hand else still_running
        for number in range(1, choice.stretches + 1):
            down_to = cases - cases * number // choice.stretches
            async with sides.stretch():
                left = await worked_off(partial(left_of, bench), down_to)
            screen.print(f"{left} left", style="dim")
            if left > down_to:
                break
            if down_to:
                await sides.pause()
                memory.pids |= {child.name: child.pid for child in stack.children}
        what = "lie on the desk" if options.by_hand else "are over"
        screen.print(f"all but {left} {what} after {sides.seconds:.0f} s of work")
        if times := under_way(bench):
            *_, late = statistics.quantiles(times, n=100)
            screen.print(
                f"a case was under way for {statistics.median(times):.2f} s (median), {late:.2f} s (p99)"
            )
        asked["at the end"] = await queries(bench)
        await sides.measure_floors()
        looking.cancel()
    screen.print(sides.table(cases))
    screen.print(memory_table(memory.most))
    screen.print(query_table(asked))
    screen.print(f"{choice.rows} rows, ledger on {choice.database}")


def memory_table(most: Mapping[str, int]) -> Table:
    """Return the most memory of each process."""
    made = Table()
    for column in ("process", "most memory, MB"):
        made.add_column(column, justify="right")
    for name, bytes_ in most.items():
        made.add_row(name, f"{bytes_ / 1e6:.0f}")
    return made


def query_table(asked: Mapping[str, Mapping[str, float]]) -> Table:
    """Return the median milliseconds of each query."""
    made = Table()
    for column in ("query, median ms", *asked):
        made.add_column(column, justify="right")
    for name in next(iter(asked.values())):
        made.add_row(name, *(f"{medians[name]:.0f}" for medians in asked.values()))
    return made


if __name__ == "__main__":
    run_and_leave(main)

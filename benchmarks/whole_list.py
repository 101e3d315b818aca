"""A whole list as a city gets it: imported, started and worked off; memory of each process, and queries.

`python -m benchmarks.whole_list [--rows N] [--database NAME] [--at-the-desk]`. Everything is on this machine:
Temporal on a SQLite file, ledger on SQLite or PostgreSQL, one worker. The list is taken by `starter.py
import`, one row in a hundred faulty, while the worker runs the cases. Simulators answer at once; with
`--at-the-desk` people do everything and nobody comes, so that every case stays open. The floor's CPU is
measured before and after, on the same server: 25 at a time, and a list of them that is begun at once.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import httpx
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from benchmarks.bench import Bench, add_database, cpu_seconds, open_bench
from benchmarks.cases_per_second import Round, measure, run_floor, start_floor
from cli.screens import console
from models.case import CaseRef
from models.errors import WrongState
from models.messages import EventKind
from models.stuck_groups import RUNNING_CASES
from models.tables import case_events
from runtime.entry import run_and_leave
from runtime.settings import ROOT
from runtime.stack import StackOptions
from workflows.options import STARTS_IN_FLIGHT

CITY = "3674"
FAULTS = 0.01
TIMES = 5
"""How often each query is asked."""
SAID_EVERY = 30.0
"""Seconds between two lines about what is left."""
ASKED_EVERY = 5.0
"""Seconds between two counts of what is left."""
MANY = 2000
"""From so many on it is counted no more often than told: counting is work for the server that is measured."""
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


async def worked_off(left: Callable[[], Awaitable[int]], screen: Console) -> int:
    """Wait until none is left; return how many are when nothing moves."""
    count, since, told = -1, time.monotonic(), time.monotonic()
    while (now_left := await left()) > 0:
        if now_left != count:
            count, since = now_left, time.monotonic()
        elif time.monotonic() > since + PATIENCE:
            return count
        if time.monotonic() > told + SAID_EVERY:
            told = time.monotonic()
            screen.print(f"{now_left} left", style="dim")
        await asyncio.sleep(ASKED_EVERY if now_left < MANY else SAID_EVERY)
    return 0


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


async def floor_of(bench: Bench, number: int, listed: int) -> dict[str, Round]:
    """Measure both shapes of the floor: a few at a time, and as a list is worked off, all begun at once."""
    pids = {"server": bench.stack.temporal.pid, "worker": bench.floor.pid}
    rounds = {}
    for name, has_own_queues in (("floor", False), ("floor, own queues", True)):
        run = partial(run_floor, bench.client, has_own_queues=has_own_queues)
        rounds[name] = await measure([a_case(index) for index in range(number)], pids, run)
        if listed:
            rounds[f"{name}, a list"] = await a_list_of_floors(
                bench, pids, listed, has_own_queues=has_own_queues
            )
    return rounds


async def floors(bench: Bench, status: str) -> int:
    """Count the floors that Temporal lists so."""
    return (await bench.client.count_workflows(f'WorkflowType="Floor" AND ExecutionStatus="{status}"')).count


async def a_list_of_floors(
    bench: Bench, pids: Mapping[str, int], number: int, *, has_own_queues: bool
) -> Round:
    """Start so many floors as an import starts cases, and wait until all are over. Raises WrongState."""
    await worked_off(partial(floors, bench, "Running"), console())  # lists lag behind the floors before
    gate, over = asyncio.Semaphore(STARTS_IN_FLIGHT), await floors(bench, "Completed")
    before, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.perf_counter()

    async def start(case: CaseRef) -> None:
        async with gate:
            await start_floor(bench.client, case, has_own_queues=has_own_queues)

    async def left() -> int:
        return over + number - await floors(bench, "Completed")

    await asyncio.gather(*map(start, map(a_case, range(number))))
    if stuck := await worked_off(left, console()):
        raise WrongState(f"{stuck} floors are stuck")
    spent = {name: (cpu_seconds(pid) - before[name]) * 1000 / number for name, pid in pids.items()}
    return Round(time.perf_counter() - began, number, spent)


def a_case(number: int) -> CaseRef:
    """Return a case that only the floor runs."""
    return CaseRef.model_validate(
        {
            "case_number": f"PBI-{CITY}-2000-{number:06d}",
            "city": CITY,
            "track": "emergency",
            "kecamatan": "Pamulang",
            "received_at": datetime.now(UTC),
        }
    )


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_990, help="rows of the list")
    parser.add_argument("--floor", type=int, default=400, help="bare workflows before and after")
    parser.add_argument("--floor-list", type=int, default=1000, help="the same, all begun at once")
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
        await floor_of(bench, 60, 0)
        before = await floor_of(bench, choice.floor, choice.floor_list)
        pids = {"server": stack.temporal.pid, "worker": stack.worker.pid}
        cpu, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.perf_counter()
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
        left = await worked_off(partial(left_of, bench), screen)
        took = time.perf_counter() - began
        spent = {name: cpu_seconds(pid) - cpu[name] for name, pid in pids.items()}
        what = "lie on the desk" if options.by_hand else "are over"
        screen.print(f"all but {left} {what} {took:.0f} s after the beginning")
        if times := under_way(bench):
            *_, late = statistics.quantiles(times, n=100)
            screen.print(
                f"a case was under way for {statistics.median(times):.2f} s (median), {late:.2f} s (p99)"
            )
        asked["at the end"] = await queries(bench)
        after = await floor_of(bench, choice.floor, choice.floor_list)
        looking.cancel()
    screen.print(cpu_table({name: one * 1000 / cases for name, one in spent.items()}, before, after))
    screen.print(memory_table(memory.most))
    screen.print(query_table(asked))
    screen.print(f"{choice.rows} rows, ledger on {choice.database}")


def cpu_table(engine: Mapping[str, float], before: Mapping[str, Round], after: Mapping[str, Round]) -> Table:
    """Return CPU milliseconds per case beside the floors."""
    made = Table()
    for column in ("CPU ms per case", "server", "worker", "both", "engine to this"):
        made.add_column(column, justify="right")
    total = sum(engine.values())
    for when, floors in (("before", before), ("after", after)):
        for name, floor in floors.items():
            both = floor.cpu_ms["server"] + floor.cpu_ms["worker"]
            numbers = (f"{floor.cpu_ms[process]:.1f}" for process in ("server", "worker"))
            made.add_row(f"{name}, {when}", *numbers, f"{both:.1f}", f"{total / both:.2f}")
    made.add_row("engine", f"{engine['server']:.1f}", f"{engine['worker']:.1f}", f"{total:.1f}", "-")
    return made


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

"""Commands on many cases at once: rehearsed first, then done one by one as a durable workflow."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from cli.door import As, Counter, Json, counter, hand, print_json, run
from cli.screens import clock
from desk.orders import words
from gateways.ports import BulkBook
from models.bulk import (
    Bulk,
    BulkItem,
    BulkProgress,
    Filter,
    Operation,
    guarded,
    require_expected,
    require_some,
)
from models.errors import BadInput, Finding
from models.roles import Act, Officer
from runtime import adapters
from runtime.bulk_desk import BulkDesk, Found, new_id
from runtime.settings import Settings
from runtime.temporal import connect
from workflows.search_attributes import COLUMNS

app = typer.Typer(
    no_args_is_help=True,
    help="Many cases at once: `retry`, `withdraw`, `reassign`, `extend`, `escalate`, `release`; "
    "`list`, `show`, `run`. Without --go nothing is done: the cases are counted and named.",
)

_SAMPLE = 10
_Where = Annotated[
    str,
    typer.Option("--where", help="Which cases: a list filter of the Web UI, as 'CaseHealth=\"stuck\"'."),
]
_Go = Annotated[bool, typer.Option("--go", help="Do it; without this the cases are only counted and named.")]
_Why = Annotated[str, typer.Option("--reason", help="Why, in words; they stay in the ledger. Needs --go.")]
_Expect = Annotated[
    int | None, typer.Option("--expect", min=1, help="How many cases the rehearsal found. Needed with --go.")
]
_AllOfThem = Annotated[
    bool, typer.Option("--all-of-them", help="Also when the filter finds every case that runs.")
]
_Ids = Annotated[Path | None, typer.Option("--ids", help="Rehearsal: where to write the case numbers.")]
_Results = Annotated[Path | None, typer.Option("--results", help="Where to write what became of each, CSV.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Id of an order, from `bulk list`.")]
_EPILOG = 'Example: starter.py bulk {} --where \'CaseHealth="stuck" AND City="3674"\'{}'


@app.command(epilog=_EPILOG.format("retry", " --go --reason 'SIKS-NG pulih' --expect 200"))
def retry(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None, all_of_them: _AllOfThem = False,
    ids: _Ids = None, results: _Results = None, as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Take the step again at which cases wait for a person."""
    _order(Operation.RETRY, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command(epilog=_EPILOG.format("withdraw", ""))
def withdraw(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None, all_of_them: _AllOfThem = False,
    ids: _Ids = None, results: _Results = None, as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """End cases because the applicants or the office asked for it."""
    _order(Operation.WITHDRAW, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command(epilog=_EPILOG.format("reassign", " --to tangsel-verifikator-2"))
def reassign(
    where: _Where, to: Annotated[str, typer.Option("--to", help="Who gets the work: an id of people.toml.")],
    go: _Go = False, reason: _Why = "", expect: _Expect = None, all_of_them: _AllOfThem = False,
    ids: _Ids = None, results: _Results = None, as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Give the open desk work of cases to an officer who may do it."""
    gates = (go, reason, expect, all_of_them)
    _order(Operation.REASSIGN, where, gates, (ids, results), as_, as_json=json_, to=to)


@app.command(epilog=_EPILOG.format("extend", " --by PT4H"))
def extend(
    where: _Where, by: Annotated[str, typer.Option("--by", help="Longer by this, for example PT4H.")],
    go: _Go = False, reason: _Why = "", expect: _Expect = None, all_of_them: _AllOfThem = False,
    ids: _Ids = None, results: _Results = None, as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Move the due time of cases."""
    gates = (go, reason, expect, all_of_them)
    _order(Operation.EXTEND, where, gates, (ids, results), as_, as_json=json_, by=by)


@app.command(epilog=_EPILOG.format("escalate", ""))
def escalate(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None, all_of_them: _AllOfThem = False,
    ids: _Ids = None, results: _Results = None, as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Tell the next level of the ladder now, until somebody there acknowledges."""
    _order(Operation.ESCALATE, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command(epilog='Example: starter.py bulk release --where \'CaseHealth="parked" AND City="3674"\'')
def release(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None, all_of_them: _AllOfThem = False,
    ids: _Ids = None, results: _Results = None, as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Take parked cases up again whose system is back."""
    _order(Operation.RELEASE, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command("list", epilog="Example: starter.py bulk list")
def list_(as_: As = None, json_: Json = False) -> None:
    """List the orders, the newest first, and how far each is."""

    async def work(settings: Settings, screen: Console) -> None:
        _officer(await counter(settings), as_, settings)
        book = adapters.bulk_book(settings)
        found = [(bulk, book.progress(bulk.id)) for bulk in book.latest()]
        if json_:
            print_json([_bulk_data(bulk, progress) for bulk, progress in found])
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("id", "WIB", "operation", "by", "progress", "where"):
            table.add_column(column, overflow="fold", no_wrap=column == "id")
        for bulk, progress in found:
            row = (
                bulk.id,
                clock(bulk.given_at),
                bulk.operation.value,
                bulk.actor,
                progress.words,
                bulk.where,
            )
            table.add_row(*map(Text, row))
        screen.print(table if found else "no bulk operation")

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py bulk show 20260213-150412-9f3a --results hasil.csv")
def show(bulk_id: _Id, results: _Results = None, as_: As = None, json_: Json = False) -> None:
    """Show an order, and what became of each of its cases as far as is known now."""

    async def work(settings: Settings, screen: Console) -> None:
        _officer(await counter(settings), as_, settings)
        book = adapters.bulk_book(settings)
        _tell(book, book.bulk(bulk_id), results, screen, as_json=json_)

    run(work, as_json=json_)


@app.command("run", epilog="Example: starter.py bulk run 20260213-150412-9f3a")
def run_(bulk_id: _Id, results: _Results = None, as_: As = None, json_: Json = False) -> None:
    """Take an order up again that was stopped, or watch one that is under way. Nothing is done twice."""

    async def work(settings: Settings, screen: Console) -> None:
        _officer(await counter(settings), as_, settings)
        book = adapters.bulk_book(settings)
        await _follow(settings, book, book.bulk(bulk_id), results, screen, as_json=json_)

    run(work, as_json=json_)


def _order(
    operation: Operation,
    where: str,
    gates: tuple[bool, str, int | None, bool],
    files: tuple[Path | None, Path | None],
    as_: str | None,
    *,
    as_json: bool,
    to: str | None = None,
    by: str | None = None,
) -> None:
    """Rehearse an order, or give it."""
    go, reason, expect, all_of_them = gates
    ids, results = files

    async def work(settings: Settings, screen: Console) -> None:
        officer = _officer(await counter(settings), as_, settings)
        chosen_by = guarded(where, [column.key.name for column in COLUMNS])
        seconds = None if by is None else int(_duration(by).total_seconds())
        why = words("--reason", reason) if go else ""
        if go and expect is None:
            raise BadInput([Finding("--expect", "is needed with --go", "say how many the rehearsal found")])
        book = adapters.bulk_book(settings)
        desk = BulkDesk(await connect(settings, lazy=True), book, settings.task_queue)
        found, now = await desk.find(chosen_by), datetime.now(UTC)
        if not go or expect is None:
            running = await desk.running()
            path = ids or Path(f"bulk-{operation}-{now:%Y%m%dT%H%M%SZ}.txt")
            _rehearse(operation, chosen_by, found, running, officer, path, screen, as_json=as_json)
            return
        require_expected(len(found), expect)
        require_some(len(found), await desk.running(), all_of_them=all_of_them)
        bulk = Bulk(new_id(now), operation, chosen_by.where, officer.id, now, why, to, seconds)
        book.keep(bulk, [one.chosen for one in found])
        await _follow(settings, book, bulk, results, screen, as_json=as_json)

    run(work, as_json=as_json)


def _rehearse(
    operation: Operation,
    chosen_by: Filter,
    found: list[Found],
    running: int,
    officer: Officer,
    path: Path,
    screen: Console,
    *,
    as_json: bool,
) -> None:
    """Tell what would be done, and to which cases."""
    numbers = [one.chosen.case_number for one in found]
    outside = sum(not officer.serves_area(one.city, one.kecamatan) for one in found)
    _write(path, lambda file: file.write_text("".join(f"{number}\n" for number in numbers)), "--ids")
    if as_json:
        told = {"operation": operation, "query": chosen_by.query, "count": len(found), "running": running}
        print_json(told | {"outside_area": outside, "sample": numbers[:_SAMPLE], "ids": path})
        return
    screen.print(Text(f"rehearsal: {operation} would meet {len(found)} of {running} case(s)", style="bold"))
    for number in numbers[:_SAMPLE]:
        screen.print(f"  {number}", markup=False)
    if len(numbers) > _SAMPLE:
        screen.print(f"  and {len(numbers) - _SAMPLE} more")
    screen.print(Text(f"  all of them: {path}"), soft_wrap=True)
    if outside:
        screen.print(f"  {outside} lie outside your area and will be refused", style="yellow")
    screen.print(f"nothing was done; to do it: --go --reason '...' --expect {len(found)}", style="yellow")


async def _follow(
    settings: Settings, book: BulkBook, bulk: Bulk, results: Path | None, screen: Console, *, as_json: bool
) -> None:
    """Begin or find the order's workflow, show how far it is until the end, and tell what became of it."""
    desk = BulkDesk(await connect(settings, lazy=True), book, settings.task_queue)
    path = results or Path(f"bulk-{bulk.id}.csv")
    if not as_json:
        screen.print(Text(f"order {bulk.id}: {bulk.operation} by {bulk.actor}", style="bold"))
        screen.print("  Ctrl-C leaves it running; `starter.py bulk run ID` watches it, or takes it up again")
    if book.progress(bulk.id).left:
        await desk.begin(bulk)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=screen, disable=as_json or not screen.is_terminal,
        ) as bar:  # fmt: skip
            task = bar.add_task(bulk.operation.value)
            last = [""]

            def tell(progress: BulkProgress) -> None:
                bar.update(task, total=progress.total, completed=progress.settled)
                if not as_json and not screen.is_terminal and progress.words != last[0]:
                    screen.print(f"  {progress.words}")
                last[0] = progress.words

            await desk.follow(bulk.id, tell)
    _tell(book, bulk, path, screen, as_json=as_json)


def _tell(book: BulkBook, bulk: Bulk, results: Path | None, screen: Console, *, as_json: bool) -> None:
    """Tell what became of an order, and write it down case by case."""
    progress, items = book.progress(bulk.id), book.items(bulk.id)
    if results is not None:
        _write(results, lambda file: _write_results(file, items), "--results")
    if as_json:
        told = [{name: value for name, value in vars(item).items() if name != "seen"} for item in items]
        print_json(_bulk_data(bulk, progress) | {"items": told, "file": results})
        return
    screen.print(Text(f"{bulk.operation} by {bulk.actor}, {clock(bulk.given_at)} WIB: {progress.words}"))
    screen.print(Text(f"  where {bulk.where}"), soft_wrap=True)
    for item in [one for one in items if one.detail is not None][:_SAMPLE]:
        screen.print(Text(f"  {item.case_number}  {item.result}: {item.detail}"), soft_wrap=True)
    if results is not None:
        screen.print(Text(f"  what became of each: {results}"), soft_wrap=True)


def _write_results(file: Path, items: list[BulkItem]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("case_number", "result", "detail", "at"))
        for item in items:
            at = "" if item.at is None else f"{item.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            writer.writerow((item.case_number, item.result or "", item.detail or "", at))


def _write(path: Path, write: Callable[[Path], object], option: str) -> None:
    try:
        write(path)
    except OSError:
        raise BadInput([Finding(option, "cannot be written", "choose another place")]) from None


def _officer(at: Counter, as_: str | None, settings: Settings) -> Officer:
    return at.work.gate.officer(hand(as_, None, settings).actor, Act.BULK)


def _bulk_data(bulk: Bulk, progress: BulkProgress) -> dict[str, object]:
    told = {name: value for name, value in vars(bulk).items() if name != "reason"}
    return told | {"total": progress.total, "left": progress.left, "results": progress.results}


def _duration(text: str) -> timedelta:
    try:
        return TypeAdapter(timedelta).validate_python(text)
    except ValidationError:
        raise BadInput([Finding("--by", "is not a duration", "write it as PT4H or PT30M")]) from None

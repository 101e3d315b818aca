"""Commands on many cases at once: rehearsed first, then done one by one as a durable workflow."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.bulk_screens import Export, bulk_data, follow, rehearse, tell
from cli.cutting import print_cut, say_cut
from cli.door import As, Counter, Json, counter, hand, ledger_time, run
from cli.exporting import exported
from cli.saying import read_duration
from cli.screens import clock
from desk.words import words
from models.audit import Door
from models.bulk import Bulk, Operation, guarded, require_expected, require_some
from models.errors import BadInput, Finding
from models.roles import Act, Officer
from runtime import adapters
from runtime.bulk_desk import BulkDesk, new_id
from runtime.settings import Settings
from workflows.search_attributes import COLUMNS

app = typer.Typer(
    no_args_is_help=True,
    help="Many cases at once: `retry`, `withdraw`, `reassign`, `extend`, `escalate`, `release`; "
    "`list`, `show`, `run`. Without --go nothing is done: the cases are counted and named. "
    "Exit code 0 when at least one case was done, with the count of the others; 4 when none was.",
)

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
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None,
    all_of_them: _AllOfThem = False, ids: _Ids = None, results: _Results = None,
    as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Take the step again at which cases are stuck or parked; any other is skipped."""
    _order(Operation.RETRY, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command(epilog=_EPILOG.format("withdraw", ""))
def withdraw(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None,
    all_of_them: _AllOfThem = False, ids: _Ids = None, results: _Results = None,
    as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """End cases because the applicants or the office asked for it."""
    _order(Operation.WITHDRAW, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command(epilog=_EPILOG.format("reassign", " --to tangsel-verifikator-2"))
def reassign(
    where: _Where, to: Annotated[str, typer.Option("--to", help="Who gets the work: an id of people.toml.")],
    go: _Go = False, reason: _Why = "", expect: _Expect = None,
    all_of_them: _AllOfThem = False, ids: _Ids = None, results: _Results = None,
    as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Give the open desk work of cases to an officer who may do it."""
    gates = (go, reason, expect, all_of_them)
    _order(Operation.REASSIGN, where, gates, (ids, results), as_, as_json=json_, to=to)


@app.command(epilog=_EPILOG.format("extend", " --by PT4H"))
def extend(
    where: _Where, by: Annotated[str, typer.Option("--by", help="Longer by this, for example PT4H.")],
    go: _Go = False, reason: _Why = "", expect: _Expect = None,
    all_of_them: _AllOfThem = False, ids: _Ids = None, results: _Results = None,
    as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Give cases more time."""
    gates = (go, reason, expect, all_of_them)
    _order(Operation.EXTEND, where, gates, (ids, results), as_, as_json=json_, by=by)


@app.command(epilog=_EPILOG.format("escalate", ""))
def escalate(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None,
    all_of_them: _AllOfThem = False, ids: _Ids = None, results: _Results = None,
    as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Tell the next level of the ladder now, until somebody there acknowledges."""
    _order(Operation.ESCALATE, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command(epilog='Example: starter.py bulk release --where \'CaseHealth="parked" AND City="3674"\'')
def release(
    where: _Where, go: _Go = False, reason: _Why = "", expect: _Expect = None,
    all_of_them: _AllOfThem = False, ids: _Ids = None, results: _Results = None,
    as_: As = None, json_: Json = False,
) -> None:  # fmt: skip
    """Take parked cases up again whose system is back."""
    _order(Operation.RELEASE, where, (go, reason, expect, all_of_them), (ids, results), as_, as_json=json_)


@app.command("list", epilog="Example: starter.py bulk list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, the newest.")] = 50,
    as_: As = None,
    json_: Json = False,
) -> None:
    """List the orders, the newest first, and how far each is."""

    async def work(settings: Settings, screen: Console) -> None:
        _officer(await counter(settings), as_, settings)
        book = adapters.bulk_book(settings)
        orders = book.latest(limit)
        found = [(bulk, book.progress(bulk.id)) for bulk in orders]
        if json_:
            print_cut("orders", [bulk_data(bulk, progress) for bulk, progress in found], orders)
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
        say_cut(orders, screen)

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py bulk show 20260213-150412-9f3a --results hasil.csv")
def show(bulk_id: _Id, results: _Results = None, as_: As = None, json_: Json = False) -> None:
    """Show an order, and what became of each of its cases as far as is known now."""

    async def work(settings: Settings, screen: Console) -> None:
        officer = _officer(await counter(settings), as_, settings)
        book = adapters.bulk_book(settings)
        export = _export(settings, officer)
        tell(book, book.bulk(bulk_id), results, screen, export=export, as_json=json_)

    run(work, as_json=json_)


@app.command("run", epilog="Example: starter.py bulk run 20260213-150412-9f3a")
def run_(bulk_id: _Id, results: _Results = None, as_: As = None, json_: Json = False) -> None:
    """Take an order up again that was stopped, or watch one that is under way. Nothing is done twice."""

    async def work(settings: Settings, screen: Console) -> int:
        at = await counter(settings)
        officer = _officer(at, as_, settings)
        book = adapters.bulk_book(settings)
        export, desk = _export(settings, officer), BulkDesk(at.namespace, book)
        return await follow(desk, book, book.bulk(bulk_id), results, screen, export=export, as_json=json_)

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

    async def work(settings: Settings, screen: Console) -> int:
        at = await counter(settings)
        officer = _officer(at, as_, settings)
        chosen_by = guarded(where, [column.key.name for column in COLUMNS])
        longer = None if by is None else read_duration(by)
        if longer is not None:
            at.work.require_length(officer, longer)
        seconds = None if longer is None else int(longer.total_seconds())
        why = words("--reason", reason) if go else ""
        if go and expect is None:
            raise BadInput([Finding("--expect", "is needed with --go", "say how many the rehearsal found")])
        book = adapters.bulk_book(settings)
        desk = BulkDesk(at.namespace, book)
        found, now = await desk.find(chosen_by), ledger_time(settings)
        if not go or expect is None:
            running = await desk.running()
            path = ids or (Path(f"bulk-{operation}-{now:%Y%m%dT%H%M%SZ}.txt") if found else None)
            export = _export(settings, officer)
            rehearse(
                operation, chosen_by, found, running, officer, path, screen, export=export, as_json=as_json
            )
            return 0
        require_expected(len(found), expect)
        require_some(len(found), await desk.running(), all_of_them=all_of_them)
        bulk = Bulk(new_id(now), operation, chosen_by.where, officer.id, now, why, to, seconds)
        book.keep(bulk, [one.chosen for one in found])
        export = _export(settings, officer)
        return await follow(desk, book, bulk, results, screen, export=export, as_json=as_json)

    run(work, as_json=as_json)


def _officer(at: Counter, as_: str | None, settings: Settings) -> Officer:
    return at.work.gate.officer(hand(as_, None, settings).actor, Act.BULK)


def _export(settings: Settings, officer: Officer) -> Export:
    """Return what writes down that the officer gets a file of case numbers."""

    def export(reason: str, count: int) -> None:
        exported(settings, officer, Act.BULK, Door.BULK_FILE, reason, count=count)

    return export

"""The command that takes lists: `import`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.door import As, Counter, Json, counter, hand, print_json, run
from cli.exporting import exported
from cli.progress import progress
from cli.screens import console
from intake.bulk import BulkIntake, ListWanted
from intake.layouts import ColumnMap, read_constants, read_map
from intake.verdict import Checked, Taken
from models.audit import Door
from models.roles import Act
from runtime import adapters
from runtime.settings import Settings
from runtime.starting import CaseStarter

app = typer.Typer()


@app.command(
    "import",
    epilog="Example: starter.py import daftar.csv --city 3674 --as tangsel-loket-1. A BNBA list does not "
    "tell why people need care: --set need_kind=routine --set facility=... --set letter_number=... "
    "--set letter_date=... --set deactivated_on=... --set documents=facility_letter=surat.pdf",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="List as CSV or XLSX.")],
    city: Annotated[str, typer.Option(help="Code of the city it is for, for example 3674.")],
    map_: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="TOML: which column is which field.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A field that is the same in every row."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row and start nothing.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where faulty rows are told; beside the list unless given."),
    ] = None,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Take a list: every good row becomes a case, once, also when the command is interrupted and repeated."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        officer = desk.work.gate.officer(hand(as_, None, settings).actor, Act.SUBMIT, city=city)
        columns = read_map(map_) if map_ is not None else ColumnMap()
        beside = file.with_name(f"{file.name}.rejects.csv")
        wanted = ListWanted(file, city, columns, read_constants(set_ or [], columns), rejects or beside)
        bulk = _bulk(settings, desk)
        with bulk.open(wanted, adapters.clock(settings)) as found:
            exported(settings, officer, Act.SUBMIT, Door.REJECTS, f"city:{city}")
            with progress("checking", None) as told:
                checked = await found.check(told)
            if dry_run:
                _say(checked, None, wanted, screen, as_json=json_)
                return
            try:
                with progress("taking", checked.rows) as told:
                    taken = await found.take(checked, officer, told)
            except asyncio.CancelledError:
                console(stderr=True).print(
                    "interrupted: what was taken stays taken; give the same command again, and it goes on",
                    style="yellow",
                )
                raise
            _say(checked, taken, wanted, screen, as_json=json_)

    run(work, as_json=json_)


def _bulk(settings: Settings, desk: Counter) -> BulkIntake:
    lists = adapters.lists(settings)
    starter = CaseStarter(desk.namespace)
    return BulkIntake(lists.tables, lists.imports, lists.documents, lists.shelf, starter)


def _say(
    checked: Checked, taken: Taken | None, wanted: ListWanted, screen: Console, *, as_json: bool
) -> None:
    if as_json:
        print_json(_data(checked, taken, wanted))
        return
    layout = {"own": "our own columns", "bnba": "BNBA", "map": "columns of the map"}[checked.plan.layout]
    screen.print(f"{checked.rows} rows, {layout}", style="bold", markup=False)
    if taken is None:
        would = f"{checked.untaken} would be taken, {checked.taken_before} were before"
        screen.print(f"  {would}; nothing was started")
    elif taken.new + taken.known + taken.started == 0:
        screen.print(f"  nothing new: {taken.taken_before} row(s) were taken before", style="green")
    else:
        screen.print(f"  {taken.new} new case(s), {taken.started} started", style="green")
        if taken.known:
            screen.print(f"  {taken.known} row(s) belong to cases that were there already")
        if taken.taken_before:
            screen.print(f"  {taken.taken_before} row(s) were taken before")
    rejected = checked.rejected if taken is None else taken.rejected
    if rejected:
        screen.print(f"  {rejected} row(s) rejected, see {escape(str(wanted.rejects))}", style="red")
        for one in checked.most_frequent():
            where = f"{one.rows} row(s), the first is {one.fault.row}"
            screen.print(
                f"    {one.fault.column or 'row'}: {one.fault.rule}: {where}", style="red", markup=False
            )
    for rule, rows in checked.warnings.most_common():
        screen.print(f"  look at: {rule} in {rows} row(s)", style="yellow", markup=False)


def _data(checked: Checked, taken: Taken | None, wanted: ListWanted) -> dict[str, object]:
    return {
        "layout": checked.plan.layout,
        "rows": checked.rows,
        "rejected": checked.rejected if taken is None else taken.rejected,
        "taken_before": checked.taken_before,
        "untaken": checked.untaken,
        "new": None if taken is None else taken.new,
        "known": None if taken is None else taken.known,
        "started": None if taken is None else taken.started,
        "faults": [
            {
                "column": one.fault.column,
                "code": one.fault.code,
                "rule": one.fault.rule,
                "rows": one.rows,
                "first_row": one.fault.row,
            }
            for one in checked.most_frequent()
        ],
        "warnings": dict(checked.warnings),
        "rejects": wanted.rejects,
    }

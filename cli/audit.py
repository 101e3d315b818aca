"""Commands on the audit: verify the chain, seal, anchor its head outside, read the trail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.cutting import print_cut, say_cut
from cli.door import As, Json, counter, hand, known_form, ledger_time, print_json, run
from cli.progress import progress
from cli.report import asked_period
from cli.screens import clock
from models.audit import Coverage, Fault, TrailAsk, TrailLine, Unsealed
from models.errors import WrongState
from models.roles import Act
from models.texts import duration
from models.wib import wib_date
from runtime import adapters, sealing
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Who did and saw what, and proof that it was not changed since.")

_BROKEN = 4
_FirstDay = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="First day in WIB, yyyy-mm-dd; all unless given.")
]
_LastDay = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last day, included; today unless given.")
]


@app.command(epilog="Example: starter.py audit verify --anchors /mnt/usb/anchors.txt")
def verify(
    anchors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Heads kept outside the database [REAKTIVASI_ANCHORS]."),
    ] = None,
    json_: Json = False,
) -> None:
    """Compare rows with the chain, cases with their events; name each that was changed. Exit code 4 then."""

    async def work(settings: Settings, screen: Console) -> int:
        audit, file = adapters.audit(settings), adapters.anchors(anchors or settings.anchors)
        coverage = audit.coverage()
        head = audit.head()
        last = 0 if head is None else head.number
        found: list[Fault] = []
        broken = 0
        with progress("verifying", last) as told:
            for fault in sealing.faults(audit, last, file, told):
                broken += 1
                if json_:
                    found.append(fault)
                else:
                    screen.print(Text(f"{fault.table} {fault.key}: {fault.what}", "red"), soft_wrap=True)
        unsealed, lost = audit.unsealed(), sealing.lost_anchors(audit, file)
        if json_:
            print_json(
                {
                    "is_whole": not broken,
                    "entries": last,
                    "head": None if head is None else head.hash,
                    "faults": [vars(fault) for fault in found],
                    "unsealed": vars(unsealed),
                    "with_anchors": file is not None,
                    "lost_anchors": lost,
                    **vars(coverage),
                }
            )
            return _BROKEN if broken else 0
        if broken:
            words = f"{last} entries, {broken} fault(s): the ledger is not as it was written"
            screen.print(words, style="bold red")
        else:
            end = "" if head is None else f", head {head.hash[:16]}"
            screen.print(f"{last} entries{end}: nothing that is sealed was changed", style="bold green")
        screen.print(f"  {_waiting(unsealed, settings)}", style="yellow" if unsealed.rows else "")
        if lost:
            screen.print(f"  {lost} anchor(s) are of entries that were lost when the ledger was put back")
        for line in _vouched(coverage, with_anchors=file is not None):
            screen.print(Text(f"  {line}"), soft_wrap=True)
        return _BROKEN if broken else 0

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py audit seal")
def seal(json_: Json = False) -> None:
    """Seal what waits now; running workers do this by themselves every few seconds."""

    async def work(settings: Settings, screen: Console) -> None:
        rows = sealing.seal_all(adapters.audit(settings), adapters.clock(settings))
        if json_:
            print_json({"sealed": rows})
        else:
            screen.print(f"{rows} row(s) sealed")

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py audit anchor /mnt/usb/anchors.txt")
def anchor(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Text file, made or appended to.")],
    json_: Json = False,
) -> None:
    """Write the chain's head into a file outside the database: it finds a chain that is written anew."""

    async def work(settings: Settings, screen: Console) -> None:
        audit, now = adapters.audit(settings), ledger_time(settings)
        sealing.seal_all(audit, lambda: now)
        anchors = adapters.anchors(file)
        made = None if anchors is None else sealing.anchor(audit, anchors, now)
        if made is None:
            raise WrongState("the chain is empty: there is nothing to anchor")
        if json_:
            print_json(vars(made))
        else:
            screen.print(Text(str(made)), soft_wrap=True)

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py audit show --case PBI-3674-2026-000123 --as tangsel-supervisor")
def show(
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only this case.")] = None,
    actor: Annotated[str | None, typer.Option(metavar="ID", help="Only this officer, or `machine`.")] = None,
    from_: _FirstDay = None,
    to: _LastDay = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, the newest.")] = 200,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Show who did and saw what, the oldest first: commands, refusals, transitions, alerts, views, files."""

    async def work(settings: Settings, screen: Console) -> None:
        office, now = adapters.office(settings), ledger_time(settings)
        about = None if case is None else office.registry.case(known_form(case)).case
        gate = (await counter(settings)).work.gate
        officer = gate.officer(hand(as_, None, settings).actor, Act.READ_TRAIL, about)
        days = None
        if from_ is not None or to is not None:
            days = asked_period(from_, to, wib_date(now), {})
        ask = TrailAsk(
            case_number=case,
            actor=actor,
            since=None if days is None or from_ is None else days.start,
            until=None if days is None else days.end,
            cities=officer.cities,
            limit=limit,
        )
        lines = office.trail.lines(ask)
        if json_:
            print_cut("lines", [vars(line) for line in lines], lines)
        else:
            screen.print(_table(lines) if lines else "no line of the trail matches")
            say_cut(lines, screen)

    run(work, as_json=json_)


def _vouched(coverage: Coverage, *, with_anchors: bool) -> Iterator[str]:
    """Yield what the verdict is about, and what it says nothing about."""
    compared = (f"{name} ({', '.join(columns)})" for name, columns in coverage.compared.items())
    yield f"sealed, all or some of their columns (--json names each): {', '.join(coverage.sealed)}"
    yield f"compared with what is sealed: {'; '.join(compared)}"
    yield f"neither, all or some of their columns: {', '.join(coverage.neither)}"
    if not with_anchors:
        yield "without --anchors a chain that was cut off or written anew is not found"


def _waiting(unsealed: Unsealed, settings: Settings) -> str:
    if unsealed.oldest is None:
        return "nothing waits to be sealed"
    age = duration(ledger_time(settings) - unsealed.oldest)
    return f"{unsealed.rows} row(s) are not sealed yet, the oldest for {age}"


def _table(lines: list[TrailLine]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("entry", "WIB", "who", "role", "what", "case", "reason"):
        table.add_column(column, overflow="fold", no_wrap=column in {"entry", "WIB", "case"})
    for line in lines:
        entry = "-" if line.entry is None else str(line.entry)
        row = (entry, clock(line.at), line.actor, line.role or "", line.what)
        table.add_row(*map(Text, (*row, line.case_number or "", line.reason or "")))
    return table

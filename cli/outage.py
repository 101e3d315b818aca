"""Commands on outages of outside systems: `declare`, `end`, `list`."""

from datetime import timedelta
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.door import As, Json, counter, hand, ledger_time, print_json, run
from cli.saying import Note, read_time
from cli.screens import clock
from desk.words import words
from models.errors import BadInput, Finding, WrongState
from models.outage import Outage, System
from models.roles import Act
from runtime import adapters
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Outages of SIKS-NG, Kemensos, BPJS: `declare`, `end`, `list`.")

SystemArgument = Annotated[System, typer.Argument(metavar="SYSTEM", help="siks_ng, kemensos or bpjs.")]
_RECENT = timedelta(days=30)
_COLUMNS = ("system", "since (WIB)", "until (WIB)", "opened by", "ended by", "probes", "parked", "note")


@app.command(
    epilog="Example: starter.py outage declare siks_ng --from 10:00 --note 'pemeliharaan' "
    "--as tangsel-operator"
)
def declare(
    system: SystemArgument,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Since when: '10:00' today (WIB); now unless given."),
    ] = None,
    note: Note = None,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Say that a system cannot be worked: its cases are parked, and their time is counted as the outage's."""

    async def work(settings: Settings, screen: Console) -> None:
        now = ledger_time(settings)
        since = now if from_ is None else read_time(from_, "--from", now=now)
        if since > now:
            raise BadInput([Finding("--from", "lies in the future", "declare it when the system is down")])
        officer = (await counter(settings)).work.gate.officer(_actor(as_, settings), Act.DECLARE_OUTAGE)
        why = None if note is None else words("--note", note)
        outages = adapters.outages(settings)
        opened = outages.open(system, officer.id, since=since, note=why, now=now)
        if opened is None:
            raise WrongState(f"an outage of {system} is open already (see `starter.py outage list`)")
        _say(
            opened,
            f"{len(outages.to_park(system))} case(s) wait for a worker to park them",
            screen,
            as_json=json_,
        )

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py outage end siks_ng --as tangsel-operator")
def end(
    system: SystemArgument,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Since when it is back; now unless given.")
    ] = None,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Say that a system is back: its cases are released, emergencies first."""

    async def work(settings: Settings, screen: Console) -> None:
        now = ledger_time(settings)
        until = now if at is None else read_time(at, now=now)
        officer = (await counter(settings)).work.gate.officer(_actor(as_, settings), Act.DECLARE_OUTAGE)
        outages = adapters.outages(settings)
        present = next((one for one in outages.present() if one.system is system), None)
        if present is None:
            raise WrongState(f"no outage of {system} is open")
        if not present.since <= until <= now:
            fix = f"give a time between {clock(present.since)} and now"
            raise BadInput([Finding("--at", "lies before the outage or in the future", fix)])
        ended = outages.end(system, officer.id, until=until, now=now)
        if ended is None:
            raise WrongState(f"the outage of {system} was ended a moment ago")
        _say(
            ended,
            f"{len(outages.to_release(system))} case(s) wait for a worker to release them",
            screen,
            as_json=json_,
        )

    run(work, as_json=json_)


@app.command("list", epilog="Example: starter.py outage list --all")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also those of the last 30 days.")] = False,
    json_: Json = False,
) -> None:
    """List the outages that are open."""

    async def work(settings: Settings, screen: Console) -> None:
        outages = adapters.outages(settings)
        found = outages.since(ledger_time(settings) - _RECENT) if all_ else outages.present()
        parked = {system: len(outages.to_release(system)) for system in System}
        if json_:
            print_json([vars(one) | {"parked": parked[one.system] if one.is_open else 0} for one in found])
        else:
            screen.print(_table(found, parked) if found else "no outage")

    run(work, as_json=json_)


def _actor(as_: str | None, settings: Settings) -> str | None:
    return hand(as_, None, settings).actor


def _say(outage: Outage, cases: str, screen: Console, *, as_json: bool) -> None:
    if as_json:
        print_json(vars(outage))
        return
    end = "" if outage.until is None else f", back {clock(outage.until)}"
    screen.print(Text(f"{outage.system}: down since {clock(outage.since)} WIB{end}; {cases}", style="bold"))


def _table(found: list[Outage], parked: dict[System, int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in (
        "system",
        "since (WIB)",
        "until (WIB)",
        "opened by",
        "ended by",
        "probes",
        "parked",
        "note",
    ):
        table.add_column(column, overflow="fold")
    for one in found:
        waiting = str(parked[one.system]) if one.is_open else ""
        until = "" if one.until is None else clock(one.until)
        row = (one.system.value, clock(one.since), until, one.opened_by, one.closed_by or "")
        table.add_row(*map(Text, (*row, str(one.probes), waiting, one.note or "")))
    return table

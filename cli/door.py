"""What every command shares: how it runs, what it prints when it fails, the exit code it leaves with."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from cli.screens import console, findings_screen
from desk.orders import Hand
from desk.work import OfficeWork
from models.case import CASE_NUMBER_PATTERN
from models.desk import Command
from models.errors import BadInput, EngineUnreachable, Finding, NumbersHeld, ReactivationError
from runtime import adapters
from runtime.adapters import Office
from runtime.delivery import Delivery
from runtime.entry import exit_code_of, leave
from runtime.logging import configure_logging
from runtime.namespace import OwnNamespace
from runtime.same_past import SamePast
from runtime.settings import Settings, load_settings
from workflows import options

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="Case number, for example PBI-3674-2026-000123.")
]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="OFFICER", help="Who does it: an id of people.toml [REAKTIVASI_ACTOR]."),
]
CommandId = Annotated[
    str | None,
    typer.Option(
        "--command-id", help="Name the command, to repeat it safely; for anything else the id is refused."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words; they stay in the ledger.")]
_ENGINES_OWN = ("bulk-", "event-", "letter-", "recount-")
Work = Callable[[Settings, Console], Coroutine[object, object, int | None]]


def run(work: Work, *, as_json: bool = False) -> NoReturn:
    """Run a command, print an error in one place, and leave with the documented exit code."""
    configure_logging("console")
    try:
        code = asyncio.run(work(load_settings(), console())) or 0
    except (KeyboardInterrupt, EOFError):  # the latter from a question whose answer never comes
        code = 130
    except ReactivationError as error:
        _print_error(error, as_json=as_json)
        code = exit_code_of(error)
    leave(code)


def known_form(case: str) -> str:
    """Return what was typed if it is a case number; a NIK typed by mistake is not repeated on the screen."""
    if re.fullmatch(CASE_NUMBER_PATTERN, case) is None:
        raise BadInput([Finding("CASE", "is not a case number", "type it as PBI-3674-2026-000123")])
    return case


def print_json(data: object) -> None:
    """Print for machines; a time or a path is printed as its text."""
    typer.echo(json.dumps(data, indent=2, default=str))


@dataclass(frozen=True)
class Counter:
    """Where an officer gives commands: what he may do, and the way to the workflows."""

    office: Office
    namespace: OwnNamespace
    work: OfficeWork
    delivery: Delivery

    async def give(self, command: Command, done: str, screen: Console, *, as_json: bool) -> None:
        """Deliver a command that is in the ledger and tell what became of it. Raises WrongState."""
        kept = await self.delivery.deliver(command)
        if as_json:
            told = {"case_number": command.case_number, "command_id": command.command_id}
            result = {"result": "accepted"} if kept is None else {"result": "kept", "because": kept.value}
            print_json(told | result)
        elif kept is None:
            screen.print(f"{command.case_number} {done}", style="bold")
        else:
            said = f"{command.case_number} kept in the ledger, the case has not taken it yet"
            screen.print(said, style="bold yellow")
            screen.print(f"  {kept.words}", style="yellow")


async def counter(settings: Settings, *, of_any_life: bool = False) -> Counter:
    """Open the counter, also while Temporal is away: commands are kept and delivered later.

    Raises AnotherLedger where Temporal serves another ledger, also a later life of this one: what is refused
    there must not be kept. With `of_any_life` an older copy is let in, to be looked at or to be restored.
    From a ledger that does not belong to the past of the other stores no number is given out.
    """
    office = adapters.office(settings)
    namespace = OwnNamespace.of(settings, office.lineage)
    held = await SamePast.of(settings, office, namespace).look()
    if held is not None and not of_any_life:  # then nobody has asked Temporal now
        with suppress(EngineUnreachable, TimeoutError):
            async with asyncio.timeout(options.GLANCE_WITHIN.total_seconds()):
                await namespace.client()
        say_held(office)
    delivery = Delivery(namespace, office.registry, office.book, office.clock)
    return Counter(office, namespace, adapters.work(office), delivery)


def say_held(office: Office) -> None:
    """Say beside what is shown that no number is given out, and that an older ledger tells old things."""
    held = office.lineage.lineage().held
    if held is None:
        return
    screen = console(stderr=True)
    screen.print(Text(f"WARN {NumbersHeld(held)}", style="bold yellow"), soft_wrap=True)
    if held.is_of_older_ledger:
        screen.print(
            Text(
                "     what is shown here may be long past: the ledger is behind what happened",
                style="bold yellow",
            )
        )


def ledger_time(settings: Settings) -> datetime:
    """Return the time that counts: the ledger server's, not this machine's. Raises EngineUnreachable."""
    return adapters.clock(settings)()


def hand(as_: str | None, command_id: str | None, settings: Settings) -> Hand:
    """Return who gives a command: `--as`, otherwise REAKTIVASI_ACTOR."""
    if command_id is not None and not _is_command_id(command_id):
        fix = "use at most 64 letters, digits and _.:-, and no number of a person"
        raise BadInput([Finding("--command-id", "is not a command id", fix)])
    if command_id is not None and command_id.startswith(_ENGINES_OWN):
        rule = f"begins as the engine's own ids do ({', '.join(_ENGINES_OWN)})"
        raise BadInput([Finding("--command-id", rule, "choose another beginning")])
    return Hand(as_ or settings.actor, command_id)


def _is_command_id(typed: str) -> bool:
    """Tell whether a command's id may travel to Temporal: a card has 13 digits, a NIK 16."""
    return re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", typed) is not None and re.search(r"\d{13}", typed) is None


def _print_error(error: ReactivationError, *, as_json: bool) -> None:
    findings = error.findings if isinstance(error, BadInput) else []
    if as_json:
        told = [vars(finding) for finding in findings]
        typer.echo(
            json.dumps({"error": type(error).__name__, "message": str(error), "findings": told}, indent=2)
        )
        return
    screen = console(stderr=True)
    if findings:
        screen.print(f"refused, {len(findings)} fault(s); nothing was done:", style="bold red")
        screen.print(findings_screen(findings, style="red"))
    else:
        screen.print(str(error), style="bold red", markup=False)

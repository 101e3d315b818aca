"""Commands on cases: take one, look at them, steer them."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.cutting import print_cut, say_cut
from cli.desk_screens import item_data
from cli.door import (
    As,
    CaseArgument,
    Counter,
    Json,
    counter,
    hand,
    known_form,
    ledger_time,
    print_json,
    run,
    say_held,
)
from cli.known_people import say_if_unknown
from cli.screens import CaseReport, case_screen, findings_screen, letter_data, list_screen, silence_line
from intake.intake import Intake
from models.case import SlaState, Step
from models.roles import Act
from runtime import adapters
from runtime.settings import Settings
from runtime.starting import CaseStarter
from runtime.web_ui import WebUi
from workflows import options

app = typer.Typer()


@app.command(epilog="Example: starter.py submit examples/01-tangsel-emergency.json")
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Application as JSON.")],
    as_: As = None,
    json_: Json = False,
) -> None:
    """Take one application and start its case; the same person again gets the existing case number."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        officer = desk.work.gate.officer(hand(as_, None, settings).actor, Act.SUBMIT)
        done = await _intake(desk).submit(file, now=ledger_time(settings), by=officer)
        if json_:
            told = [vars(finding) for finding in done.warnings]
            print_json({**vars(done), "warnings": told})
            return
        came_of_it = "is open already for this person" if not done.is_new else "registered"
        if done.is_new and done.is_started:
            came_of_it = "started"
        screen.print(f"{done.case_number} {came_of_it}", style="bold")
        if not done.is_new:
            screen.print("  nothing of this file was taken over", style="yellow")
        if done.why_not_started is not None:
            screen.print(f"  {done.why_not_started}", style="yellow", markup=False)
            screen.print("  the case is kept; a worker starts it once Temporal answers", style="yellow")
        screen.print(findings_screen(done.warnings, style="yellow"))

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py show PBI-3674-2026-000001")
def show(case: CaseArgument, json_: Json = False) -> None:
    """Show where a case is, whom it waits for, when it is due, and everything that happened."""

    async def work(settings: Settings, screen: Console) -> None:
        office = adapters.office(settings)
        say_held(office)
        report = CaseReport.of(known_form(case), office)
        if json_:
            print_json(
                report.state.model_dump(mode="json")
                | {"events": [event.model_dump(mode="json", exclude_none=True) for event in report.history]}
                | {"alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in report.alerts]}
                | {"desk": [item_data(item) for item in report.desk], "undelivered": report.undelivered}
                | {"letters": [letter_data(letter) for letter in report.letters]}
                | {"office_minutes_left": _minutes(report.office_left), "erased_at": report.erased_at}
                | {"is_begun": report.words.is_begun, "is_past_due": report.words.is_past_due}
                | {"knows_people": report.people is not None}
            )
            return
        screen.print(case_screen(report, office.shelf.reasons(), WebUi.of(settings)))
        say_if_unknown(report.people, screen)

    run(work, as_json=json_)


@app.command("list", epilog="Example: starter.py list --city 3674 --sla breached")
def list_(
    step: Annotated[Step | None, typer.Option(help="Only cases at this step.")] = None,
    sla: Annotated[SlaState | None, typer.Option(help="Only cases in this SLA state.")] = None,
    city: Annotated[str | None, typer.Option(help="Only this city, for example 3674.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    json_: Json = False,
) -> None:
    """List cases, the next due first; says how many there are when not all are shown."""

    async def work(settings: Settings, screen: Console) -> None:
        office = adapters.office(settings)
        say_held(office)
        found = office.registry.cases(step=step, sla=sla, city=city, limit=limit)
        numbers = [state.case.case_number for state in found]
        erased, unbegun = office.erasures.erased(numbers), office.registry.unbegun(numbers)
        if json_:
            told = [
                state.model_dump(mode="json")
                | {
                    "erased_at": erased.get(state.case.case_number),
                    "is_begun": state.case.case_number not in unbegun,
                }
                for state in found
            ]
            print_cut("cases", told, found)
        else:
            now = ledger_time(settings)
            table = list_screen(found, erased, unbegun, now, screen.width)
            screen.print(table if found else "no case matches")
            say_cut(found, screen)
            if silence := office.alerts.silence(now - options.WATCH_SENT_AFTER):
                screen.print(silence_line(silence))

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py sweep")
def sweep() -> None:
    """Start cases and deliver commands that did not reach Temporal; a running worker does this by itself."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        started = await _intake(desk).sweep(ledger_time(settings))
        delivered = await desk.delivery.sweep()
        screen.print(f"{started} case(s) started, {delivered} command(s) taken or refused by their cases")

    run(work)


def _minutes(span: timedelta | None) -> int | None:
    return None if span is None else int(span / timedelta(minutes=1))


def _intake(desk: Counter) -> Intake:
    office = desk.office
    return Intake(office.registry, office.documents, office.shelf, CaseStarter(desk.namespace))

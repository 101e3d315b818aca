"""The operators' door: start cases, look at them, steer them. A command makes a few calls and prints."""

import asyncio
import getpass
import json
import re
import signal
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from dotenv import dotenv_values
from rich.console import Console

from gateways.ledger_schema import migrate as migrate_ledger
from gateways.ledger_schema import open_engine
from intake.intake import Intake
from intake.papers import Papers
from models.case import CASE_NUMBER_PATTERN, CaseState, SlaState, Step
from models.errors import BadInput, Finding, ReactivationError
from runtime import adapters, doctor, stack
from runtime.commands import CaseCommands
from runtime.entry import exit_code_of, leave
from runtime.logging import configure_logging
from runtime.processes import stop_stack
from runtime.screens import case_screen, console, findings_screen, list_screen, papers_screen
from runtime.settings import ROOT, Settings, load_settings
from runtime.temporal import CaseStarter, connect
from runtime.visibility import register_search_attributes

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Reactivation of PBI JK participants: one case, one durable workflow.\n\n"
    "Exit codes: 0 done, 2 bad input, 3 not found, 4 refused in this state, "
    "5 engine or database unreachable.",
)

documents_app = typer.Typer(no_args_is_help=True, help="Papers of a case: `list`, `add`.")
app.add_typer(documents_app, name="documents")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="Case number, for example PBI-3674-2026-000123.")
]
Work = Callable[[Settings, Console], Coroutine[object, object, int | None]]


def _run(work: Work, *, as_json: bool = False) -> NoReturn:
    """Run a command, print an error in one place, and leave with the documented exit code."""
    configure_logging("console")
    try:
        code = asyncio.run(work(load_settings(), console())) or 0
    except KeyboardInterrupt:
        code = 130
    except ReactivationError as error:
        _print_error(error, as_json=as_json)
        code = exit_code_of(error)
    leave(code)


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
        screen.print(f"refused, {len(findings)} fault(s); nothing was started:", style="bold red")
        screen.print(findings_screen(findings, style="red"))
    else:
        screen.print(str(error), style="bold red", markup=False)


def _known_form(case: str) -> str:
    """Return what was typed if it is a case number; a NIK typed by mistake is not repeated on the screen."""
    if re.fullmatch(CASE_NUMBER_PATTERN, case) is None:
        raise BadInput([Finding("CASE", "is not a case number", "type it as PBI-3674-2026-000123")])
    return case


def _print_json(data: object) -> None:
    typer.echo(json.dumps(data, indent=2, default=str))


# -- Cases -----------------------------------------------------------------------------------------


@app.command(epilog="Example: starter.py submit examples/01-tangsel-emergency.json")
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Application as JSON.")], json_: Json = False
) -> None:
    """Take one application and start its case; the same person again gets the existing case number."""

    async def work(settings: Settings, screen: Console) -> None:
        intake = await _intake(settings)
        done = await intake.submit(file, now=datetime.now(UTC))
        if json_:
            told = [vars(finding) for finding in done.warnings]
            _print_json({**vars(done), "warnings": told})
            return
        came_of_it = "is open already for this person" if not done.is_new else "registered"
        if done.is_new and done.is_started:
            came_of_it = "started"
        screen.print(f"{done.case_number} {came_of_it}", style="bold")
        if not done.is_new:
            screen.print("  nothing of this file was taken over", style="yellow")
        if not done.is_started:
            screen.print(
                "  Temporal does not answer; a worker starts the case when it does",
                style="yellow",
            )
        screen.print(findings_screen(done.warnings, style="yellow"))

    _run(work, as_json=json_)


@app.command(epilog="Example: starter.py show PBI-3674-2026-000001")
def show(case: CaseArgument, json_: Json = False) -> None:
    """Show where a case is, whom it waits for, when it is due, and everything that happened."""

    async def work(settings: Settings, screen: Console) -> None:
        registry = adapters.office(settings).registry
        _known_form(case)
        state, history, alerts = registry.case(case), registry.history(case), registry.alerts(case)
        if json_:
            _print_json(
                state.model_dump(mode="json")
                | {"events": [event.model_dump(mode="json", exclude_none=True) for event in history]}
                | {"alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in alerts]}
            )
            return
        ui = dotenv_values(settings.stack_file).get("REAKTIVASI_WEB_UI")
        screen.print(case_screen(state, history, alerts, registry.open_desk_items(case), ui))

    _run(work, as_json=json_)


@app.command("list", epilog="Example: starter.py list --city 3674 --sla breached")
def list_(
    step: Annotated[Step | None, typer.Option(help="Only cases at this step.")] = None,
    sla: Annotated[SlaState | None, typer.Option(help="Only cases in this SLA state.")] = None,
    city: Annotated[str | None, typer.Option(help="Only this city, for example 3674.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    json_: Json = False,
) -> None:
    """List cases, the next due first."""

    async def work(settings: Settings, screen: Console) -> None:
        found = adapters.office(settings).registry.cases(step=step, sla=sla, city=city, limit=limit)
        if json_:
            _print_json([state.model_dump(mode="json") for state in found])
        else:
            screen.print(list_screen(found, screen.width) if found else "no case matches")

    _run(work, as_json=json_)


@app.command(epilog='Example: starter.py withdraw PBI-3674-2026-000001 --reason "pemohon membatalkan"')
def withdraw(
    case: CaseArgument,
    reason: Annotated[str, typer.Option(help="Why, in words; they stay in the ledger.")],
    json_: Json = False,
) -> None:
    """End a case because the applicant or the office asked for it."""

    async def work(settings: Settings, screen: Console) -> None:
        commands = CaseCommands(await connect(settings), adapters.office(settings).registry)
        state = await commands.withdraw(_known_form(case), reason, getpass.getuser(), datetime.now(UTC))
        _answer(state, "is being withdrawn", screen, as_json=json_)

    _run(work, as_json=json_)


@app.command(epilog="Example: starter.py retry PBI-3674-2026-000001")
def retry(case: CaseArgument, json_: Json = False) -> None:
    """Take the step again at which a case waits for a person."""

    async def work(settings: Settings, screen: Console) -> None:
        commands = CaseCommands(await connect(settings), adapters.office(settings).registry)
        _answer(await commands.retry(_known_form(case)), "goes on", screen, as_json=json_)

    _run(work, as_json=json_)


def _answer(state: CaseState, words: str, screen: Console, *, as_json: bool) -> None:
    if as_json:
        _print_json(state.model_dump(mode="json"))
    else:
        screen.print(f"{state.case.case_number} {words}", style="bold")


@app.command(epilog="Example: starter.py sweep")
def sweep() -> None:
    """Start registered cases that have no workflow yet; a running worker does this by itself."""

    async def work(settings: Settings, screen: Console) -> None:
        started = await (await _intake(settings)).sweep(datetime.now(UTC))
        screen.print(f"{started} case(s) started")

    _run(work)


async def _intake(settings: Settings) -> Intake:
    office = adapters.office(settings)
    client = await connect(settings, lazy=True)
    return Intake(office.registry, office.documents, office.shelf, CaseStarter(client, settings.task_queue))


@documents_app.command("list", epilog="Example: starter.py documents list PBI-3275-2026-000001")
def documents_list(case: CaseArgument, json_: Json = False) -> None:
    """Show which papers a case has and which are missing."""

    async def work(settings: Settings, screen: Console) -> None:
        checklist = _papers(adapters.office(settings)).checklist(_known_form(case))
        if json_:
            wanted = [{"any_of": sorted(one.any_of), "is_met": one.is_met} for one in checklist.wanted]
            _print_json(
                {
                    "wanted": wanted,
                    "papers": [vars(paper) for paper in checklist.papers],
                    "lost": sorted(checklist.lost),
                }
            )
        else:
            screen.print(papers_screen(checklist))

    _run(work, as_json=json_)


@documents_app.command(
    "add", epilog="Example: starter.py documents add PBI-3275-2026-000001 kk=kk.pdf ktp=a.jpg"
)
def documents_add(
    case: CaseArgument,
    papers: Annotated[list[str], typer.Argument(metavar="KIND=PATH...", help="Papers, each with its kind.")],
    json_: Json = False,
) -> None:
    """Add papers to a case; one that waits for papers goes on. Safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        office = adapters.office(settings)
        new = _papers(office).add(_known_form(case), papers)
        if not json_:
            screen.print(f"{new} new paper(s) kept", style="bold")
        commands = CaseCommands(await connect(settings), office.registry)
        _answer(await commands.papers_added(case, len(papers)), "was told", screen, as_json=json_)

    _run(work, as_json=json_)


def _papers(office: adapters.Office) -> Papers:
    return Papers(office.registry, office.documents, office.shelf)


# -- The installation ------------------------------------------------------------------------------


@app.command(epilog="Example: starter.py up --policies examples/policies")
def up(
    port: Annotated[
        int, typer.Option(help="Temporal's port; a free one is taken when it is not free.")
    ] = 7233,
    ui_port: Annotated[int, typer.Option(help="The Web UI's port; likewise.")] = 8233,
    policies: Annotated[Path, typer.Option(help="Folder of policies.")] = ROOT / "policies",
) -> None:
    """Start the local stack: Temporal with Web UI, simulators, worker. Ctrl-C stops it; nothing is lost."""

    async def work(settings: Settings, screen: Console) -> None:
        def say(line: str) -> None:
            screen.print(line, markup=False)

        choice = stack.StackOptions(port=port, ui_port=ui_port, policies_dir=policies.resolve())
        local = stack.Stack(settings.local_dir, choice)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await local.start(say)
        say("ready: `starter.py submit FILE`, `starter.py list`; Ctrl-C stops everything")
        watching = asyncio.create_task(local.watch(say))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            watching.cancel()
            local.stop(say)

    _run(work)


@app.command(epilog="Example: starter.py down")
def down() -> None:
    """Stop the local stack that was left up, or what a killed one left behind."""

    async def work(settings: Settings, screen: Console) -> None:
        folders = (settings.local_dir, settings.local_dir / "demo")
        stopped = [folder for folder in folders if stop_stack(folder)]
        screen.print(f"stopped: {', '.join(map(str, stopped))}" if stopped else "nothing was running")

    _run(work)


@app.command("doctor", epilog="Example: starter.py doctor")
def doctor_(json_: Json = False) -> None:
    """Check everything that cases need and say how to mend what is missing. Exit code 5 when something is."""

    async def work(settings: Settings, screen: Console) -> int:
        checks = await doctor.examine(settings)
        if json_:
            _print_json([vars(check) for check in checks])
        else:
            for check in checks:
                screen.print(
                    f"{'ok  ' if check.is_ok else 'FAIL'} {check.name:18} {check.saw}",
                    style="green" if check.is_ok else "bold red",
                )
                if not check.is_ok:
                    screen.print(f"     {'':18} mend: {check.mend}", markup=False)
        return 0 if all(check.is_ok for check in checks) else 5

    _run(work, as_json=json_)


@app.command(epilog="Example: REAKTIVASI_DATABASE_URL=postgresql+psycopg://... starter.py migrate")
def migrate() -> None:
    """Bring the ledger's schema to this version. Safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        migrate_ledger(open_engine(settings.ledger_url))
        screen.print("the ledger's schema is current")

    _run(work)


@app.command("search-attributes", epilog="Example: TEMPORAL_PROFILE=prod starter.py search-attributes")
def search_attributes_() -> None:
    """Register the search attributes that supervisors filter by. Safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        added = await register_search_attributes(await connect(settings))
        names = ", ".join(column.declaration for column in added)
        screen.print(f"added: {names}" if added else "all there")

    _run(work)


if __name__ == "__main__":
    app()

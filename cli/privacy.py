"""Commands that UU 27/2022 asks for: what is held on a person and who saw it, the pack for a notice."""

import hashlib
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from activities.ways import Mode
from cli.breach_page import breach_page
from cli.door import As, CaseArgument, Json, Reason, counter, hand, known_form, ledger_time, print_json, run
from cli.exporting import exported, require_free, shown, write_private
from cli.privacy_page import HeldCase, access_page
from cli.saying import read_time
from desk.words import words
from models.audit import Door, Note, TrailAsk
from models.errors import BadInput, Finding
from models.roles import Act
from runtime import adapters
from runtime.adapters import Office
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The rights of persons whose data are held: UU 27/2022.")

_Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A new file, for its owner only.")]


@app.command(epilog="Example: starter.py privacy access PBI-3674-2026-000123 --reason 'diminta pemohon'")
def access(
    case: CaseArgument,
    reason: Reason,
    out: _Out = None,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Write what is held on the person of a case, and who saw or processed it. Personal."""

    async def work(settings: Settings, screen: Console) -> None:
        office, now, number = adapters.office(settings), ledger_time(settings), known_form(case)
        asked = office.registry.case(number).case
        gate = (await counter(settings)).work.gate
        officer = gate.officer(hand(as_, None, settings).actor, Act.DISCLOSE, asked)
        note = Note(f"access-{uuid.uuid4()}", number, words("--reason", reason))
        path = out or Path(f"akses-{number}.md")
        require_free(path, "--out")
        numbers = office.trail.cases_of_person(number)
        by_machine = settings.bpjs is not Mode.DESK
        all_held = (_held(office, one, bpjs_by_machine=by_machine) for one in numbers)
        held = [held for held in all_held if officer.serves(held.state.case)]
        elsewhere = [one for one in numbers if one not in {case.number for case in held}]
        page = access_page(held, elsewhere, officer, now).encode()
        exported(
            settings,
            officer,
            Act.DISCLOSE,
            Door.PRIVACY_ACCESS,
            note.id,
            count=len(held),
            content=page,
            case_number=number,
            note=note,
        )
        write_private(path, page, "--out")
        if json_:
            told = [one.number for one in held]
            print_json({"file": path, "cases": told, "sha256": hashlib.sha256(page).hexdigest()})
        else:
            screen.print(
                Text(f"written: {shown(path)} (mode 0600), {len(held)} case(s)", "bold"), soft_wrap=True
            )
            screen.print("  give it to the person, then delete it", style="yellow")

    run(work, as_json=json_)


@app.command(
    "breach-report",
    epilog="Example: starter.py privacy breach-report --from '2026-02-11 08:00' --to '2026-02-12 17:00' "
    "--out pemberitahuan.md",
)
def breach_report(
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Since when, '2026-02-11 08:00' (WIB).")
    ],
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Until when; now unless given.")
    ] = None,
    out: _Out = None,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Draw up a notice of a breach: whose data were seen, by whom, by which door. No personal value in it."""

    async def work(settings: Settings, screen: Console) -> None:
        now = ledger_time(settings)
        since = read_time(from_, "--from", now=now)
        until = now if to is None else read_time(to, "--to", now=now)
        if until <= since:
            raise BadInput([Finding("--to", "does not lie after --from", "give the later time as --to")])
        office = adapters.office(settings)
        gate = (await counter(settings)).work.gate
        officer = gate.officer(hand(as_, None, settings).actor, Act.REPORT_BREACH)
        if out is not None:
            require_free(out, "--out")
        touched = office.trail.touched(since, until, officer.cities)
        page = breach_page(touched, (since, until), sorted(officer.cities), officer, now)
        content, window = page.encode(), f"{since:%Y%m%dT%H%MZ}-{until:%Y%m%dT%H%MZ}"
        exported(
            settings,
            officer,
            Act.REPORT_BREACH,
            Door.BREACH_REPORT,
            window,
            count=len(touched.cases),
            content=content,
        )
        if out is not None:
            write_private(out, content, "--out")
        if json_:
            by = [vars(one) for one in touched.by]
            print_json(vars(touched) | {"by": by, "since": since, "until": until, "file": out})
        elif out is None:
            screen.print(Text(page), soft_wrap=True)
        else:
            screen.print(Text(f"written: {shown(out)} (mode 0600)", "bold"), soft_wrap=True)

    run(work, as_json=json_)


def _held(office: Office, number: str, *, bpjs_by_machine: bool) -> HeldCase:
    state = office.registry.case(number)
    attempts = range(1, state.attempt + 1)
    return HeldCase(
        dossier=office.book.dossier(number),
        state=state,
        events=office.registry.history(number),
        has_begun_submission=any(office.book.submission_begun(number, one) for one in attempts),
        bpjs_by_machine=bpjs_by_machine,
        letters=office.book.letters(number),
        notes=office.book.notes(number),
        trail=office.trail.lines(TrailAsk(case_number=number)),
    )

"""Commands that steer a case: answer a step, end it, go on, mend data, switch the track, letters."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.prompt import Prompt

from cli.door import (
    As,
    CaseArgument,
    CommandId,
    Json,
    Reason,
    counter,
    hand,
    known_form,
    ledger_time,
    print_json,
    run,
)
from cli.exporting import unwritten
from cli.saying import At, Note, Proof, Receipt, ReceiptAgain, RejectCode, ReturnCode, said
from cli.screens import console, validity
from desk.corrections import FIELDS
from intake.files import read_bounded
from models.case import Step, Track
from models.errors import BadInput, Finding
from models.policy import NeedKind
from runtime.settings import Settings

app = typer.Typer()
receipts = typer.Typer(no_args_is_help=True, help="Receipts of uploads: `void`.")

_MAX_BYTES = 64 * 1024


@app.command(epilog="Example: starter.py answer PBI-3674-2026-000001 kemensos_verification --approve")
def answer(
    case: CaseArgument,
    step: Annotated[Step, typer.Argument(help="The step that is open.")],
    approve: Annotated[bool, typer.Option("--approve", help="The step is done.")] = False,
    return_: ReturnCode = None,
    reject: RejectCode = None,
    hand_over: Annotated[
        bool, typer.Option("--hand-over", help="The applicant takes the letters to BPJS himself.")
    ] = False,
    receipt: Receipt = None,
    receipt_again: ReceiptAgain = None,
    at: At = None,
    proof: Proof = None,
    note: Note = None,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Answer the open step of a case by hand; the first valid answer wins, whoever brings it."""

    async def work(settings: Settings, screen: Console) -> None:
        words = said(
            approve=approve, return_=return_, reject=reject, hand_over=hand_over, note=note, at=at,
            portal=(receipt, receipt_again, proof), now=ledger_time(settings),
        )  # fmt: skip
        desk = await counter(settings)
        command = desk.work.answer(hand(as_, command_id, settings), known_form(case), step, words)
        await desk.give(command, f"{step} answered: {words.verb}", screen, as_json=json_)

    run(work, as_json=json_)


@app.command(epilog='Example: starter.py withdraw PBI-3674-2026-000001 --reason "pemohon membatalkan"')
def withdraw(
    case: CaseArgument,
    reason: Reason,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """End a case because the applicant or the office asked for it."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        command = desk.work.withdraw(hand(as_, command_id, settings), known_form(case), reason)
        await desk.give(command, "is being withdrawn", screen, as_json=json_)

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py retry PBI-3674-2026-000001")
def retry(case: CaseArgument, as_: As = None, command_id: CommandId = None, json_: Json = False) -> None:
    """Take the step again at which a case is stuck or parked; any other says whom it waits for."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        command = desk.work.retry(hand(as_, command_id, settings), known_form(case))
        await desk.give(command, "goes on", screen, as_json=json_)

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py correct PBI-3674-2026-000001 nik name (asks for the values)")
def correct(
    case: CaseArgument,
    fields: Annotated[
        list[str] | None, typer.Argument(metavar="FIELD...", help=f"What to mend: {', '.join(FIELDS)}.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="JSON with fields and values, instead of asking.")
    ] = None,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Mend the applicant's data; a case that was returned for that goes on. Values are asked for."""

    async def work(settings: Settings, screen: Console) -> None:
        number = known_form(case)
        desk = await counter(settings)
        changes = _changes(file) if file is not None else _asked(fields or [])
        command = desk.work.correct(hand(as_, command_id, settings), number, changes)
        await desk.give(command, "data mended", screen, as_json=json_)

    run(work, as_json=json_)


@app.command("switch-track", epilog="Example: starter.py switch-track CASE emergency --need emergency")
def switch_track(
    case: CaseArgument,
    track: Annotated[Track, typer.Argument(help="The track from now on, with a clock of its own.")],
    need: Annotated[
        NeedKind | None, typer.Option("--need", help="Why the person needs service now, if that changed.")
    ] = None,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Let a case follow another track; out of the emergency only by a supervisor."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        command = desk.work.switch_track(hand(as_, command_id, settings), known_form(case), track, need)
        await desk.give(command, f"follows the track {track}", screen, as_json=json_)

    run(work, as_json=json_)


@receipts.command(
    "void", epilog='Example: starter.py receipt void PBI-3674-2026-000001 --reason "salah orang"'
)
def receipt_void(
    case: CaseArgument,
    reason: Reason,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Make the receipt of the last upload void; the person must be handed in again. Supervisors only."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        command = desk.work.void_receipt(hand(as_, command_id, settings), known_form(case), reason)
        await desk.give(command, "upload reopened", screen, as_json=json_)

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py letter PBI-3674-2026-000001 --output surat.pdf")
def letter(
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="Case number.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the PDF.")] = None,
    reissue: Annotated[
        str | None, typer.Option("--reissue", metavar="REASON", help="Issue anew; the old one is void.")
    ] = None,
    verify: Annotated[
        str | None, typer.Option("--verify", metavar="CODE", help="Look a verification code up.")
    ] = None,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Write the office's letter as PDF, issue it anew, or check a verification code."""

    async def work(settings: Settings, screen: Console) -> None:
        desk, target = await counter(settings), None
        if verify is not None:
            found = desk.work.letters.verify(verify)
        else:
            number, giver = known_form(case or ""), hand(as_, None, settings)
            made = (
                desk.work.print_letter(giver, number)
                if reissue is None
                else desk.work.reissue_letter(giver, number, reissue)
            )
            found = made.letter
            target = output or Path(f"{number}.pdf")
            _write(target, made.pdf)
        if json_:
            print_json({**vars(found), "is_valid": found.is_valid, "file": target})
            return
        screen.print(f"{found.number} ({found.case_number}): {validity(found)}", style="bold", markup=False)
        screen.print(f"  kode verifikasi {found.verification_code}", markup=False)
        if target is not None:
            screen.print(f"  {target}", markup=False)

    run(work, as_json=json_)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise unwritten("--output", error) from None


def _asked(fields: list[str]) -> dict[str, object]:
    """Ask for each value, so that none stands in the shell's history."""
    if not fields:
        raise BadInput([Finding("FIELD", "names nothing", f"known are {', '.join(FIELDS)}; or --file")])
    if not set(fields) <= set(FIELDS):
        raise BadInput(
            [Finding("FIELD", "is not a field of the applicant", f"known are {', '.join(FIELDS)}")]
        )
    return {name: Prompt.ask(name, console=console(stderr=True)) for name in fields}


def _changes(file: Path) -> dict[str, object]:
    try:
        content = read_bounded(file, _MAX_BYTES)
        changes = None if content is None or len(content) > _MAX_BYTES else json.loads(content)
    except (OSError, ValueError, RecursionError):
        changes = None
    if not isinstance(changes, dict):
        fix = 'write for example {"nik": "..."}'
        raise BadInput([Finding("--file", "is not a small JSON object that can be read", fix)])
    return changes

"""Commands that erase people for good, and that keep them from being erased."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.door import As, CaseArgument, Json, Reason, counter, hand, known_form, ledger_time, print_json, run
from cli.screens import clock
from desk.words import words
from models.erasure import Cause, Deed, Due, Subject
from models.roles import Act, Officer
from models.wib import wib_text
from runtime import adapters, retention
from runtime.settings import Settings

app = typer.Typer()

ErasureReason = StrEnum(  # type: ignore[misc]
    "ErasureReason", {cause.name: cause.value for cause in Cause if cause is not Cause.RETENTION}
)
_Yes = Annotated[bool, typer.Option("--yes", help="Do it, for good; without it nothing is done.")]
_FINAL = "nothing was done: --yes erases for good, in every backup of the ledger too"


@app.command(epilog="Example: starter.py privacy erase PBI-3674-2026-000123 --reason requested --yes")
def erase(
    case: CaseArgument,
    reason: Annotated[
        ErasureReason, typer.Option("--reason", help="Why: a code, since words would be erased too.")
    ],
    yes: _Yes = False,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Erase the person of a case, with every case of the person. Figures and the audit trail stay."""

    async def work(settings: Settings, screen: Console) -> None:
        erasures, number = adapters.erasures(settings), known_form(case)
        officer = await _officer(settings, as_, Act.ERASE, number)
        now = ledger_time(settings)
        if yes:
            deed = Deed(officer.id, officer.role_in(Act.ERASE), Cause(reason.value), now)
            subject = erasures.erase(number, deed)
        else:
            subject = erasures.subject(number)
            subject.require_erasable()
        erased_at = subject.erased_at or (now if yes else None)
        if json_:
            print_json(_told(subject) | {"erased_at": erased_at, "is_new": yes and subject.erased_at is None})
        elif subject.erased_at is not None:
            screen.print(f"erased on {wib_text(subject.erased_at)} already", style="bold")
        else:
            _show(screen, subject, "erased" if yes else "would be erased")
            if not yes:
                screen.print(_FINAL, style="yellow")

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py privacy hold PBI-3674-2026-000123 --reason 'sengketa di PTUN'")
def hold(case: CaseArgument, reason: Reason, as_: As = None, json_: Json = False) -> None:
    """Keep the person of a case from being erased, by command or by policy, until it is released."""
    _turn_hold(Act.HOLD, case, reason, as_, json_=json_)


@app.command(
    "release-hold", epilog="Example: starter.py privacy release-hold PBI-3674-2026-000123 --reason 'putusan'"
)
def release_hold(case: CaseArgument, reason: Reason, as_: As = None, json_: Json = False) -> None:
    """End the legal hold on the person of a case."""
    _turn_hold(Act.RELEASE_HOLD, case, reason, as_, json_=json_)


def _turn_hold(act: Act, case: str, reason: str, as_: str | None, *, json_: bool) -> None:
    async def work(settings: Settings, screen: Console) -> None:
        number = known_form(case)
        officer = await _officer(settings, as_, act, number)
        erasures, is_held = adapters.erasures(settings), act is Act.HOLD
        turn = erasures.hold if is_held else erasures.release
        turn(number, officer.id, officer.role_in(act), words("--reason", reason), ledger_time(settings))
        result = f"is under {'a' if is_held else 'no'} legal hold"
        if json_:
            print_json({"case_number": number, "result": result})
        else:
            screen.print(f"the person of {number} {result}", style="bold")

    run(work, as_json=json_)


@app.command("retention", epilog="Example: starter.py privacy retention --city 3674 --as tangsel-supervisor")
def retain(
    city: Annotated[
        str | None, typer.Option(metavar="CODE", help="One city; all of yours unless given.")
    ] = None,
    yes: _Yes = False,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Erase people whose cases ended longer ago than their city keeps them (`erase_after_days`)."""

    async def work(settings: Settings, screen: Console) -> None:
        office, erasures, now = adapters.office(settings), adapters.erasures(settings), ledger_time(settings)
        gate = (await counter(settings)).work.gate
        officer = gate.officer(hand(as_, None, settings).actor, Act.RETAIN, city=city)
        cities = [one for one in office.shelf.cities() if one.code in officer.cities]
        wanted = [one for one in cities if city in {None, one.code}]
        cutoffs = retention.cutoffs(wanted, now)
        found = [one for one in erasures.due(cutoffs) if all(map(officer.serves, one.cases))]
        deed = Deed(officer.id, officer.role_in(Act.RETAIN), Cause.RETENTION, now)
        done = retention.erase(erasures, found, deed) if yes else 0
        if json_:
            due = [{"cases": _numbers(one), "closed_at": one.closed_at} for one in found]
            print_json({"ended_before": cutoffs, "due": due, "erased": done})
            return
        for policy in wanted:
            days = policy.erase_after_days
            kept = "for ever" if days is None else f"{days} days after the last case ended"
            screen.print(f"{policy.code} {policy.name}: kept {kept}")
        for one in found:
            screen.print(f"  {', '.join(_numbers(one))}  ended {clock(one.closed_at)} WIB")
        if yes:
            screen.print(f"{done} person(s) erased", style="bold")
        else:
            screen.print(f"{len(found)} person(s) would be erased", style="bold")
            if found:
                screen.print(_FINAL, style="yellow")

    run(work, as_json=json_)


async def _officer(settings: Settings, as_: str | None, act: Act, number: str) -> Officer:
    """Return the officer if he may do this to every case of the person."""
    gate, actor = (await counter(settings)).work.gate, hand(as_, None, settings).actor
    officer = gate.officer(actor, act)
    for case in adapters.erasures(settings).subject(number).cases:
        officer = gate.officer(actor, act, case)
    return officer


def _told(subject: Subject) -> dict[str, object]:
    return {
        "cases": [case.case_number for case in subject.cases],
        "papers": len(subject.own_papers),
        "shared_papers": subject.shared_papers,
        "letters": subject.letters,
        "notes": subject.notes,
    }


def _show(screen: Console, subject: Subject, what: str) -> None:
    numbers = ", ".join(case.case_number for case in subject.cases)
    screen.print(Text(f"{what}: the person of {numbers}", "bold"), soft_wrap=True)
    screen.print(f"  {subject.letters} letter(s), {subject.notes} note(s), {len(subject.own_papers)} file(s)")
    if subject.shared_papers:
        screen.print(f"  {subject.shared_papers} file(s) stay for others who have the same paper")


def _numbers(due: Due) -> list[str]:
    return [case.case_number for case in due.cases]

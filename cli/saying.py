"""The options by which an officer says what came of a piece of work."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from desk.decisions import PortalEntry, Said, Verb
from models.bounds import Moment, Stretch
from models.errors import BadInput, Finding
from models.wib import WIB, wib_date

Value = TypeVar("Value")
_MOMENT: Final[TypeAdapter[datetime]] = TypeAdapter(Moment)
_STRETCH: Final[TypeAdapter[timedelta]] = TypeAdapter(Stretch)

ReturnCode = Annotated[
    str | None,
    typer.Option("--return", metavar="CODE", help="Fixable: it comes back once mended."),
]
RejectCode = Annotated[str | None, typer.Option("--reject", metavar="CODE", help="Final: the case ends.")]
Receipt = Annotated[str | None, typer.Option("--receipt", metavar="REF", help="The portal's reference.")]
ReceiptAgain = Annotated[
    str | None, typer.Option("--receipt-again", metavar="REF", help="The reference, typed once more.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="When it happened, for example '2026-02-11 08:30' (WIB)."),
]
Proof = Annotated[
    Path | None, typer.Option("--proof", metavar="FILE", help="Picture or PDF of the confirmation.")
]
Note = Annotated[str | None, typer.Option("--note", help="Words that stay in the ledger.")]


def said(
    *,
    approve: bool,
    return_: str | None,
    reject: str | None,
    hand_over: bool = False,
    note: str | None,
    at: str | None,
    portal: tuple[str | None, str | None, Path | None],
    now: datetime,
) -> Said:
    """Return what the options say at this time. Raises BadInput unless exactly one decision is among them."""
    chosen = {
        Verb.APPROVE: approve,
        Verb.RETURN: return_ is not None,
        Verb.REJECT: reject is not None,
        Verb.HAND_OVER: hand_over,
    }
    verbs = [verb for verb, is_chosen in chosen.items() if is_chosen]
    if len(verbs) != 1:
        fix = "give one of --approve, --return CODE, --reject CODE"
        raise BadInput([Finding("decision", f"must be one, and {len(verbs)} were given", fix)])
    happened = None if at is None else read_time(at, now=now)
    reference, again, proof = portal
    entry = None
    if reference is not None or again is not None or proof is not None:
        entry = PortalEntry(reference or "", again or "", happened, proof)
    return Said(verbs[0], return_ or reject, note, happened, entry)


def read_time(text: str, option: str = "--at", *, now: datetime) -> datetime:
    """Read a time; one without a zone is meant in WIB, one without a day is of today. Raises BadInput."""
    words = text.strip()
    if re.fullmatch(r"\d\d:\d\d", words):
        words = f"{wib_date(now)} {words}"
    try:
        time = datetime.fromisoformat(words)
        time = (time if time.tzinfo else time.replace(tzinfo=WIB)).astimezone(UTC)
    except (ValueError, OverflowError):
        fix = "write it as '2026-02-11 08:30' (WIB), or '08:30' for today"
        raise BadInput([Finding(option, "is not a time", fix)]) from None
    return _bounded(_MOMENT, time, Finding(option, "lies in no year that counts", "give one of 2000 to 2199"))


def read_duration(text: str, option: str = "--by") -> timedelta:
    """Read a duration as ISO 8601 writes it, which may be below zero. Raises BadInput."""
    if re.fullmatch(r"[+-]?P[0-9.DW]*[YM][0-9.DTHMSWY]*", text.strip()) is not None:
        rule = "is in years or months, which have no fixed length"
        raise BadInput([Finding(option, rule, "give weeks, days or hours, as P2W, P7D or PT4H")])
    fault = Finding(option, "is not a duration of at most ten years", "write it as P7D, PT4H or PT30M")
    if re.fullmatch(r"[+-]?P[0-9.DTHMSW]+", text.strip()) is None:
        raise BadInput([fault])
    return _bounded(_STRETCH, text.strip(), fault)


def _bounded(form: TypeAdapter[Value], value: object, fault: Finding) -> Value:
    try:
        return form.validate_python(value)
    except ValidationError:
        raise BadInput([fault]) from None

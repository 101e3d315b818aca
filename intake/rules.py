"""From a JSON file to a checked application: every broken rule at once, and warnings that do not block."""

import json
import re
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from intake.files import read_bounded
from models.application import MAX_PAPER_BYTES, Application, IntakeContext
from models.errors import BadInput, Finding
from models.identity import parse_nik
from models.policy import CityPolicy, Regions

MAX_APPLICATION_BYTES = 1024 * 1024
_WINDOW_MONTHS = 6
_HEAD_BYTES = 16
_NAME = re.compile(r"[A-Za-z_ -]{1,40}")
"""What may be shown of a file's own names for fields: one that nobody knows may hold anything."""

_MEDIA_TYPES = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)

_PLAIN = {
    "missing": ("missing", "is missing", "add the field"),
    "extra_forbidden": (
        "unknown_field",
        "is not a field of an application",
        "remove it, or check its spelling",
    ),
    "enum": ("not_allowed", "is not one of the allowed values", "allowed: {expected}"),
    "date_from_datetime_parsing": ("not_a_date", "is not a date", "write it as yyyy-mm-dd"),
    "date_parsing": ("not_a_date", "is not a date", "write it as yyyy-mm-dd"),
    "date_type": ("not_a_date", "is not a date", "write it as yyyy-mm-dd, in quotes"),
    "string_too_short": ("empty", "is empty", "fill it in"),
    "string_too_long": ("too_long", "is longer than {max_length} characters", "shorten it"),
    "too_short": ("empty", "is empty", "fill it in"),
    "too_long": ("too_many", "has more than {max_length} entries", "leave some out"),
}
"""Kind of pydantic's error -> code, rule, fix."""


def media_type_of(content: bytes) -> str | None:
    """Return the media type that the content itself shows; None when it is not PDF, JPEG or PNG."""
    return next((media_type for magic, media_type in _MEDIA_TYPES if content.startswith(magic)), None)


def inspect_paper(path: Path) -> str | None:
    """Tell what is wrong with a paper, judged by its content: a key of `PAPER_FAULTS`, or None."""
    try:
        if not path.is_file():
            return "missing"
        size = path.stat().st_size
        head = read_bounded(path, _HEAD_BYTES)
    except (OSError, ValueError):
        return "unreadable"
    return _fault_of(head, size)


def read_paper(path: Path) -> bytes | None:
    """Return a paper that is in order; None for one that is not, or not any more."""
    try:
        content = read_bounded(path, MAX_PAPER_BYTES)
    except (OSError, ValueError):
        return None
    return content if content is not None and _fault_of(content, len(content)) is None else None


def _fault_of(head: bytes | None, size: int) -> str | None:
    if head is None:
        return "missing"
    if size == 0:
        return "empty"
    if size > MAX_PAPER_BYTES:
        return "too_large"
    return None if media_type_of(head) else "wrong_type"


def read_application(path: Path, *, cities: list[CityPolicy], regions: Regions, today: date) -> Application:
    """Read and check one application. Raises BadInput with a finding for each broken rule."""
    data = _read_json(path)
    context = IntakeContext(
        today=today,
        city_codes=tuple(city.code for city in cities),
        city_names={city.code: city.name for city in cities},
        regions=regions,
        inspect_paper=lambda name: inspect_paper(path.parent / name),
    )
    try:
        return Application.model_validate(data, context=context)
    except ValidationError as error:
        raise BadInput(
            [finding_of(fault) for fault in error.errors(include_input=False, include_url=False)]
        ) from None


def warnings(application: Application, *, today: date) -> list[Finding]:
    """Return what an officer should look at although it does not block (domain 2.1, 2.3, 8.3)."""
    applicant = application.applicant
    found = []
    nik = parse_nik(applicant.nik)
    if nik is not None and nik.region != applicant.kelurahan.replace(".", "")[:4]:
        found.append(Finding("applicant.nik", "region differs from the domicile", "normal after a move"))
    if nik is not None and not nik.is_born_on(applicant.birth_date):
        found.append(Finding("applicant.birth_date", "differs from the NIK", "compare with KTP and KK"))
    if nik is not None and nik.sex is not applicant.sex:
        found.append(Finding("applicant.sex", "differs from the NIK", "compare with KTP and KK"))
    if applicant.card_number is not None and not applicant.card_number.startswith("0"):
        found.append(Finding("applicant.card_number", "does not begin with 0", "compare with the card"))
    if today > _months_later(application.deactivated_on, _WINDOW_MONTHS):
        found.append(Finding("deactivated_on", "more than six months ago", "the window may have ended"))
    if application.city != applicant.kelurahan.replace(".", "")[:4]:
        found.append(
            Finding("applicant.kelurahan", "lies in another city", "check which office is in charge")
        )
    return found


def _read_json(path: Path) -> object:
    try:
        if not path.exists():
            raise BadInput([Finding("file", "does not exist", "check the path")])
        content = read_bounded(path, MAX_APPLICATION_BYTES)
        if content is None:  # a pipe or a device has no size and no end
            raise BadInput([Finding("file", "is not a file", "give the path of a JSON file")])
        if len(content) > MAX_APPLICATION_BYTES:
            raise BadInput([Finding("file", "is over 1 MB", "one application is a few kilobytes of JSON")])
        return json.loads(content.decode("utf-8-sig"))
    except IsADirectoryError:
        raise BadInput([Finding("file", "is not a file", "give the path of a JSON file")]) from None
    except OSError:
        raise BadInput([Finding("file", "cannot be read", "check the path and the permissions")]) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadInput([Finding("file", f"is not JSON at {where}", "compare with examples/")]) from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise BadInput([Finding("file", "is not JSON in UTF-8", "compare with examples/")]) from None


def finding_of(fault: object) -> Finding:
    """Turn a pydantic error into field, rule and fix; its input is never looked at."""
    place, _code, rule, fix = fault_of(fault)
    return Finding(".".join(map(str, place)) or "file", rule, fix)


def fault_of(fault: object) -> tuple[tuple[str | int, ...], str, str, str]:
    """Return a pydantic error's place, a code for machines, rule and fix; its input is never looked at."""
    if not isinstance(fault, dict):
        raise TypeError("pydantic changed the form of its errors")
    context = fault.get("ctx", {})
    place = tuple(one if isinstance(one, int) or _NAME.fullmatch(one) else "?" for one in fault["loc"])
    if fault["type"] == "rule":
        return place, context["code"], context["rule"], context["fix"]
    code, rule, fix = _PLAIN.get(
        fault["type"], ("wrong_form", "has the wrong form", "compare with examples/")
    )
    return place, code, rule.format(**context), fix.format(**context)


def _months_later(day: date, months: int) -> date:
    """Return the same day some months on, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)

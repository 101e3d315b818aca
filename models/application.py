"""The application as an operator hands it in: one JSON file, every rule of which is checked at once.

Validate with a context: `Application.model_validate(data, context=IntakeContext(...))`.
Rules: domain 9.7. A fault never quotes the value that broke the rule.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NoReturn, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from models.case import Track
from models.identity import Sex, is_one_digit_repeated, is_sixteen_digits, parse_nik
from models.plain import is_plain
from models.policy import DocumentKind, NeedKind, Regions

MAX_PAPER_BYTES = 10 * 1024 * 1024
_CARD_DIGITS = 13
_BLANKS = dict.fromkeys(map(ord, "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\ufeff\u00a0"), " ")
"""What spreadsheets leave in a cell where a space is meant."""
_PHONE = re.compile(r"^(?:\+?62|0)8[0-9]{7,11}$")


@dataclass(frozen=True)
class IntakeContext:
    """What the rules need besides the application itself."""

    today: date
    """The day in WIB."""
    city_codes: tuple[str, ...]
    city_names: dict[str, str]
    regions: Regions
    inspect_paper: Callable[[str], str | None]
    """Tell what is wrong with the file at a path: a key of `PAPER_FAULTS`, or None."""


PAPER_FAULTS = {
    "missing": ("file not found", "give a path that exists, seen from the application's folder"),
    "unreadable": ("file cannot be read", "check the file's permissions"),
    "empty": ("file is empty", "scan the paper again"),
    "too_large": ("file is over 10 MB", "scan at a lower resolution"),
    "wrong_type": ("content is not PDF, JPEG or PNG", "scan the paper as PDF, JPEG or PNG"),
}


def _fault(code: str, rule: str, fix: str) -> NoReturn:
    raise PydanticCustomError("rule", "{rule}", {"code": code, "rule": rule, "fix": fix})


def _context(info: ValidationInfo) -> IntakeContext:
    return cast(IntakeContext, info.context)


def _check_text(value: object) -> object:
    if not isinstance(value, str):
        _fault("not_text", "must be text", "put the value in quotes, so that no digit is lost")
    text = value.translate(_BLANKS).strip()
    if not is_plain(text):
        _fault("unprintable", "has invisible or control characters", "type it anew")
    return text


def _check_sixteen(value: str) -> str:
    if not is_sixteen_digits(value):
        _fault("not_16_digits", "must be exactly 16 digits", "copy the number from the KTP or KK")
    if is_one_digit_repeated(value):
        _fault("one_digit_repeated", "must not be one digit repeated", "copy the number from the KTP or KK")
    return value


def _check_nik(value: str) -> str:
    if parse_nik(value) is None:
        _fault(
            "nik_without_date", "digits 7-12 are not a date (women: day + 40)", "copy the number from the KTP"
        )
    return value


def _check_differs_from_nik(value: str, info: ValidationInfo) -> str:
    if value == info.data.get("nik"):
        _fault("same_as_nik", "must differ from the NIK", "copy the number from the KK, not from the KTP")
    return value


def _check_card(value: str) -> str:
    if re.fullmatch(rf"[0-9]{{{_CARD_DIGITS}}}", value) is None:
        _fault("not_13_digits", "must be exactly 13 digits", "copy the number from the JKN card, or use null")
    return value


def _check_phone(value: str) -> str:
    digits = re.sub(r"[ .\-]", "", value)
    if _PHONE.match(digits) is None:
        _fault(
            "not_a_mobile_number",
            "must be an Indonesian mobile number",
            "write it as 08... or +628..., or use null",
        )
    return "0" + digits.removeprefix("+").removeprefix("62").removeprefix("0")


def _check_past(value: date, info: ValidationInfo) -> date:
    if value > _context(info).today:
        _fault("in_the_future", "lies in the future", "write the date as on the paper, yyyy-mm-dd")
    return value


def _check_city(value: str, info: ValidationInfo) -> str:
    context = _context(info)
    if value not in context.city_codes:
        known = ", ".join(f"{code} {context.city_names[code]}" for code in context.city_codes)
        _fault("unknown_city", "unknown city", f"known are {known}")
    return value


def _check_kelurahan(value: str, info: ValidationInfo) -> str:
    digits = value.replace(".", "")
    code = ".".join((digits[:2], digits[2:4], digits[4:6], digits[6:]))
    if _context(info).regions.kecamatan_of(code) is None:
        _fault(
            "unknown_kelurahan",
            "unknown kelurahan",
            "use the Kemendagri code of the domicile, for example 36.74.06.1001",
        )
    return code


def _check_paper(value: str, info: ValidationInfo) -> str:
    if (found := _context(info).inspect_paper(value)) is not None:
        _fault(f"paper_{found}", *PAPER_FAULTS[found])
    return value


def _check_some(value: object) -> object:
    # Not `min_length`: pydantic counts only the entries without a fault of their own.
    if value in ([], ()):
        _fault("empty", "is empty", "add at least one entry")
    return value


Text = Annotated[str, BeforeValidator(_check_text), Field(min_length=1, max_length=200)]
Digits16 = Annotated[Text, AfterValidator(_check_sixteen)]
PastDate = Annotated[date, AfterValidator(_check_past)]


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Applicant(_Input):
    """The person, as on KTP, KK and card."""

    nik: Annotated[Digits16, AfterValidator(_check_nik)]
    kk: Annotated[Digits16, AfterValidator(_check_differs_from_nik)]
    card_number: Annotated[Text, AfterValidator(_check_card)] | None
    """JKN card number, 13 digits; null when the person has no card at hand."""
    name: Text
    birth_date: PastDate
    sex: Sex
    phone: Annotated[Text, AfterValidator(_check_phone)] | None
    kelurahan: Annotated[Text, AfterValidator(_check_kelurahan)]
    """Kemendagri code of domicile."""


class ApplicationNeed(_Input):
    """Why the person needs health service, and the facility letter that says so."""

    kind: NeedKind
    facility: Text
    letter_number: Text
    letter_date: PastDate


class ApplicationPaper(_Input):
    """A scanned paper."""

    kind: DocumentKind
    path: Annotated[Text, AfterValidator(_check_paper)]
    """Path of the file, absolute or seen from the application's folder."""


class Application(_Input):
    """One person's application for reactivation."""

    city: Annotated[Text, AfterValidator(_check_city)]
    """Four-digit Kemendagri code of the office that takes the application."""
    track: Track
    applicant: Applicant
    need: ApplicationNeed
    deactivated_on: PastDate
    documents: Annotated[tuple[ApplicationPaper, ...], BeforeValidator(_check_some)] = Field(max_length=20)

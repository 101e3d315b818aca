"""The `[letter]` section of a city's policy: what the office itself puts on its recommendation letters."""

from datetime import date
from string import Formatter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_NUMBER_FIELDS = {"sequence", "year", "month_roman"}
_NUMBER_RULE = (
    "must hold {sequence} and {year}, may hold {month_roman}, and nothing else in braces; "
    "for example 400.9/{sequence:04d}/DINSOS/{year}"
)
_VERIFY_RULE = "must be an http(s) address with {code}, for example https://dinsos.example/surat/{code}"

Line = Annotated[str, Field(min_length=1, max_length=100)]
Lines = Annotated[str, Field(max_length=200)]


class LetterPolicy(BaseModel):
    """How a city numbers, addresses and signs its letters. Every text is printed as it is written here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field(pattern=r"^[a-z0-9-]+\.typ$")
    """File name within the template folder."""
    number: str
    """Form of the letter's number, for example `400.9/{sequence:04d}/DINSOS/{year}`."""
    government: Line
    """First line of the letterhead: PEMERINTAH KOTA ..."""
    office: Line
    """Second line of the letterhead: DINAS SOSIAL KOTA ..."""
    address: Lines = ""
    """Of the office, in the letterhead; empty when unknown."""
    place: Line
    """Where letters are signed."""
    addressee: Lines = ""
    """After "Yth."; empty for a letter to whom it may concern."""
    signer_name: Line
    signer_title: Line
    signer_nip: str = Field(default="", max_length=30)
    """Civil servant number; empty when the signer has none."""
    verify_at: Lines = ""
    """Address with `{code}` at which a letter can be checked; empty when the office has none."""

    @field_validator("number")
    @classmethod
    def _number_names_letter_and_year(cls, value: str) -> str:
        if not _uses(value, _NUMBER_FIELDS):
            raise ValueError(_NUMBER_RULE)
        try:
            sample = _number(value, 98765, date(2026, 8, 17))
        except (ValueError, IndexError, OverflowError, MemoryError):
            raise ValueError(_NUMBER_RULE) from None
        # Both must be readable as digits: `{sequence:c}` or `{year:x}` would not be.
        if "98765" not in sample or "2026" not in sample or not sample.isprintable() or len(sample) > 100:  # noqa: PLR2004
            raise ValueError(_NUMBER_RULE)
        return value

    @field_validator("verify_at")
    @classmethod
    def _address_holds_the_code(cls, value: str) -> str:
        if value and not (value.startswith(("https://", "http://")) and _uses(value, {"code"})):
            raise ValueError(_VERIFY_RULE)
        return value

    def number_of(self, sequence: int, issued_on: date) -> str:
        """Return the number of the year's letter with this place in the sequence."""
        return _number(self.number, sequence, issued_on)


def _number(form: str, sequence: int, issued_on: date) -> str:
    return form.format(sequence=sequence, year=issued_on.year, month_roman=_ROMAN[issued_on.month - 1])


def _uses(form: str, allowed: set[str]) -> bool:
    """Tell whether a form names plain fields only, all of them allowed and every one but the month there."""
    try:
        parts = list(Formatter().parse(form))
    except ValueError:
        return False
    fields = {name for _, name, _, _ in parts if name is not None}
    plain = all(not conversion and "{" not in (spec or "") for _, _, spec, conversion in parts)
    return plain and fields <= allowed and allowed - {"month_roman"} <= fields

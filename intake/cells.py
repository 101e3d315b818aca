"""What spreadsheets do to cells, undone where nothing is lost by it, and told where something is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

CARD_DIGITS: Final = 13
_MARK_OF_TEXT: Final = "'`‘’"
_FORMULA_OF_TEXT = re.compile(r'="([^"]*)"')
_ABSENT = {"", "-", "null"}
_ERROR = re.compile(r"#(REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|#+)", re.IGNORECASE)
_EXPONENT = re.compile(r"[0-9]+([.,][0-9]+)?[Ee][+-]?[0-9]+")
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})(?: 00[:.]00(?:[:.]00)?)?")
_DAY_COUNT = re.compile(r"[0-9]{4,5}")
_SEXES = {
    "l": "L",
    "lakilaki": "L",
    "p": "P",
    "perempuan": "P",
}
_ADVICE = "format the column as text, then enter the values again from the source"


@dataclass(frozen=True)
class CellFault:
    """What is wrong with a cell; never its value."""

    code: str
    """For machines."""
    rule: str
    fix: str


Reading = Callable[[str], str | CellFault]
"""Reads a cell that is not empty."""

EMPTY = CellFault("empty", "is empty", "fill it in")
_EXCEL_ERROR = CellFault(
    "excel_error", "holds an error of the spreadsheet", "mend the formula, or type the value"
)
_UNPRINTABLE = CellFault("unprintable", "holds characters that cannot be printed", "type the value anew")
_ROUNDED = CellFault("digits_lost", "has become a number such as 1.23E+15: digits are lost", _ADVICE)
_ZEROS_LOST = CellFault("zeros_lost", "has lost its leading zeros", _ADVICE)
_NO_DATE = CellFault("not_a_date", "is not a date", "write it as dd-mm-yyyy or yyyy-mm-dd")
_COUNTED = CellFault(
    "day_count", "is the spreadsheet's count of days, not a date", "format the column as a date"
)
_NO_SEX = CellFault("not_a_sex", "is neither L nor P", "write L or P")


def bare(cell: str) -> str | CellFault:
    """Return a cell without the padding around it; an empty text for one that says it has no value."""
    words = " ".join(cell.split())
    if formula := _FORMULA_OF_TEXT.fullmatch(words):
        words = formula[1].strip()
    if words.casefold() in _ABSENT:
        return ""
    if _ERROR.fullmatch(words):
        return _EXCEL_ERROR
    return words if words.isprintable() else _UNPRINTABLE


def text(words: str) -> str | CellFault:
    """Read words; an apostrophe in front may belong to a name and stays."""
    return words


def code(words: str) -> str | CellFault:
    """Read one of our own words, such as a track."""
    return words.casefold()


def digits(words: str) -> str | CellFault:
    """Read a number that is a name, such as a NIK."""
    number = words.lstrip(_MARK_OF_TEXT)
    return _ROUNDED if _EXPONENT.fullmatch(number) else number


def card(words: str) -> str | CellFault:
    """Read a JKN card number; all of them begin with zeros, which spreadsheets drop."""
    number = digits(words)
    if isinstance(number, str) and number.isdecimal() and len(number) < CARD_DIGITS and number[0] != "0":
        return _ZEROS_LOST
    return number


def phone(words: str) -> str | CellFault:
    """Read a phone number; without 0 or 62 in front it was taken for a quantity."""
    number = digits(words)
    if isinstance(number, str) and number.isdecimal() and number[0] == "8":
        return _ZEROS_LOST
    return number


def day(words: str) -> str | CellFault:
    """Read a date, day first as in Indonesia, or year first; return it as yyyy-mm-dd."""
    written = words.lstrip(_MARK_OF_TEXT)
    if found := _YEAR_FIRST.fullmatch(written):
        year, month, day_ = found.groups()
    elif found := _DAY_FIRST.fullmatch(written):
        day_, _, month, year = found.groups()
    else:
        return _COUNTED if _DAY_COUNT.fullmatch(written) else _NO_DATE
    try:
        return date(int(year), int(month), int(day_)).isoformat()
    except ValueError:
        return _NO_DATE


def sex(words: str) -> str | CellFault:
    """Read L or P, or the words they stand for."""
    return _SEXES.get(re.sub(r"[\s-]", "", words.casefold()), _NO_SEX)

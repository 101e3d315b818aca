"""Cells of an XLSX file as texts: shared texts, dates, and numbers that have lost digits."""

import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

MOST_COLUMNS: Final = 16_384
_SURE_DIGITS: Final = 15
"""Spreadsheets keep so many digits of a number and put zeros in the place of the others."""
_MOST_DIGITS: Final = 400
_BUILT_IN_DATES: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
_NOT_OF_THE_FORMAT: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_LETTERS: Final = re.compile("[A-Z]{1,3}")
_FALSE_LEAP_DAY: Final = 60
"""The day that Excel counts and that was not: 29 February 1900."""
_AT_A_TIME: Final = 1000
_MEMORY_KIB: Final = 16 * 1024


class Texts:
    """The texts that cells share, kept on disk."""

    def __init__(self) -> None:
        """Begin with none."""
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute(f"PRAGMA cache_size = -{_MEMORY_KIB}")
        self._file.execute("CREATE TABLE texts (number INTEGER PRIMARY KEY, words TEXT NOT NULL)")
        self._file.execute("BEGIN")
        self._waiting: list[tuple[int, str]] = []
        self._count = 0
        self.of = lru_cache(maxsize=1024)(self._look_up)

    def add(self, words: str) -> None:
        """Add the next text."""
        self._waiting.append((self._count, words))
        self._count += 1
        if len(self._waiting) == _AT_A_TIME:
            self.complete()

    def complete(self) -> None:
        """Keep what was added."""
        self._file.executemany("INSERT INTO texts VALUES (?, ?)", self._waiting)
        self._waiting.clear()

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def _look_up(self, number: int) -> str:
        """Return a text by its number. Raises IndexError."""
        found = self._file.execute("SELECT words FROM texts WHERE number = ?", (number,)).fetchone()
        if found is None:
            raise IndexError
        return str(found[0])


class Styles:
    """Which styles show a number as a date."""

    def __init__(self) -> None:
        """Begin with none."""
        self.is_1904 = False
        """Whether days are counted from 1904 on, as old Macs did."""
        self._dates = set(_BUILT_IN_DATES)
        self._of_cells: list[bool] = []
        self._in_cells = False

    def start(self, name: str, told: Mapping[str, str]) -> None:
        """Take the start of an element of `styles.xml`."""
        if name == "numFmt" and _is_date_format(told["formatCode"]):
            self._dates.add(int(told["numFmtId"]))
        elif name in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            self._in_cells = name == "cellXfs"
        elif name == "xf" and self._in_cells:
            self._of_cells.append(int(told.get("numFmtId", 0)) in self._dates)

    def is_date(self, style: int) -> bool:
        """Tell whether cells of this style are dates."""
        return 0 <= style < len(self._of_cells) and self._of_cells[style]


def cell_text(kind: str, words: str, style: int, texts: Texts, styles: Styles) -> str:
    """Return the value of a cell as it would be typed; a date as yyyy-mm-dd. Raises ValueError, IndexError.

    A number with more digits than spreadsheets keep is given as `3.674E+15`, for its digits are not sure.
    """
    if kind == "s":
        return texts.of(int(words))
    if kind == "b":
        return "FALSE" if words == "0" else "TRUE"
    if kind != "n":
        return unescaped(words)
    try:
        number = Decimal(words)
    except InvalidOperation:
        raise ValueError from None
    if styles.is_date(style) and number.is_finite():
        with suppress(OverflowError):
            return _date(number, is_1904=styles.is_1904)
    return _number(number, words)


def column_number(reference: str) -> int:
    """Return the column of a cell such as `AB12`, from 1. Raises ValueError."""
    return _number_of(reference.rstrip("0123456789"))


def unescaped(words: str) -> str:
    """Return a text in which characters that XML cannot hold stand as `_x000D_`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), words) if "_x" in words else words


@lru_cache
def _number_of(letters: str) -> int:
    if _LETTERS.fullmatch(letters) is None:
        raise ValueError
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    if number > MOST_COLUMNS:
        raise ValueError
    return number


def _number(number: Decimal, words: str) -> str:
    if (
        not number.is_finite()
        or abs(number.adjusted()) > _MOST_DIGITS
        or number != number.to_integral_value()
    ):
        return words
    digits = f"{number.to_integral_value():f}"
    is_sure = len(digits.lstrip("-")) <= _SURE_DIGITS or not digits.endswith("0")
    return digits if is_sure else f"{float(number):.5E}"


def _date(days: Decimal, *, is_1904: bool) -> str:
    """Return the day, with the time of day if there is one."""
    day_0 = date(1904, 1, 1) if is_1904 else date(1899, 12, 31 if days < _FALSE_LEAP_DAY else 30)
    at = datetime.combine(day_0, time()) + timedelta(seconds=round(float(days) * 86_400))
    return at.isoformat(" ") if at.time() != time() else at.date().isoformat()


def _is_date_format(words: str) -> bool:
    bare = _NOT_OF_THE_FORMAT.sub("", words.partition(";")[0]).casefold()
    return "d" in bare or "y" in bare

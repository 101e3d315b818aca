"""Rows of a CSV file as spreadsheets write it."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Final

from models.errors import BadInput, Finding

_DELIMITERS: Final = ";,\t"
_SEPARATOR_LINE: Final = re.compile(r"\"?sep=([;,\t|])\"?\r?\n?", re.IGNORECASE)
"""A first line by which Excel is told the delimiter."""
_LONGEST_LINE: Final = 256 * 1024
_MOST_LINES_OF_A_ROW: Final = 50


class CsvRows:
    """Rows of a CSV file; the delimiter is that which gives the first row the most cells."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        """`file` stays open as long as this is used."""
        self._file = file
        self._encoding = encoding
        self.is_cut = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Read from the start. Raises BadInput where the file cannot be read for sure."""
        self.is_cut = False
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self._encoding, newline="")
        lines = _Lines(text)
        try:
            yield from self._rows(lines)
        except UnicodeDecodeError:
            fix = "save it as CSV UTF-8"
            raise BadInput([Finding("file", "is in an unknown encoding", fix)]) from None
        finally:
            with suppress(ValueError):  # the file may be closed before whoever read it is gone
                text.detach()

    def _rows(self, lines: "_Lines") -> Iterator[tuple[int, list[str]]]:
        first = next(lines, "")
        delimiter = max(_DELIMITERS, key=lambda one: _width(first, one))
        if chosen := _SEPARATOR_LINE.fullmatch(first):
            delimiter = chosen[1]
        else:
            lines.push_back(first)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        number, width = 0, 0
        while True:
            number += 1
            before = lines.number
            try:
                cells = next(reader, None)
            except csv.Error:
                raise BadInput([_unclosed(number)]) from None
            if cells is None:
                return
            width = width or len(cells)
            if lines.number - before > 1:
                _require_one_row(number, cells, delimiter, width)
            self.is_cut = lines.is_unfinished and len(cells) < width
            yield number, cells


class _Lines:
    """Lines of a text, none of them so long that it is no line of a list."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._pushed: str | None = None
        self.number = 0
        self.is_unfinished = False
        """Whether the line given last ends with the file and not with a line break."""

    def push_back(self, line: str) -> None:
        """Give a line once more."""
        self._pushed = line
        self.number -= 1

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._pushed:
            line, self._pushed = self._pushed, None
        else:
            line = self._text.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.is_unfinished = not line.endswith(("\n", "\r"))
        if self.is_unfinished and len(line) == _LONGEST_LINE:
            fix = "save it as CSV from the spreadsheet"
            raise BadInput([Finding("file", f"line {self.number} is too long for a list", fix)])
        return line


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter)))
    except (csv.Error, StopIteration):
        return 0


def _require_one_row(number: int, cells: list[str], delimiter: str, width: int) -> None:
    """Refuse a row over several lines if it has swallowed others: a quotation mark is missing somewhere."""
    parts = [part for cell in cells for part in cell.splitlines()]
    swallowed = any(part.count(delimiter) >= width - 1 > 0 for part in parts)
    if len(cells) != width or swallowed or len(parts) - len(cells) > _MOST_LINES_OF_A_ROW:
        raise BadInput([_unclosed(number)])


def _unclosed(number: int) -> Finding:
    rule = f"cannot be read from row {number} on: a quotation mark is not closed, or not doubled"
    return Finding("file", rule, "mend the row, or save the list as CSV from the spreadsheet")

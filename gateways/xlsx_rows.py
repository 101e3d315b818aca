"""Rows of an XLSX file, read as a stream: neither a long list nor a hostile file takes more memory.

Only what a list needs is read: the one sheet that holds anything, its texts, and which numbers are dates.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Final, Self
from xml.parsers import expat

from gateways.xlsx_cells import MOST_COLUMNS, Styles, Texts, cell_text, column_number, unescaped
from models.errors import BadInput, Finding

_CHUNK: Final = 64 * 1024
_MOST_PART_BYTES: Final = 1024 * 1024 * 1024
_MOST_ROWS: Final = 1_048_576
_MOST_ROW_CHARACTERS: Final = 1024 * 1024
_MOST_UNREAD_BYTES: Final = 4 * 1024 * 1024
"""How much of a part may be read without anything complete in it."""
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, EOFError, OSError),
    *(KeyError, ValueError, IndexError, NotImplementedError, RuntimeError, OverflowError),
)
"""What zipfile and expat raise for files that are none, and we for what a spreadsheet never writes."""

Start = Callable[[str, Mapping[str, str]], None]
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"
_STRICT_RELATION: Final = "http://purl.oclc.org/ooxml/officeDocument/relationships id"


class XlsxRows:
    """Rows of the only visible sheet that holds anything."""

    is_cut = False

    def __init__(self, file: IO[bytes]) -> None:
        """Find the sheet. Raises BadInput."""
        self._texts = Texts()
        with _told_plainly():
            self._archive = zipfile.ZipFile(file)
            self._styles = Styles()
            self._parts = set(self._archive.namelist())
            if "xl/workbook.xml" not in self._parts:
                raise KeyError
            self._sheets = self._visible_sheets()
            if "xl/styles.xml" in self._parts:
                _read(self._archive, "xl/styles.xml", self._styles.start)
            if "xl/sharedStrings.xml" in self._parts:
                self._read_texts()
            filled = [sheet for sheet in self._sheets if next(self._rows(sheet), None) is not None]
        if len(filled) > 1:
            rule = f"has {len(filled)} sheets with rows"
            raise BadInput([Finding("file", rule, "save the sheet to be imported as a file of its own")])
        self._sheet = filled[0] if filled else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what reading needs, not the file."""
        self._texts.close()
        self._archive.close()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Read from the start. Raises BadInput where the file cannot be read for sure."""
        if self._sheet is not None:
            rows = self._rows(self._sheet)
            while True:
                with _told_plainly():
                    row = next(rows, None)
                if row is None:
                    return
                yield row

    def _visible_sheets(self) -> list[str]:
        """Return the parts that hold the visible sheets, in their order."""
        ids: list[str] = []
        targets: dict[str, str] = {}

        def of_workbook(name: str, told: Mapping[str, str]) -> None:
            if name == "sheet" and told.get("state", "visible") == "visible":
                ids.append(told[_RELATION] if _RELATION in told else told[_STRICT_RELATION])
            elif name == "workbookPr":
                self._styles.is_1904 = told.get("date1904") in {"1", "true"}

        def of_relations(name: str, told: Mapping[str, str]) -> None:
            if name == "Relationship":
                targets[told["Id"]] = told["Target"]

        _read(self._archive, "xl/workbook.xml", of_workbook)
        _read(self._archive, "xl/_rels/workbook.xml.rels", of_relations)
        parts = [targets[one] for one in ids]
        return [part.lstrip("/") if part.startswith("/") else f"xl/{part}" for part in parts]

    def _read_texts(self) -> None:
        reader = _TextReader(self._texts)
        for _ in _events(self._archive, "xl/sharedStrings.xml", reader.start, reader.end, reader.words):
            pass
        self._texts.complete()

    def _rows(self, part: str) -> Iterator[tuple[int, list[str]]]:
        sheet = _SheetReader(self._texts, self._styles)
        for _ in _events(self._archive, part, sheet.start, sheet.end, sheet.words):
            yield from sheet.rows
            sheet.rows.clear()


class _TextReader:
    """Takes the texts of a workbook out of its XML."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._words: list[str] = []
        self._length = 0
        self._is_text = False
        self._in_guide = False

    def start(self, name: str, _told: Mapping[str, str]) -> None:
        if name == "si":
            self._words.clear()
            self._length = 0
        elif name == "rPh":
            self._in_guide = True
        self._is_text = name == "t" and not self._in_guide

    def words(self, words: str) -> None:
        if self._is_text:
            self._length = _added(self._length, words)
            self._words.append(words)

    def end(self, name: str) -> None:
        self._is_text = False
        if name == "rPh":
            self._in_guide = False
        elif name == "si":
            self._texts.add(unescaped("".join(self._words)))


class _SheetReader:
    """Takes the rows of a sheet out of its XML."""

    def __init__(self, texts: Texts, styles: Styles) -> None:
        self._texts = texts
        self._styles = styles
        self.rows: list[tuple[int, list[str]]] = []
        """Complete rows that hold anything."""
        self._number = 0
        self._column = 0
        self._cells: dict[int, str] = {}
        self._length = 0
        self._kind = "n"
        self._style = 0
        self._words: list[str] = []
        self._is_value = False
        self._in_guide = False

    def start(self, name: str, told: Mapping[str, str]) -> None:
        if name == "row":
            number = int(told.get("r", self._number + 1))
            if not self._number < number <= _MOST_ROWS:
                raise ValueError
            self._number, self._column, self._length = number, 0, 0
            self._cells.clear()
        elif name == "c":
            column = column_number(told["r"]) if "r" in told else self._column + 1
            if not self._column < column <= MOST_COLUMNS:
                raise ValueError
            self._column = column
            self._kind, self._style = told.get("t", "n"), int(told.get("s", 0))
            self._words.clear()
        elif name == "rPh":
            self._in_guide = True
        self._is_value = name in {"v", "t"} and not self._in_guide

    def words(self, words: str) -> None:
        if self._is_value:
            self._length = _added(self._length, words)
            self._words.append(words)

    def end(self, name: str) -> None:
        self._is_value = False
        if name == "c":
            if words := "".join(self._words):
                self._words.clear()
                value = cell_text(self._kind, words, self._style, self._texts, self._styles)
                self._length = _added(self._length, value)
                self._cells[self._column] = value
        elif name == "rPh":
            self._in_guide = False
        elif name == "row" and self._cells:
            last = max(self._cells)
            self.rows.append((self._number, [self._cells.get(place, "") for place in range(1, last + 1)]))


def _added(length: int, words: str) -> int:
    """Return the length of a row with these words; no row of a list is that long."""
    if length + len(words) > _MOST_ROW_CHARACTERS:
        raise ValueError
    return length + len(words)


def _read(archive: zipfile.ZipFile, part: str, start: Start) -> None:
    for _ in _events(archive, part, start, lambda _name: None, lambda _words: None):
        pass


def _events(
    archive: zipfile.ZipFile,
    part: str,
    start: Start,
    end: Callable[[str], None],
    words: Callable[[str], None],
) -> Iterator[None]:
    """Tell what a part holds, piece by piece, and stop after each piece; names are without namespace."""
    info = archive.getinfo(part)
    if info.file_size > _MOST_PART_BYTES or info.compress_type not in _METHODS:
        raise ValueError
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda name, told: start(name.rpartition(" ")[2], told)
    parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
    parser.CharacterDataHandler = words
    with archive.open(info) as source:
        fed = 0
        while chunk := source.read(_CHUNK):
            parser.Parse(chunk)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > _MOST_UNREAD_BYTES:
                raise ValueError
            yield
        parser.Parse(b"", True)  # noqa: FBT003 - expat takes it by place only
        yield


def _refuse(*_: object) -> None:
    """Refuse a document type: no spreadsheet writes one, and it can name files or grow without end."""
    raise ValueError


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except _BROKEN:
        fix = "open it in the spreadsheet and save it again as .xlsx"
        raise BadInput([Finding("file", "is not an XLSX file, or it is damaged", fix)]) from None

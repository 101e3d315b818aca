"""Lists as CSV and XLSX files, read row by row. Satisfies `gateways.ports.lists.Tables`."""

import codecs
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, Protocol

from gateways.csv_rows import CsvRows
from gateways.ports.lists import Table, TableRow
from gateways.xlsx_rows import XlsxRows
from models.errors import BadInput, Finding

MOST_CSV_BYTES: Final = 512 * 1024 * 1024
MOST_XLSX_BYTES: Final = 64 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Also what an XLSX with a password looks like."""
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Rows(Protocol):
    """Numbered rows of a file; those that hold nothing may be left out."""

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Read from the start. Raises BadInput where the file cannot be read for sure."""
        ...

    @property
    def is_cut(self) -> bool:
        """Whether the row given last may have lost its end."""
        ...


class TableFiles:
    """Opens lists. What is read is a private copy, which nobody can change meanwhile."""

    @contextmanager
    def open(self, path: Path) -> Iterator[Table]:
        """Hold a list as it is now. Raises BadInput for a file that is no list."""
        with tempfile.TemporaryFile() as copy:
            sha256, encoding = _copy(path, copy)
            copy.seek(0)
            head = copy.read(len(_OLD_EXCEL))
            if head.startswith(_ZIP):
                with XlsxRows(copy) as rows:
                    yield _TableFile(sha256, rows)
            else:
                yield _TableFile(sha256, CsvRows(copy, encoding))


class _TableFile:
    """A header and the rows below it, each as wide as the header."""

    def __init__(self, sha256: str, rows: _Rows) -> None:
        self.sha256 = sha256
        self._rows = rows
        first = next(self._filled(), None)
        if first is None:
            raise BadInput([Finding("file", "is empty", "the first row names the columns")])
        self.header = tuple(first[1])

    def rows(self) -> Iterator[TableRow]:
        """Read the rows below the header; rows that hold nothing are left out."""
        filled, width = self._filled(), len(self.header)
        next(filled)
        for number, cells in filled:
            # Spreadsheets leave out empty cells at the end of a row, and so does an interrupted copy.
            padding = 0 if self._rows.is_cut else width - len(cells)
            yield TableRow(number, (*cells, *[""] * padding))

    def _filled(self) -> Iterator[tuple[int, list[str]]]:
        """Read the rows that hold anything, up to the last cell that does."""
        bare = ((number, _without_tail(cells)) for number, cells in self._rows)
        return ((number, cells) for number, cells in bare if cells)


def _without_tail(cells: list[str]) -> list[str]:
    """Return the cells up to the last one that holds anything."""
    kept = len(cells)
    while kept and not cells[kept - 1].strip():
        kept -= 1
    return cells[:kept]


def _copy(path: Path, copy: IO[bytes]) -> tuple[str, str]:
    """Copy a file; return its digest and, if it is text, the encoding. Raises BadInput."""
    digest, text = hashlib.sha256(), _TextCheck()
    with _told_plainly(), _opened(path) as file:
        head = file.read(len(_OLD_EXCEL))
        is_xlsx = head.startswith(_ZIP)
        most = MOST_XLSX_BYTES if is_xlsx else MOST_CSV_BYTES
        _refuse_others(head)
        chunk, size = head + file.read(_CHUNK), 0
        while chunk:
            size += len(chunk)
            if size > most:
                raise BadInput([Finding("file", f"is over {most // _CHUNK} MB", "import it in parts")])
            digest.update(chunk)
            copy.write(chunk)
            if not is_xlsx:
                text.add(chunk)
            chunk = file.read(_CHUNK)
    return digest.hexdigest(), "" if is_xlsx else text.encoding()


def _opened(path: Path) -> IO[bytes]:
    if not path.exists():
        raise BadInput([Finding("file", "does not exist", "check the path")])
    if not path.is_file():  # a pipe or a device has no end
        raise BadInput([Finding("file", "is not a file", "give the path of a CSV or XLSX file")])
    return path.open("rb")


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError):  # the latter for a path with a NUL in it
        raise BadInput(
            [Finding("file", "cannot be read or copied", "check path, permissions and free space")]
        ) from None


def _refuse_others(head: bytes) -> None:
    fix = "save it as .xlsx without a password, or as CSV"
    if head == _OLD_EXCEL:
        raise BadInput([Finding("file", "is an old or a protected Excel file", fix)])
    if head.lstrip().startswith(b"<"):
        raise BadInput([Finding("file", "is a web page or XML, whatever its name says", fix)])
    if head.startswith((b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"{\\rtf", b"PK\x05\x06")):
        raise BadInput([Finding("file", "is neither CSV nor XLSX", fix)])


class _TextCheck:
    """Finds the encoding of a text that comes in pieces."""

    def __init__(self) -> None:
        self._utf_8 = codecs.getincrementaldecoder("utf-8")()
        self._found: str | None = None
        self._is_first = True

    def add(self, chunk: bytes) -> None:
        """Take the next piece. Raises BadInput for what no text holds."""
        if self._is_first and chunk.startswith(_UTF_16):
            self._found = "utf-16"
        self._is_first = False
        if self._found != "utf-16" and b"\x00" in chunk:
            raise BadInput(
                [Finding("file", "holds NUL bytes: it is damaged, or not a text", "save it again as CSV")]
            )
        if self._found is None:
            with suppress(UnicodeDecodeError):
                self._utf_8.decode(chunk)
                return
            self._found = "cp1252"

    def encoding(self) -> str:
        """Return the encoding, once every piece was seen."""
        if self._found is None:
            with suppress(UnicodeDecodeError):
                self._utf_8.decode(b"", final=True)
                return "utf-8-sig"
            return "cp1252"
        return self._found

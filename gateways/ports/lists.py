"""Lists as a city gets them."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from models.case import CaseRef
from models.dossier import NewCase, Registered


@dataclass(frozen=True, repr=False)
class TableRow:
    """A row of a list that holds anything at all."""

    number: int
    """As a spreadsheet shows it; the header is the first row that holds anything."""
    cells: tuple[str, ...]
    """As many as the header has, unless the row is longer, or the file ends in the middle of it."""

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return f"<TableRow {self.number}>"


class Table(Protocol):
    """A list, held as it was when it was opened."""

    @property
    def sha256(self) -> str:
        """The digest of the file, in hex."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The cells of the first row that holds anything."""
        ...

    def rows(self) -> Iterator[TableRow]:
        """Read the rows below the header, each time from the start, none of them half.

        Raises BadInput at a place from which on the file cannot be read for sure.
        """
        ...


class Tables(Protocol):
    """Reads lists as spreadsheet programs save them."""

    def open(self, path: Path) -> AbstractContextManager[Table]:
        """Hold a list as it is now. Raises BadInput for a file that is no list."""
        ...


@dataclass(frozen=True)
class ImportHead:
    """A list that is taken, in a city and in one reading of its columns."""

    key: str
    """A digest of all that."""
    city: str
    file_sha256: str
    rows: int
    begun_by: str
    begun_at: datetime


@dataclass(frozen=True)
class NewRow:
    """A row of a list, as an application."""

    number: int
    new: NewCase


class Imports(Protocol):
    """What became of the rows of lists. Raises EngineUnreachable when the database is away."""

    def begin(self, head: ImportHead) -> None:
        """Note that a list is being taken; the first note stays."""
        ...

    def taken(self, key: str, numbers: Collection[int]) -> set[int]:
        """Return those of these rows that were taken before."""
        ...

    def take(self, key: str, rows: Sequence[NewRow]) -> list[Registered]:
        """Register rows, all or none, each with the note that it was taken; in the order given.

        A person with an open case gets that case. So does one whose case from the same letter and the
        same deactivation is over: the list brings the same application again.
        """
        ...

    def unstarted(self, key: str) -> list[CaseRef]:
        """Return the open cases of a list whose workflow is not known to be started."""
        ...

    def mark_started(self, case_numbers: Collection[str]) -> None:
        """Note that the workflows of these cases exist."""
        ...

    def end(self, key: str, rejected: int, at: datetime) -> None:
        """Note that every row of a list was looked at, and how many were rejected; the last note stays."""
        ...

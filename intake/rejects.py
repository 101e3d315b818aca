"""The reject file: which rows of a list are no application, and why. Nothing of what they hold."""

import csv
import os
import tempfile
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from intake.rows import RowFault
from models.errors import BadInput, Finding

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell for a formula."""


class RejectFile:
    """Written beside its place, and put there once it is complete; what was there before is replaced."""

    def __init__(self, path: Path, of_list: Path) -> None:
        """`of_list` is the list itself. Raises BadInput when that would be overwritten."""
        if path.exists() and of_list.exists() and path.samefile(of_list):
            raise BadInput([Finding("--rejects", "is the list itself", "name another file")])
        self._path = path

    def __enter__(self) -> Self:
        """Begin the file. Raises BadInput where none can be written."""
        try:
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".rejects-")  # mode 0600
        except OSError:
            fix = "name a file in a folder that exists and may be written"
            raise BadInput([Finding("--rejects", "cannot be written", fix)]) from None
        self._part = Path(name)
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, delimiter=";")
        self._rows.writerow(field.name for field in fields(RowFault))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file in its place, or remove it if not every row was looked at."""
        self._file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def add(self, faults: Iterable[RowFault]) -> None:
        """Write the faults of a row."""
        self._rows.writerows(map(_harmless, astuple(fault)) for fault in faults)


def _harmless(cell: object) -> str:
    words = str(cell)
    return f"'{words}" if words.startswith(_FORMULA) else words

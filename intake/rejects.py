"""The reject file: which rows of a list are no application, and why. Nothing of what they hold."""

import csv
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from intake.rows import RowFault
from models.errors import BadInput, Finding
from models.faults import of_os
from models.plain import safe_cell


class RejectFile:
    """Put in its place once every row was looked at, so that it is never half of one."""

    def __init__(self, path: Path, of_list: Path) -> None:
        """`of_list` is the list itself. Raises BadInput when that would be overwritten."""
        if path.exists() and of_list.exists() and path.samefile(of_list):
            raise BadInput([Finding("--rejects", "is the list itself", "name another file")])
        self._path = path

    def __enter__(self) -> Self:
        """Begin the file, where nobody sees it. Raises BadInput where there will be no place for it."""
        if self._path.is_dir() or not self._path.parent.is_dir():
            raise _unwritable()
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, delimiter=";")
        self._rows.writerow(field.name for field in fields(RowFault))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file in its place, unless not every row was looked at. Raises BadInput."""
        with self._file:
            if kind is None:
                try:
                    self._put()
                except OSError as refusal:
                    raise _unwritable(of_os(refusal).what) from None

    def _put(self) -> None:
        self._file.seek(0)
        handle, part = tempfile.mkstemp(dir=self._path.parent, prefix=".rejects-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                shutil.copyfileobj(self._file, file)
            Path(part).replace(self._path)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise

    def add(self, faults: Iterable[RowFault]) -> None:
        """Write the faults of a row. Raises BadInput when the disk for that is full."""
        try:
            self._rows.writerows(map(safe_cell, astuple(fault)) for fault in faults)
        except OSError as error:
            raise _unwritable(of_os(error).what) from None


def _unwritable(why: str = "cannot be written") -> BadInput:
    fix = "name a file in a folder that exists and may be written"
    return BadInput([Finding("--rejects", why, fix)])

"""Who was in a list before, however long it is: kept in a file that nobody else sees."""

import sqlite3
from types import TracebackType
from typing import Final, Self

_MEMORY_KIB: Final = 16 * 1024
"""Enough for half a million numbers; what is beyond is read from the file."""


class Seen:
    """Remembers in which row a number came first; uses no more memory for a longer list."""

    def __enter__(self) -> Self:
        """Open a file that has no name and is gone when it is closed."""
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute(f"PRAGMA cache_size = -{_MEMORY_KIB}")
        self._file.execute("CREATE TABLE seen (number INTEGER PRIMARY KEY, row INTEGER NOT NULL)")
        self._file.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget everything."""
        self._file.close()

    def first(self, number: int, row: int) -> int:
        """Return the row in which the number came first, which is this one unless it was there before."""
        if self._file.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (number, row)).rowcount:
            return row
        found = self._file.execute("SELECT row FROM seen WHERE number = ?", (number,)).fetchone()
        return int(found[0])

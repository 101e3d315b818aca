"""Copies of SQLite databases that others are writing to, made by SQLite's own online backup."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from models.errors import EngineUnreachable, Misconfigured

_PAGES_AT_A_TIME = 2048
_WAIT_SECONDS = 30.0


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database as of one moment into a new file that only its owner may read.

    The copy needs no write-ahead log beside it. Raises EngineUnreachable when the source cannot be read,
    OSError when the target cannot be written, and Misconfigured when the copy is not whole.
    """
    if not source.is_file():
        raise EngineUnreachable(f"{source} is not there")
    target.touch(mode=0o600, exist_ok=False)
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=_WAIT_SECONDS)) as there,
            closing(sqlite3.connect(target, timeout=_WAIT_SECONDS)) as here,
        ):
            there.backup(here, pages=_PAGES_AT_A_TIME)
            here.execute("PRAGMA journal_mode = DELETE")
            if here.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise Misconfigured(f"{target} is not whole: is the disk in order?")
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:  # the source is only read
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from None
        raise EngineUnreachable(f"{source} could not be copied ({type(error).__name__})") from None

"""Copies of SQLite databases that others are writing to, made by SQLite's own online backup."""

import sqlite3
from contextlib import closing
from pathlib import Path

from models.errors import EngineUnreachable, Misconfigured

_PAGES_AT_A_TIME = 2048
_WAIT_SECONDS = 30.0


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database as of one moment into a new file that only its owner may read.

    The copy needs no write-ahead log beside it. Raises EngineUnreachable when the source cannot be read, and
    Misconfigured when the target cannot be written.
    """
    if not source.is_file():
        raise EngineUnreachable(f"{source} is not there")
    try:
        target.touch(mode=0o600, exist_ok=False)
    except OSError:
        raise Misconfigured(f"{target} cannot be made") from None
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
        raise EngineUnreachable(f"{source} could not be copied ({type(error).__name__})") from None

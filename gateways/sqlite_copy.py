"""Copies of SQLite databases that others are writing to, made by SQLite's own online backup."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from gateways.faults import fault_of
from models.errors import EngineUnreachable, Misconfigured
from models.faults import Fault

_PAGES_AT_A_TIME = 2048
_WAIT_SECONDS = 30.0
_OF_TARGET = {Fault.FULL, Fault.READ_ONLY, Fault.NO_RIGHT, Fault.NOT_THERE}


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
        fault = fault_of(error, make_url(f"sqlite:///{target}")) or Fault.NO_DATABASE
        if fault in _OF_TARGET:  # the source is only read
            folder = target.parent
            raise Misconfigured(
                f"{folder} {fault.what}: {fault.fix(str(folder))}; no copy was made"
            ) from None
        raise EngineUnreachable(f"{source} could not be copied: it {fault.what}") from None

"""What is wrong with a database or a folder: read from what its driver says, and from a small write."""

import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from models.faults import Fault, of_os

_OF_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Fault.LOCKED,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.NO_RIGHT,
    sqlite3.SQLITE_CANTOPEN: Fault.NOT_THERE,
    sqlite3.SQLITE_NOTADB: Fault.NO_DATABASE,
    sqlite3.SQLITE_CORRUPT: Fault.NO_DATABASE,
    sqlite3.SQLITE_IOERR: Fault.DISK,
}
_OF_THE_PLACE: Final = {Fault.READ_ONLY, Fault.NOT_THERE, Fault.DISK}
"""What SQLite says when its folder is to blame, too: a small write there tells which it is."""
_OF_POSTGRESQL: Final = {
    "25006": Fault.READ_ONLY,
    "28000": Fault.REFUSES,
    "28P01": Fault.REFUSES,
    "3D000": Fault.REFUSES,
    "42501": Fault.NO_RIGHT,
    "42P01": Fault.NO_TABLES,
    "53100": Fault.FULL,
    "53300": Fault.CROWDED,
    "55P03": Fault.LOCKED,
    "58030": Fault.DISK,
}
_PRIMARY: Final = 0xFF
_PROBE_BYTES: Final = 64 * 1024


def fault_of(error: Exception, address: URL) -> Fault | None:
    """Return what is wrong with the database at this address; None when it is with what was asked of it."""
    if isinstance(error, NoFreeConnection):
        return Fault.CROWDED
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, address)
    state = getattr(cause, "sqlstate", None)
    if state in _OF_POSTGRESQL:
        return _OF_POSTGRESQL[state]
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    # Without a session there is no state; but then the server's own word for refusing is in the message.
    return Fault.REFUSES if state is None and "FATAL:" in str(cause) else Fault.AWAY


def _of_sqlite(cause: sqlite3.Error, address: URL) -> Fault | None:
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if code == sqlite3.SQLITE_ERROR and str(cause).startswith("no such table"):
        return Fault.NO_TABLES
    is_of_statement = code == sqlite3.SQLITE_ERROR or not isinstance(cause, sqlite3.OperationalError)
    fault = _OF_SQLITE.get(code, None if is_of_statement else Fault.AWAY)
    if fault in _OF_THE_PLACE and address.database:
        return unwritable(Path(address.database).parent) or fault
    return fault


def unwritable(folder: Path) -> Fault | None:
    """Try a small write in a folder, and return why it could not be made; None when it could."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return of_os(error)
    return None

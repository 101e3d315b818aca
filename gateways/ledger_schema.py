"""The ledger's database: how it is opened, and which version of the tables it has."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from weakref import WeakSet

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    String,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, Dialect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import configure_mappers
from sqlalchemy.pool import ConnectionPoolEntry

from gateways.faults import fault_of
from gateways.ledger_access import LedgerAccess, unreachable
from models.errors import Misconfigured
from models.faults import Fault
from models.tables import key_stores

REVISION = "0016"
"""The tables that this version works on: the newest of `migrations/versions`."""
_NO_REVISION = "nothing"
_ALEMBIC_VERSION = table("alembic_version", column("version_num", String))
_SCRUBBED = 1
"""SQLite's `user_version` of a file that was rewritten after everything personal in it was sealed."""
_CONNECT_WITHIN_SECONDS = 5
_WAIT_FOR_LOCK_SECONDS = 10
_SQLITE_SETUP = (
    f"PRAGMA busy_timeout = {_WAIT_FOR_LOCK_SECONDS * 1000}",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)


_opened: WeakSet[Engine] = WeakSet()


def close_engines() -> None:
    """Close what lies idle in the pools of this process, as it ends.

    Whoever is the last at a SQLite file folds its write-ahead log in: the file alone is then the database.
    """
    for engine in list(_opened):
        engine.dispose()


def ready_tables() -> None:
    """Let SQLAlchemy finish what it knows of the tables, which it otherwise does with the first row.

    Whoever serves activities calls this before: Temporal interrupts a thread whose activity is cancelled, and
    tables that were interrupted then take no row until the process ends.
    """
    configure_mappers()


def open_engine(url: str, setting: str = "REAKTIVASI_DATABASE_URL") -> Engine:
    """Return an engine for `sqlite:///<file>` or `postgresql+psycopg://...`; nothing is connected yet.

    Errors of this engine never quote the values of a statement. Raises Misconfigured for any other address,
    naming the setting that holds it.
    """
    address = _address(url, setting)
    if address.drivername == "sqlite":
        engine = create_engine(address, hide_parameters=True, connect_args={"isolation_level": None})
        event.listen(engine, "do_connect", _be_private)
        event.listen(engine, "connect", _set_up_sqlite)
        _opened.add(engine)
        return engine
    from gateways.idle_connections import replace_dead  # noqa: PLC0415 - loads PostgreSQL's driver

    engine = create_engine(
        address, hide_parameters=True, connect_args={"connect_timeout": _CONNECT_WITHIN_SECONDS}
    )
    replace_dead(engine)
    _opened.add(engine)
    return engine


def file_of(url: str) -> Path | None:
    """Return the file in which a database lies; None for one on a server."""
    address = make_url(url)
    return Path(address.database) if address.drivername == "sqlite" and address.database else None


def is_new(engine: Engine) -> bool:
    """Tell whether the database holds no tables of ours yet. Raises EngineUnreachable."""
    with LedgerAccess(engine, unreachable(engine)).read() as connection:
        return revision(connection) == _NO_REVISION


def sealed_with(engine: Engine) -> str | None:
    """Return the id of the key store that the ledger was sealed with; None before it was."""
    with LedgerAccess(engine, unreachable(engine)).read() as connection:
        if not inspect(connection).has_table(key_stores.name):
            return None
        store: str | None = connection.execute(select(key_stores.c.id)).scalar_one_or_none()
    return store


def scrub(engine: Engine) -> bool:
    """Rewrite a SQLite file once, so that neither it nor its log holds what stood in rows in the clear.

    Return whether that was done now. A PostgreSQL is cleaned by its administrator (`VACUUM FULL`).
    """
    if engine.dialect.name != "sqlite":
        return False
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA user_version")
        if cursor.fetchall()[0][0] >= _SCRUBBED:
            return False
        for statement in ("VACUUM", f"PRAGMA user_version = {_SCRUBBED}", "PRAGMA wal_checkpoint(TRUNCATE)"):
            cursor.execute(statement)
        cursor.close()
    except sqlite3.Error as error:
        fault = fault_of(error, engine.url)
        raise unreachable(engine)(fault or Fault.NO_DATABASE) from None
    finally:
        connection.close()
    return True


def require_current(engine: Engine) -> None:
    """Raise Misconfigured unless the tables are of this version; EngineUnreachable without an answer."""
    with LedgerAccess(engine, unreachable(engine)).read() as connection:
        present = revision(connection)
    if present != REVISION:
        raise Misconfigured(
            f"ledger schema is at {present}, this version needs {REVISION}: run `starter.py migrate`"
        )


def revision(connection: Connection) -> str:
    """Return which version the tables have; `nothing` when there are none."""
    if not inspect(connection).has_table(_ALEMBIC_VERSION.name):
        return _NO_REVISION
    told = connection.execute(select(_ALEMBIC_VERSION.c.version_num)).scalar_one_or_none()
    return str(told or _NO_REVISION)


def _address(url: str, setting: str) -> URL:
    with suppress(ArgumentError):
        address = make_url(url)
        if address.drivername == "postgresql+psycopg":
            return address
        if address.drivername == "sqlite" and address.database not in (None, "", ":memory:"):
            return address
    raise Misconfigured(
        f"{setting} must be sqlite:///<file> or postgresql+psycopg://<user>@<host>/<database>"
    )


def _be_private(_dialect: Dialect, _record: object, args: list[str], _more: object) -> None:
    """Let only the owner read a new file and what SQLite makes beside it. Connecting tells what is wrong."""
    with suppress(OSError):
        Path(args[0]).touch(mode=0o600)


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_SETUP:
        cursor.execute(pragma)
    _switch_to_wal(cursor)
    cursor.close()


def _switch_to_wal(cursor: DBAPICursor) -> None:
    """Switch the file to WAL, for good. SQLite does not wait by itself when two processes do so at once."""
    give_up_at = monotonic() + _WAIT_FOR_LOCK_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > give_up_at:
                raise
            sleep(0.02)
        else:
            return

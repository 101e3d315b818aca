"""How the SQL ledger is reached: short transactions, plain errors, numbers without gaps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Insert,
    RowMapping,
    Table,
    bindparam,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from gateways import lineage_rows
from gateways.faults import fault_of
from models.errors import BadReply, EngineUnreachable, NotFound, ReactivationError, Unavailable
from models.faults import Fault
from models.tables import cases, counters, documents

_READS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "sqlite": ({}, {}),
    "postgresql": ({"isolation_level": "AUTOCOMMIT"}, {"isolation_level": "REPEATABLE READ"}),
}
"""Execution options of a read and of a snapshot, on each kind of database. On SQLite each statement is a
transaction of its own until a BEGIN."""

_SETTING = "REAKTIVASI_DATABASE_URL"


def utc_now() -> datetime:
    """Return the wall time, aware, in UTC."""
    return datetime.now(UTC)


Away = Callable[[Fault], ReactivationError]
"""Makes the error for a database that cannot be used, from what is wrong with it."""


def unreachable(engine: Engine) -> Away:
    """Return what tells an administrator what is wrong with which database; no user, no password."""
    url = engine.url
    place = URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()

    def told(fault: Fault) -> EngineUnreachable:
        return EngineUnreachable(f"ledger database {place} {fault.what}: {fault.fix(_SETTING)}")

    return told


def unavailable(fault: Fault) -> Unavailable:
    """Return what lets an activity try again, whatever is wrong: an administrator can mend it meanwhile."""
    return Unavailable("ledger", f"database {fault.what}")


class LedgerAccess:
    """Transactions on the ledger that raise our errors only, never a statement's values.

    A database that is away, locked, full, read-only or none at all raises what `away` makes. Any other
    database error is BadReply: an engineer must look.
    """

    def __init__(self, engine: Engine, away: Away) -> None:
        """`engine` comes from `open_engine`."""
        read, snapshot = _READS[engine.dialect.name]
        self._reader, self._snapshot = engine.execution_options(**read), engine.execution_options(**snapshot)
        self._engine = engine
        self._away = away

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read what is committed, each statement at its own time."""
        with self._in_plain_words(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read as of one moment, however many statements it takes, and as slowly as wanted."""
        with self._in_plain_words(), self._snapshot.begin() as connection:
            _begin_sqlite(connection, "BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may write; it is committed at the end and rolled back on an error."""
        with self._in_plain_words(), self._engine.begin() as connection:
            # At once: a transaction that reads first and writes later could not wait for the write lock.
            _begin_sqlite(connection, "BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, ValueError) as error:  # both may quote a value, which may be damaged
            fault = fault_of(error, self._engine.url)
            if fault is not None:
                raise self._away(fault) from None
            raise BadReply("ledger", f"the database refused a statement ({type(error).__name__})") from None


def _begin_sqlite(connection: Connection, how: str) -> None:
    """Begin a transaction on SQLite, whose driver does not.

    A listener to SQLAlchemy's `begin` could do it, and every statement would cost half as much again: an
    engine with a listener looks for listeners all the time.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(how)


class Upsert:
    """An insert with an ON CONFLICT clause, built once in the words of each kind of database."""

    def __init__(self, table: Table, finish: Callable[[sqlite.Insert | postgresql.Insert], Insert]) -> None:
        """`finish` adds the clause to a plain insert into `table`."""
        self._by_dialect = {
            "sqlite": finish(sqlite.insert(table)),
            "postgresql": finish(postgresql.insert(table)),
        }

    def on(self, connection: Connection) -> Insert:
        """Return the statement for this connection's database."""
        return self._by_dialect[connection.dialect.name]


_COUNT = Upsert(
    counters,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"], set_={"value": counters.c.value + insert.excluded.value}
    ).returning(counters.c.value),
)
_LOCK_CASE = (
    select(
        cases.c.city,
        cases.c.track,
        cases.c.last_seq,
        cases.c.told_task,
        cases.c.told_at,
        cases.c.run,
        cases.c.epoch,
        cases.c.closed_at,
        cases.c.outcome,
    )
    .where(cases.c.case_number == bindparam("case_number"))
    .with_for_update(key_share=True)
)

PAPERS = (
    select(documents)
    .where(documents.c.case_number == bindparam("case_number"))
    .order_by(documents.c.added_at, documents.c.kind, documents.c.name)
)
"""The papers of a case in the order in which they came."""


def next_number(connection: Connection, name: str) -> int:
    """Return the next number under this name, from 1. No gaps: a transaction that fails gives it back."""
    return next_numbers(connection, name, 1)[0]


def next_numbers(connection: Connection, name: str, how_many: int) -> range:
    """Return so many numbers in a row; otherwise as `next_number`.

    Raises NumbersHeld while a number might be somebody's already.
    """
    lineage_rows.require_free(connection)
    last: int = connection.execute(_COUNT.on(connection), {"name": name, "value": how_many}).scalar_one()
    return range(last - how_many + 1, last + 1)


def lock_case(connection: Connection, case_number: str) -> RowMapping:
    """Return what writers need of a case and keep others from writing to it. Raises NotFound."""
    row = connection.execute(_LOCK_CASE, {"case_number": case_number}).mappings().one_or_none()
    if row is None:
        raise no_such_case(case_number)
    return row


def no_such_case(case_number: str) -> NotFound:
    """Return the error for a case that the ledger does not hold."""
    return NotFound(f"the ledger holds no case {case_number}")

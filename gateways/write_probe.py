"""Whether a database takes writes: one is tried, and taken back."""

from sqlalchemy import Connection, Engine, insert, text

from gateways.ledger_access import Away, LedgerAccess
from models.tables import counters

_MAY_EXTEND = text("SELECT has_database_privilege(current_database(), 'TEMP')")
_EXTEND = text(
    "CREATE TEMPORARY TABLE probe ON COMMIT DROP AS "
    "SELECT string_agg(md5(CAST(number AS TEXT)), '') FROM generate_series(1, 2048) AS number"
)
"""64 KiB that must find their place on the server's disk."""


def require_writable(engine: Engine, away: Away, *, is_ledger: bool) -> None:
    """Raise what `away` makes when the database cannot be written. Nothing is left behind."""
    with LedgerAccess(engine, away).write() as connection:
        if is_ledger:
            connection.execute(insert(counters), {"name": "probe", "value": 0})
        _extend(connection)
        connection.rollback()


def _extend(connection: Connection) -> None:
    """Let a PostgreSQL find room on its disk; on that of a file, `unwritable` looks."""
    if connection.dialect.name == "postgresql" and connection.execute(_MAY_EXTEND).scalar_one():
        connection.execute(_EXTEND)

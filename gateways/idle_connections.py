"""A PostgreSQL connection that died while nobody used it is found without asking the server each time."""

from select import POLLIN, poll
from time import monotonic

from psycopg import Connection, Error
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

_GIVEN_BACK_AT = "given_back_at"
_ASKED_AFTER_SECONDS = 30.0
"""How long a connection may lie before the server is asked: a network that drops it silently says nothing."""


def replace_dead(engine: Engine) -> None:
    """Have connections looked at before they are used again; one that is dead is replaced, with all others.

    A server that ended a connection has said so on it: there is something to read, which otherwise there
    hardly ever is. SQLAlchemy's own `pool_pre_ping` asks the server each time, which a short read feels.
    """

    @event.listens_for(engine, "checkin")
    def given_back(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_GIVEN_BACK_AT] = monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        since = entry.info.get(_GIVEN_BACK_AT)
        if since is None or not (monotonic() - since > _ASKED_AFTER_SECONDS or _has_something(connection)):
            return
        try:
            engine.dialect.do_ping(connection)
        except Error:
            raise InvalidatePoolError from None


def _has_something(connection: DBAPIConnection) -> bool:
    """Tell whether there is something to read on a connection that nobody uses."""
    assert isinstance(connection, Connection)
    look = poll()
    look.register(connection.fileno(), POLLIN)
    return bool(look.poll(0))

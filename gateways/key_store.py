"""The key store: the wrapped keys of people, in a database apart from the ledger and its backups."""

import secrets

from sqlalchemy import (
    Column,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import UTCDateTime

from gateways import sealing
from gateways.keyring import MasterKey
from gateways.ledger_access import LedgerAccess
from gateways.ledger_schema import open_engine
from models.errors import EngineUnreachable
from models.faults import Fault

_SETTING = "REAKTIVASI_KEYSTORE"
metadata = MetaData()
"""Of everything in the key store."""
roots = Table(
    "roots",
    metadata,
    Column("store", String, primary_key=True),
    Column("master", String, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
"""One row: the store's own id, and the secret that look-ups are keyed by, wrapped."""
person_keys = Table(
    "person_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("master", String),
    Column("wrapped", LargeBinary),
    Column("destroyed_at", UTCDateTime),
    Index("ix_person_keys_master", "master"),
)
"""A key that was destroyed keeps its row, so that a restored ledger still knows who was erased."""
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(8421367000420)")


def open_keys(url: str) -> Engine:
    """Return the engine of a key store; what it says is kept survives a power cut. Raises Misconfigured."""
    engine = open_engine(url, _SETTING)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sync_fully)
    return engine


def _sync_fully(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def away(fault: Fault) -> EngineUnreachable:
    """Return the error that tells an administrator what is wrong with the key store."""
    return EngineUnreachable(f"key store {fault.what}: {fault.fix(_SETTING)}")


def is_there(engine: Engine) -> bool:
    """Tell whether the key store was made. Raises EngineUnreachable."""
    with LedgerAccess(engine, away).read() as connection:
        return inspect(connection).has_table("roots")


def create(engine: Engine, master: MasterKey) -> None:
    """Make the key store, unless it is there. Raises EngineUnreachable."""
    from gateways import key_witness, lost_keys  # noqa: F401, PLC0415 - their tables are made too

    with LedgerAccess(engine, away).write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_AT_A_TIME)
        metadata.create_all(connection)
        if connection.execute(select(roots.c.store)).first() is None:
            store = secrets.token_hex(16)
            root = secrets.token_bytes(sealing.KEY_BYTES)
            wrapped = wrap(master, f"root/{store}", root)
            connection.execute(insert(roots), {"store": store, "master": master.id, "wrapped": wrapped})


def wrap(master: MasterKey, place: str, key: bytes) -> bytes:
    """Wrap a key under a master key, bound to whose it is."""
    return sealing.seal(sealing.derived(master.secret, "wrap"), place, key)


def unwrap(master: MasterKey, place: str, wrapped: bytes) -> bytes:
    """Return the key that was wrapped. Raises DoesNotOpen."""
    return sealing.unseal(sealing.derived(master.secret, "wrap"), place, wrapped)

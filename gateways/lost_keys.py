"""Which people's keys were lost with a key store that was put back, and when that was noted.

The key store notes it, since it is where the keys are: the right one, put back later, has no such note.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, bindparam, delete, insert, inspect, select
from sqlmodel import UTCDateTime

from gateways.key_store import metadata

lost_keys = Table(
    "lost_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("noted_at", UTCDateTime, nullable=False),
)
"""A key that was lost; what it sealed before then nobody reads again."""
_FORGET = delete(lost_keys).where(lost_keys.c.id == bindparam("of_id"))


def note(connection: Connection, key_ids: Collection[str], at: datetime) -> None:
    """Note that these keys, of which there is one, were lost; the caller's transaction may write."""
    lost_keys.create(connection, checkfirst=True)  # a store that was put back may be older than the table
    connection.execute(_FORGET, [{"of_id": key_id} for key_id in key_ids])
    connection.execute(insert(lost_keys), [{"id": key_id, "noted_at": at} for key_id in key_ids])


def read(connection: Connection) -> dict[str, datetime]:
    """Return when lost keys were noted, by their ids."""
    if not inspect(connection).has_table(lost_keys.name):
        return {}
    return {row.id: row.noted_at for row in connection.execute(select(lost_keys))}

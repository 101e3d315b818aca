"""What the key store notes of the ledger: how far it is, so that a ledger put back from a copy is noticed.

The key store is the right witness: it is kept apart from the ledger's backups, and nobody is registered
without it.
"""

import json

from sqlalchemy import Column, Connection, Integer, String, Table, Text, insert, select, update

from gateways.key_store import metadata
from models.lineage import Past, Witnessed

witness = Table(
    "witness",
    metadata,
    Column("ledger", String, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("head", String, nullable=False),
    Column("numbers", Text, nullable=False),
    Column("tick", Integer, nullable=False),
)
"""One row for each ledger that is sealed with the store."""


def read(connection: Connection, ledger: str) -> Witnessed | None:
    """Return what was noted of a ledger; None when nothing was."""
    row = connection.execute(select(witness).where(witness.c.ledger == ledger)).one_or_none()
    if row is None:
        return None
    past = Past(row.ledger, row.generation, row.entries, row.head, json.loads(row.numbers))
    return Witnessed(past, row.tick)


def note(connection: Connection, past: Past) -> Witnessed:
    """Note how far a ledger is and return what stands there now; the caller's transaction may write.

    What was noted is never taken back in one life of the ledger: an older copy notes nothing. A new life
    begins from where it is.
    """
    before = read(connection, past.ledger)
    if before is not None and not _is_news(before.past, past):
        return before
    if before is None or before.past.generation < past.generation:
        told, tick = past, 1 if before is None else before.tick + 1
    else:
        told, tick = _together(before.past, past), before.tick + 1
    row = {
        "ledger": told.ledger,
        "generation": told.generation,
        "entries": told.entries,
        "head": told.head,
        "numbers": json.dumps(dict(told.numbers), sort_keys=True),
        "tick": tick,
    }
    there = witness.c.ledger == past.ledger
    connection.execute(
        insert(witness).values(row) if before is None else update(witness).where(there).values(row)
    )
    return Witnessed(told, tick)


def _is_news(before: Past, past: Past) -> bool:
    if past.generation != before.generation:
        return past.generation > before.generation
    more = any(value > before.numbers.get(name, 0) for name, value in past.numbers.items())
    return more or past.entries > before.entries


def _together(one: Past, other: Past) -> Past:
    """Return what two notes of one life say together: the furthest of each."""
    furthest = max(one, other, key=lambda past: past.entries)
    names = one.numbers.keys() | other.numbers.keys()
    numbers = {name: max(one.numbers.get(name, 0), other.numbers.get(name, 0)) for name in names}
    return Past(one.ledger, one.generation, furthest.entries, furthest.head, numbers)

"""What the key store notes of the ledger: how far it is, so that a ledger put back from a copy is noticed.

The key store is the right witness: it is kept apart from the ledger's backups, and nobody is registered
without it.
"""

from sqlalchemy import Column, Connection, String, Table, Text, insert, select, update

from gateways.key_store import metadata
from models.lineage import Past, Witnessed

witness = Table(
    "witness",
    metadata,
    Column("ledger", String, primary_key=True),
    Column("noted", Text, nullable=False),
)
"""One row for each ledger that is sealed with the store."""


def read(connection: Connection, ledger: str) -> Witnessed | None:
    """Return what was noted of a ledger; None when nothing was."""
    noted = connection.execute(select(witness.c.noted).where(witness.c.ledger == ledger)).scalar_one_or_none()
    return None if noted is None else Witnessed.model_validate_json(noted)


def note(connection: Connection, past: Past) -> Witnessed:
    """Note how far a ledger is and return what stands there now; the caller's transaction may write."""
    before = read(connection, past.ledger)
    now = Witnessed.after(before, past)
    if before is None:
        connection.execute(insert(witness).values(ledger=past.ledger, noted=now.model_dump_json()))
    elif now != before:
        there = witness.c.ledger == past.ledger
        connection.execute(update(witness).where(there).values(noted=now.model_dump_json()))
    return now

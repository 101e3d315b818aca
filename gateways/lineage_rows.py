"""The ledger's identity within a transaction: who it is, how far it is, whether numbers may be given out."""

from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam, func, insert, select, update

from gateways.audit_forms import announce
from models.audit_tables import audit_chain
from models.errors import NumbersHeld
from models.lineage import Discord, Held, Lineage, Past
from models.lineage_tables import generations, lineage
from models.tables import counters

_NEWEST = select(func.max(generations.c.number)).scalar_subquery()
_LINEAGE = select(lineage, generations.c.began_at).outerjoin(generations, generations.c.number == _NEWEST)
_LEDGER = select(lineage.c.ledger)
_HELD = select(lineage.c.held_since, lineage.c.held_because).where(lineage.c.held_since.is_not(None))
_HOLD = (
    update(lineage)
    .where(lineage.c.held_since.is_(None))
    .values(held_since=bindparam("since"), held_because=bindparam("because"))
)
_FREE = update(lineage).values(
    held_since=None,
    held_because=None,
    keys_tick=0,
    temporal_tick=0,
    generation=bindparam("next", type_=Integer()),
)
_BEGIN = insert(generations)
_COUNTERS = select(counters.c.name, counters.c.value).order_by(counters.c.name)
_HEAD = select(audit_chain.c.number, audit_chain.c.hash).order_by(audit_chain.c.number.desc()).limit(1)


def read(connection: Connection) -> Lineage:
    """Return which ledger this is."""
    row = connection.execute(_LINEAGE).one()
    held = None if row.held_since is None else Held(row.held_since, Discord(row.held_because))
    return Lineage(row.ledger, row.generation, row.began_at, row.keys_tick, row.temporal_tick, held)


def ledger_id(connection: Connection) -> str:
    """Return what the ledger is known by."""
    return str(connection.execute(_LEDGER).scalar_one())


def past(connection: Connection) -> Past:
    """Return how far the ledger is."""
    row = connection.execute(_LINEAGE).one()
    head = connection.execute(_HEAD).one_or_none()
    numbers = dict(map(tuple, connection.execute(_COUNTERS).all()))
    entries, of_head = (0, "") if head is None else (head.number, head.hash.hex())
    return Past(ledger=row.ledger, generation=row.generation, entries=entries, head=of_head, numbers=numbers)


def require_free(connection: Connection) -> None:
    """Raise NumbersHeld while no number may be given out."""
    row = connection.execute(_HELD).one_or_none()
    if row is not None:
        raise NumbersHeld(Held(row.held_since, Discord(row.held_because)))


def hold(connection: Connection, held: Held) -> None:
    """Let no number be given out from now on; who holds first says why."""
    connection.execute(_HOLD, {"since": held.since, "because": held.because})


def begin_generation(connection: Connection, number: int, by: str, now: datetime) -> None:
    """Begin a life of the ledger, in which numbers are given out again."""
    head = connection.execute(_HEAD).one_or_none()
    entries = 0 if head is None else head.number
    connection.execute(_BEGIN, {"number": number, "began_at": now, "begun_by": by, "entries": entries})
    announce(connection, "generations", [(number,)], now)
    connection.execute(_FREE, {"next": number})

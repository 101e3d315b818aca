"""The ledger's identity in SQL. Satisfies `gateways.ports.lineage.LineageBook`."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Engine, Integer, String, bindparam, func, select, update

from gateways import lineage_rows
from gateways.ledger_access import LedgerAccess, Upsert, unreachable
from models.audit_tables import audit_chain
from models.lineage import Held, Lineage, Past
from models.lineage_tables import lineage
from models.tables import cases, counters, people

_AT_ONCE = 1000
_COMPARED = 100
"""How many people a key store must know; one that it does not is enough."""
_HASH = select(audit_chain.c.hash).where(audit_chain.c.number == bindparam("number", type_=Integer()))
_REMEMBER = {
    column.name: update(lineage)
    .where(column < bindparam("tick", type_=Integer()))
    .values({column: bindparam("tick")})
    for column in (lineage.c.keys_tick, lineage.c.temporal_tick)
}
_NEWEST = select(func.max(cases.c.registered_at))
_NEWEST_KEYS = select(people.c.key_id).order_by(people.c.id.desc()).limit(_COMPARED)
_BIRTHS = select(cases.c.case_number, cases.c.birth).where(
    cases.c.case_number.in_(bindparam("numbers", type_=String(), expanding=True))
)
_MOVE = Upsert(
    counters,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"value": insert.excluded.value},
        where=counters.c.value < insert.excluded.value,
    ),
)


class SqlLineage:
    """The identity of a ledger in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    def lineage(self) -> Lineage:
        """Return which ledger this is."""
        with self._access.read() as connection:
            return lineage_rows.read(connection)

    def past(self) -> Past:
        """Return how far the ledger is."""
        with self._access.snapshot() as connection:
            return lineage_rows.past(connection)

    def hash_of(self, entry: int) -> str | None:
        """Return the hash of an entry of the audit chain; None when there is none."""
        with self._access.read() as connection:
            found = connection.execute(_HASH, {"number": entry}).scalar_one_or_none()
        return None if found is None else found.hex()

    def remember(self, *, keys: int | None = None, temporal: int | None = None) -> None:
        """Note how far key store and Temporal have counted; it never goes back."""
        ticks = {"keys_tick": keys, "temporal_tick": temporal}
        with self._access.write() as connection:
            for name, tick in ticks.items():
                if tick is not None:
                    connection.execute(_REMEMBER[name], {"tick": tick})

    def hold(self, held: Held) -> None:
        """Let no number be given out from now on; who holds first says why."""
        with self._access.write() as connection:
            lineage_rows.hold(connection, held)

    def begin_generation(self, numbers: Mapping[str, int], *, after: int, by: str, now: datetime) -> Lineage:
        """Go on after a store was put back: no series gives out a number up to these again.

        The generation is later than its own and `after`, the latest that anybody knows of.
        """
        with self._access.write() as connection:
            before = lineage_rows.read(connection)
            rows = [{"name": name, "value": value} for name, value in sorted(numbers.items())]
            if rows:
                connection.execute(_MOVE.on(connection), rows)
            lineage_rows.begin_generation(connection, max(before.generation, after) + 1, by, now)
            return lineage_rows.read(connection)

    def newest_registration(self) -> datetime | None:
        """Return when a case was registered last; None when none ever was."""
        with self._access.read() as connection:
            newest: datetime | None = connection.execute(_NEWEST).scalar_one()
        return newest

    def newest_keys(self) -> list[str]:
        """Return the ids of the keys of those people who came last."""
        with self._access.read() as connection:
            return list(connection.execute(_NEWEST_KEYS).scalars())

    def births(self, numbers: Collection[str]) -> dict[str, str | None]:
        """Return the birth marks of those of these cases that the ledger holds."""
        wanted, found = sorted(numbers), dict[str, str | None]()
        with self._access.read() as connection:
            for at in range(0, len(wanted), _AT_ONCE):
                rows = connection.execute(_BIRTHS, {"numbers": wanted[at : at + _AT_ONCE]}).all()
                found |= {row.case_number: row.birth for row in rows}
        return found

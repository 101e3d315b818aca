"""The ledger's identity in SQL. Satisfies `gateways.ports.lineage.LineageBook`."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine, Integer, String, bindparam, func, select, update

from gateways import ledger_rows, lineage_rows
from gateways.ledger_access import LedgerAccess, Upsert, unreachable
from models.audit_tables import audit_chain
from models.case import CaseRef
from models.lineage import Held, Lineage, Past
from models.lineage_tables import lineage
from models.tables import cases, counters

_AT_ONCE = 1000
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_HASH = select(audit_chain.c.hash).where(audit_chain.c.number == bindparam("number", type_=Integer()))
_REMEMBER = (
    update(lineage)
    .where(lineage.c.keys_tick < bindparam("tick", type_=Integer()))
    .values(keys_tick=bindparam("tick", type_=Integer()))
)
_NEWEST = select(func.max(cases.c.registered_at))
_BEGUN_LAST = (
    select(cases)
    .where(cases.c.closed_at.is_(None), cases.c.started_at > bindparam("since"))
    .order_by(cases.c.started_at.desc(), cases.c.case_number.desc())
    .limit(bindparam("most", type_=Integer()))
)
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
        self._access = LedgerAccess(engine, lambda: unreachable(engine))

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

    def remember(self, keys_tick: int) -> None:
        """Note how far the key store has counted; it never goes back."""
        with self._access.write() as connection:
            connection.execute(_REMEMBER, {"tick": keys_tick})

    def hold(self, held: Held) -> None:
        """Let no number be given out from now on; who holds first says why."""
        with self._access.write() as connection:
            lineage_rows.hold(connection, held)

    def begin_generation(self, numbers: Mapping[str, int], *, by: str, now: datetime) -> Lineage:
        """Go on after a store was put back: no series gives out a number up to these again."""
        with self._access.write() as connection:
            before = lineage_rows.read(connection)
            rows = [{"name": name, "value": value} for name, value in sorted(numbers.items())]
            if rows:
                connection.execute(_MOVE.on(connection), rows)
            lineage_rows.begin_generation(connection, before.generation + 1, by, now)
            return lineage_rows.read(connection)

    def newest_registration(self) -> datetime | None:
        """Return when a case was registered last; None when none ever was."""
        with self._access.read() as connection:
            newest: datetime | None = connection.execute(_NEWEST).scalar_one()
        return newest

    def begun_last(self, since: datetime | None, limit: int) -> list[CaseRef]:
        """Return the open cases whose workflows were begun last, after a time if given, the newest first."""
        begun = {"since": since or _EVER, "most": limit}
        with self._access.read() as connection:
            rows = connection.execute(_BEGUN_LAST, begun).mappings().all()
        return [ledger_rows.case_ref(row) for row in rows]

    def births(self, numbers: Collection[str]) -> dict[str, str | None]:
        """Return the birth marks of those of these cases that the ledger holds."""
        wanted, found = sorted(numbers), dict[str, str | None]()
        with self._access.read() as connection:
            for at in range(0, len(wanted), _AT_ONCE):
                rows = connection.execute(_BIRTHS, {"numbers": wanted[at : at + _AT_ONCE]}).all()
                found |= {row.case_number: row.birth for row in rows}
        return found

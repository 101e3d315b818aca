"""Outages in SQL. Satisfies `gateways.ports.outages.Outages`."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, RowMapping, bindparam, case, or_, select, update

from gateways.ledger_access import LedgerAccess, Upsert, unavailable
from models.case import CaseHealth, Track
from models.outage import SYSTEM, Outage, System, parked_for
from models.standstill import MAY_BE_DOWN, SLOW
from models.tables import cases
from models.watch_tables import outages, probes

_IS_OPEN = outages.c.closed_at.is_(None)
_PRESENT = select(outages).where(_IS_OPEN).order_by(outages.c.id)
_SINCE = (
    select(outages)
    .where(or_(_IS_OPEN, outages.c.closed_at >= bindparam("time")))
    .order_by(outages.c.opened_at.desc(), outages.c.id.desc())
)
_OPEN = Upsert(outages, lambda insert: insert.on_conflict_do_nothing().returning(outages))
_END = (
    update(outages)
    .where(outages.c.system == bindparam("of_system"), _IS_OPEN)
    .values(until=bindparam("back"), closed_at=bindparam("at"), closed_by=bindparam("by"))
    .returning(outages)
)
_TAKE_TURN = Upsert(
    probes,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["system"],
        set_={"probed_at": insert.excluded.probed_at},
        where=probes.c.probed_at <= bindparam("before"),
    ).returning(probes.c.system),
)
_COUNT_PROBE = (
    update(outages)
    .where(outages.c.system == bindparam("of_system"), _IS_OPEN)
    .values(probes=outages.c.probes + 1)
)
_EMERGENCY_FIRST = (
    case((cases.c.track == Track.EMERGENCY, 0), else_=1),
    cases.c.due_at.asc().nulls_last(),
    cases.c.case_number,
)


class SqlOutages:
    """The outages in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unavailable)

    def present(self) -> list[Outage]:
        """Return the outages that are open."""
        with self._access.read() as connection:
            return [_outage(row) for row in connection.execute(_PRESENT).mappings()]

    def since(self, time: datetime) -> list[Outage]:
        """Return the outages that were open at this time or later, the newest first."""
        with self._access.read() as connection:
            return [_outage(row) for row in connection.execute(_SINCE, {"time": time}).mappings()]

    def open(
        self, system: System, by: str, *, since: datetime, note: str | None, now: datetime
    ) -> Outage | None:
        """Open an outage and return it; None when one of the system is open already."""
        row = {"system": system, "since": since, "opened_at": now, "opened_by": by, "note": note, "probes": 0}
        with self._access.write() as connection:
            opened = connection.execute(_OPEN.on(connection), row).mappings().one_or_none()
        return None if opened is None else _outage(opened)

    def end(self, system: System, by: str, *, until: datetime, now: datetime) -> Outage | None:
        """Close the open outage of a system and return it; None when there is none."""
        values = {"of_system": system, "back": until, "at": now, "by": by}
        with self._access.write() as connection:
            ended = connection.execute(_END, values).mappings().one_or_none()
        return None if ended is None else _outage(ended)

    def may_probe(self, system: System, now: datetime, every: timedelta) -> bool:
        """Take the turn to probe a system; False when somebody did in this interval. Counts on an outage."""
        turn = {"system": system, "probed_at": now, "before": now - every}
        with self._access.write() as connection:
            is_mine = connection.execute(_TAKE_TURN.on(connection), turn).one_or_none() is not None
            if is_mine:
                connection.execute(_COUNT_PROBE, {"of_system": system})
        return is_mine

    def to_park(self, system: System) -> list[str]:
        """Return the open cases that wait at a step that needs the system, and for nothing else.

        That one is stuck because it was asked in vain may be the system's fault.
        """
        steps = [step for step, needed in SYSTEM.items() if needed is system]
        query = select(cases.c.case_number).where(
            cases.c.closed_at.is_(None),
            cases.c.started_at.is_not(None),
            or_(cases.c.health == CaseHealth.OK, cases.c.trouble.in_((*SLOW, *MAY_BE_DOWN))),
            cases.c.step.in_(steps),
        )
        with self._access.read() as connection:
            return list(connection.execute(query.order_by(cases.c.case_number)).scalars())

    def to_release(self, system: System) -> list[str]:
        """Return the cases that are parked for the system: emergencies first, then by due time."""
        query = (
            select(cases.c.case_number)
            .where(
                cases.c.closed_at.is_(None),
                cases.c.health == CaseHealth.PARKED,
                cases.c.trouble == parked_for(system),
            )
            .order_by(*_EMERGENCY_FIRST)
        )
        with self._access.read() as connection:
            return list(connection.execute(query).scalars())


def _outage(row: RowMapping) -> Outage:
    return Outage(**{**row, "system": System(row["system"])})

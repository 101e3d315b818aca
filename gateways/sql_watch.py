"""What a watching process asks of the ledger, in SQL. Satisfies `gateways.ports.watch.Watch`."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Engine,
    RowMapping,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    union,
)

from gateways import climb_rows, ledger_rows
from gateways.climb_rows import IS_STRANDED
from gateways.ledger_access import LedgerAccess, Upsert, unavailable
from gateways.ports.watch import Heartbeat, Kept
from models.alert_tables import alert_deliveries, alerts
from models.audit_tables import audit_pending
from models.case import CaseState, SlaState
from models.desk_tables import commands
from models.messages import AlertKind, EventKind
from models.outbox import AlertState, DeliveryState, Silence
from models.tables import case_events, cases
from models.watch_tables import heartbeats

_AT_ONCE: Final = 1000
"""How many case numbers one statement takes."""

_IS_OPEN = cases.c.closed_at.is_(None)
_NUMBERS = bindparam("numbers", type_=String(), expanding=True)
_BEFORE: BindParameter[datetime] = bindparam("before")

_OPEN = select(cases.c.case_number, cases.c.birth).where(
    _IS_OPEN,
    or_(
        cases.c.started_at <= bindparam("started_before"),
        and_(cases.c.started_at.is_(None), cases.c.registered_at <= bindparam("registered_before")),
    ),
)
_UNTOLD = select(cases.c.case_number).where(
    _IS_OPEN,
    cases.c.due_at <= _BEFORE,
    ~exists().where(
        alerts.c.case_number == cases.c.case_number,
        alerts.c.kind == AlertKind.SLA_BREACH,
        alerts.c.state != AlertState.CLOSED,
        or_(
            alerts.c.raised_at >= cases.c.due_at,
            and_(cases.c.sla_state == SlaState.BREACHED, alerts.c.raised_at >= cases.c.detected_at),
        ),
    ),
)
_STALLED = union(
    select(cases.c.case_number).where(_IS_OPEN, cases.c.last_seq == 1, cases.c.started_at <= _BEFORE),
    select(commands.c.case_number)
    .join(cases)
    .where(_IS_OPEN, commands.c.result.is_(None), commands.c.given_at <= _BEFORE),
)
_STATES = select(cases).where(cases.c.case_number.in_(_NUMBERS), _IS_OPEN)
_KEPT = (
    select(
        cases.c.case_number,
        cases.c.birth,
        cases.c.closed_at,
        func.max(case_events.c.recorded_at).label("recorded_at"),
    )
    .outerjoin(
        case_events,
        and_(case_events.c.case_number == cases.c.case_number, case_events.c.kind == EventKind.CASE_CLOSED),
    )
    .where(cases.c.case_number.in_(_NUMBERS))
    .group_by(cases.c.case_number, cases.c.birth, cases.c.closed_at)
)

_IS_PENDING = alert_deliveries.c.state == DeliveryState.PENDING
_OF_ALERT = alert_deliveries.c.alert_key == alerts.c.key
_IN_VAIN = and_(alerts.c.raised_at <= _BEFORE, alerts.c.kind != AlertKind.ALERTS_UNSENT)
_WAITING = (  # one that a storm put off for a digest has a time to come and no attempt behind it
    select(alerts.c.key, alerts.c.city)
    .join(alert_deliveries, _OF_ALERT)
    .where(
        _IS_PENDING,
        alert_deliveries.c.number == 0,
        or_(alert_deliveries.c.attempts > 0, alert_deliveries.c.next_at <= _BEFORE),
        _IN_VAIN,
    )
)
_UNHEARD = select(alerts.c.key, alerts.c.city).where(IS_STRANDED, _IN_VAIN)
_stuck = union(_WAITING, _UNHEARD).subquery()
_UNSENT = select(_stuck.c.city, func.count().label("stuck")).group_by(_stuck.c.city)

_OPEN_ALERTS = select(alerts.c.key, alerts.c.raised_at).where(
    alerts.c.state.in_([AlertState.OPEN, AlertState.ACKNOWLEDGED]), alerts.c.kind == bindparam("kind")
)
_UNACKNOWLEDGED = (
    select(func.count())
    .select_from(alerts)
    .where(alerts.c.state == AlertState.OPEN, alerts.c.raised_at <= _BEFORE)
)
_UNSEALED = select(func.count()).select_from(audit_pending).where(audit_pending.c.at <= _BEFORE)
_PENDING = (
    select(func.count())
    .select_from(alert_deliveries)
    .where(_IS_PENDING, or_(alert_deliveries.c.number == 0, alert_deliveries.c.next_at <= _BEFORE))
)
_BEAT = Upsert(
    heartbeats,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"beat_at": insert.excluded.beat_at, "every_seconds": insert.excluded.every_seconds},
    ),
)
_HEARTBEAT = select(heartbeats).where(heartbeats.c.name == bindparam("of_name", type_=String()))


class SqlWatch:
    """The ledger in SQLite or PostgreSQL, as it is watched. Thread-safe; every call is one transaction.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unavailable)

    def open_cases(self, started_before: datetime, registered_before: datetime) -> dict[str, str | None]:
        """Return the open cases that were started before one time, or registered before another.

        Each with its birth mark.
        """
        times = {"started_before": started_before, "registered_before": registered_before}
        with self._access.read() as connection:
            return dict(map(tuple, connection.execute(_OPEN, times).all()))

    def untold(self, due_before: datetime) -> set[str]:
        """Return the open cases that were due before a time, and whose breach nobody was alerted of.

        An alert of an earlier due time does not count: the case was given more time since. It does when what
        it was given was too little: then the case is breached as it was, since `detected_at`. Neither does
        one that was closed when the case ended, which a reset has opened again: nobody is reminded of it.
        """
        return self._numbers(_UNTOLD, {"before": due_before})

    def stalled(self, since: datetime) -> set[str]:
        """Return the open cases that told nothing since their start, or took no command since then."""
        return self._numbers(_STALLED, {"before": since})

    def states(self, numbers: Collection[str]) -> list[CaseState]:
        """Return the state of those of these cases that are open now."""
        return [ledger_rows.case_state(row) for row in self._rows_of(_STATES, numbers)]

    def kept(self, numbers: Collection[str]) -> dict[str, Kept]:
        """Return those of these cases that the ledger holds.

        After a reset an open case has an end of its first run among its events, which does not count.
        """
        return {
            row["case_number"]: Kept(
                row["birth"], row["closed_at"] and (row["recorded_at"] or row["closed_at"])
            )
            for row in self._rows_of(_KEPT, numbers)
        }

    def unsealed(self, before: datetime) -> int:
        """Return how many rows were written before a time and are not in the audit chain."""
        return self._count(_UNSEALED, before)

    def unsent(self, before: datetime) -> dict[str, int]:
        """Return by city how many alerts were raised before a time and did not get out to somebody.

        One that the watchdog raised about that itself does not count.
        """
        with self._access.read() as connection:
            return {row.city: row.stuck for row in connection.execute(_UNSENT, {"before": before})}

    def silence(self, raised_before: datetime) -> Silence | None:
        """Return the alerts raised before a time of which no person has heard; None when there are none."""
        with self._access.read() as connection:
            return climb_rows.silence(connection, raised_before)

    def open_alerts(self, kind: AlertKind) -> dict[str, datetime]:
        """Return the keys of the alerts of a kind that are not closed, and when each was raised."""
        with self._access.read() as connection:
            return {row.key: row.raised_at for row in connection.execute(_OPEN_ALERTS, {"kind": kind})}

    def unacknowledged(self, raised_before: datetime) -> int:
        """Return how many alerts that were raised before a time nobody has taken charge of."""
        return self._count(_UNACKNOWLEDGED, raised_before)

    def pending(self, now: datetime) -> int:
        """Return how many messages are due by now, or never went out."""
        return self._count(_PENDING, now)

    def beat(self, name: str, at: datetime, every: timedelta) -> None:
        """Note that a watching process is at work."""
        row = {"name": name, "beat_at": at, "every_seconds": round(every.total_seconds())}
        with self._access.write() as connection:
            connection.execute(_BEAT.on(connection), row)

    def heartbeat(self, name: str) -> Heartbeat | None:
        """Return the last sign of a watching process; None when there was none ever."""
        with self._access.read() as connection:
            row = connection.execute(_HEARTBEAT, {"of_name": name}).one_or_none()
        return None if row is None else Heartbeat(row.beat_at, timedelta(seconds=row.every_seconds))

    def _numbers(
        self, statement: Select[str] | CompoundSelect[str], times: Mapping[str, datetime]
    ) -> set[str]:
        with self._access.read() as connection:
            return set(connection.execute(statement, times).scalars())

    def _count(self, statement: Select[int], before: datetime) -> int:
        with self._access.read() as connection:
            return connection.execute(statement, {"before": before}).scalar_one()

    def _rows_of(self, statement: Select[Any], numbers: Collection[str]) -> Iterator[RowMapping]:
        """Return the rows of these cases, some cases at a time: a statement takes only so many values."""
        wanted = sorted(numbers)
        with self._access.read() as connection:
            for at in range(0, len(wanted), _AT_ONCE):
                some = {"numbers": wanted[at : at + _AT_ONCE]}
                yield from connection.execute(statement, some).mappings()

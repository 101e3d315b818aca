"""Rows of alerts and their deliveries, as the ledger, the outbox and the operators' book write them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, String, and_, bindparam, delete, or_, select, update

from gateways.audit_forms import announce
from gateways.ledger_access import Upsert, lock_case
from models.alert_tables import AlertRow, DeliveryRow, alert_deliveries, alerts
from models.case import CaseState, SlaState, Track
from models.messages import AlertKind
from models.outbox import Addressed, AlertState, DeliveryState

_ALERT = Upsert(alerts, lambda insert: insert.on_conflict_do_nothing().returning(alerts.c.key))
_DELIVERIES = Upsert(alert_deliveries, lambda insert: insert.on_conflict_do_nothing())
_CLOSE = (
    update(alerts)
    .where(
        alerts.c.case_number == bindparam("of_case", type_=String()),
        alerts.c.state != AlertState.CLOSED,
    )
    .values(state=AlertState.CLOSED, closed_at=bindparam("at"))
)
_PLANNED_REPEATS = delete(alert_deliveries).where(
    alert_deliveries.c.number > 0, alert_deliveries.c.state == DeliveryState.PENDING
)
_DROP_REPEATS = _PLANNED_REPEATS.where(
    alert_deliveries.c.alert_key.in_(
        select(alerts.c.key).where(
            alerts.c.case_number == bindparam("of_case", type_=String()), alerts.c.state != AlertState.OPEN
        )
    ),
)
_SETTLE = (
    update(alerts)
    .where(
        alerts.c.case_number == bindparam("of_case", type_=String()),
        alerts.c.state != AlertState.CLOSED,
        or_(
            alerts.c.kind.in_(bindparam("kinds", expanding=True)),
            and_(alerts.c.kind == AlertKind.STEP_OVERDUE, alerts.c.step != bindparam("of_step")),
        ),
    )
    .values(state=AlertState.CLOSED, closed_at=bindparam("at"))
)
_CLOSE_ONE = (
    update(alerts)
    .where(alerts.c.key == bindparam("of_key", type_=String()), alerts.c.state != AlertState.CLOSED)
    .values(state=AlertState.CLOSED, closed_at=bindparam("at"), climb_at=None)
)


def keep(connection: Connection, told: Addressed, now: datetime) -> bool:
    """Write an alert and a message to each recipient; False when the alert was there. Raises NotFound.

    An alert that comes after its case was closed is told once and not repeated; likewise mere news.
    """
    alert = told.alert
    due_at = min(now, alert.raised_at)  # this machine's clock may be ahead, and be set right before that time
    closed_at, track = now if alert.is_news else None, None
    if alert.case_number is not None:
        case = lock_case(connection, alert.case_number)
        closed_at, track = case["closed_at"], Track(case["track"])
    row = AlertRow(
        **alert.model_dump(exclude={"levels"}),
        levels=list(alert.levels),
        state=AlertState.OPEN if closed_at is None else AlertState.CLOSED,
        closed_at=closed_at,
        climb_at=due_at + (told.urgent_wait if alert.is_urgent(track) else told.wait),
    )
    if connection.execute(_ALERT.on(connection), row.model_dump()).one_or_none() is None:
        return False
    announce(connection, "alerts", [(alert.key,)], now)
    plan(connection, [(alert.key, recipient, 0, due_at) for recipient in told.recipients])
    return True


def plan(connection: Connection, messages: Sequence[tuple[str, str, int, datetime]], climb: int = 0) -> None:
    """Write messages that are to be sent: alert, recipient, number, when. One that is there stays."""
    rows = [
        DeliveryRow(
            alert_key=key,
            recipient=recipient,
            number=number,
            state=DeliveryState.PENDING,
            attempts=0,
            next_at=next_at,
            leased_until=None,
            sent_at=None,
            trouble=None,
            climb=climb,
        ).model_dump(exclude={"id"})
        for key, recipient, number, next_at in messages
    ]
    if rows:
        connection.execute(_DELIVERIES.on(connection), rows)


def close(connection: Connection, case_number: str, at: datetime) -> None:
    """Close the alerts of a case that is over: none is repeated. A first message still goes out."""
    if connection.execute(_CLOSE, {"of_case": case_number, "at": at}).rowcount > 0:
        drop_repeats(connection, case_number)


def settle(connection: Connection, state: CaseState, at: datetime) -> None:
    """Close the alerts of a case that say what is not so any more: none is repeated.

    A first message still goes out, and says when it was raised.
    """
    number = state.case.case_number
    over = {"of_case": number, "at": at, "of_step": state.step, "kinds": list(_over(state))}
    if connection.execute(_SETTLE, over).rowcount > 0:
        drop_repeats(connection, number)


def _over(state: CaseState) -> Iterator[AlertKind]:
    """Yield the kinds of alerts that are untrue of a case in this state, and are told anew under another key.

    That a case is stuck is told once a step: when it is so again, the same alert is repeated.
    """
    if state.sla_state is not SlaState.BREACHED:
        yield AlertKind.SLA_BREACH
    if state.sla_state in {SlaState.ON_TRACK, SlaState.BREACHED}:
        yield AlertKind.SLA_WARNING


def close_one(connection: Connection, key: str, at: datetime) -> None:
    """Close an alert whose cause is gone; likewise. It climbs no more; that of a late case goes on to."""
    connection.execute(_CLOSE_ONE, {"of_key": key, "at": at})
    drop_repeats_of(connection, key)


def drop_repeats_of(connection: Connection, key: str) -> None:
    """Take back the repeats that were planned for one alert."""
    connection.execute(_PLANNED_REPEATS.where(alert_deliveries.c.alert_key == key))


def drop_repeats(connection: Connection, case_number: str) -> None:
    """Take back the repeats that were planned for alerts that are no longer open."""
    connection.execute(_DROP_REPEATS, {"of_case": case_number})

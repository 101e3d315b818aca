"""Alerts of which no person has heard, in the ledger: which must climb, and what becomes of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlalchemy import (
    Connection,
    RowMapping,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from gateways import ledger_rows
from gateways.outbox_rows import plan
from models.alert_tables import alert_deliveries, alerts
from models.case import Track
from models.ladder import UNDELIVERED_AT_MOST
from models.messages import Alert
from models.outbox import WEBHOOK, Climb, DeliveryState, Silence, Unheard
from models.tables import cases

_HEARD: Final = (DeliveryState.SENT, DeliveryState.IN_DIGEST)
_IS_FIRST: Final = and_(
    alert_deliveries.c.alert_key == alerts.c.key,
    alert_deliveries.c.number == 0,
    alert_deliveries.c.recipient != WEBHOOK,
)
_IS_UNTRIED: Final = and_(
    _IS_FIRST, alert_deliveries.c.state == DeliveryState.PENDING, alert_deliveries.c.attempts == 0
)
_DUE: Final = (  # a clock that was hours ahead when it said so is not believed
    select(*(alerts.c[name] for name in Alert.model_fields), cases.c.track)
    .outerjoin(cases, cases.c.case_number == alerts.c.case_number)
    .where(
        or_(alerts.c.climb_at <= bindparam("now"), alerts.c.climb_at > bindparam("ahead")),
        ~exists().where(_IS_UNTRIED),
    )
    .order_by(alerts.c.climb_at)
    .limit(bindparam("limit"))
)
_TOLD: Final = (
    select(
        alert_deliveries.c.alert_key,
        alert_deliveries.c.recipient,
        alert_deliveries.c.state,
        alert_deliveries.c.climb,
    )
    .where(
        alert_deliveries.c.alert_key.in_(bindparam("keys", expanding=True)),
        alert_deliveries.c.number == 0,
        alert_deliveries.c.recipient != WEBHOOK,
    )
    .order_by(alert_deliveries.c.alert_key)
)
_IS_UNHEARD: Final = and_(alerts.c.climb_at.is_not(None), alerts.c.raised_at <= bindparam("before"))
"""Whether no person has heard of an alert that was raised before a time."""
IS_STRANDED: Final = and_(
    _IS_UNHEARD, ~exists().where(_IS_UNTRIED, alert_deliveries.c.next_at > bindparam("before"))
)
"""Whether it does not wait for a digest either: what a storm put off has a time to come and no attempt."""
_SILENCE: Final = select(func.count().label("unheard"), func.min(alerts.c.raised_at).label("since")).where(
    _IS_UNHEARD
)


_beside = alert_deliveries.alias("beside")
_SPARE: Final = (
    delete(alert_deliveries)
    .where(
        alert_deliveries.c.id.in_(bindparam("ids", expanding=True)),
        alert_deliveries.c.climb > 0,
        alert_deliveries.c.state == DeliveryState.PENDING,
        alert_deliveries.c.alert_key.in_(select(alerts.c.key).where(alerts.c.climb_at.is_(None))),
        ~exists().where(
            _beside.c.alert_key == alert_deliveries.c.alert_key,
            _beside.c.climb == alert_deliveries.c.climb,
            _beside.c.state.in_(_HEARD),
        ),
    )
    .returning(alert_deliveries.c.id)
)


def unheard(connection: Connection, now: datetime, limit: int) -> list[Unheard]:
    """Return alerts that no person has heard of and that are to be looked at by now, the longest due first.

    Not before each message was tried.
    """
    when = {"now": now, "ahead": now + UNDELIVERED_AT_MOST, "limit": limit}
    rows = connection.execute(_DUE, when).mappings().all()
    told = connection.execute(_TOLD, {"keys": [row["key"] for row in rows]}).mappings() if rows else ()
    by_key = {key: list(some) for key, some in groupby(told, lambda one: str(one["alert_key"]))}
    return [_unheard(ledger_rows.alert(row), row["track"], by_key.get(row["key"], [])) for row in rows]


def climb(connection: Connection, climbs: Sequence[Climb], now: datetime) -> list[str]:
    """Note when alerts are looked at again, and address them to others; return the keys of these.

    Of several who would do so at once, one does. Nothing is done about one that was heard meanwhile.
    """
    climbed: list[str] = []
    for one, some in groupby(sorted(climbs, key=_what), _what):
        look_at, number, recipients, is_retried = one
        is_due = or_(alerts.c.climb_at <= now, alerts.c.climb_at > now + UNDELIVERED_AT_MOST)
        mine = and_(alerts.c.key.in_([climb.key for climb in some]), is_due)
        move = update(alerts).where(mine).values(climb_at=look_at).returning(alerts.c.key)
        moved = connection.execute(move).scalars().all()
        if recipients:
            plan(connection, [(key, who, 0, now) for key in moved for who in recipients], number)
            climbed += moved
        if is_retried:
            again = {"state": DeliveryState.PENDING, "next_at": look_at}
            connection.execute(_refused(moved).values(again))
    return climbed


def _what(climb: Climb) -> tuple[datetime, int, tuple[str, ...], bool]:
    """Return what is done, apart from about which alert."""
    return climb.look_at, climb.number, climb.recipients, climb.is_retried


def heard(connection: Connection, keys: Collection[str]) -> None:
    """Note that a person has heard of alerts: they climb no more."""
    if keys:
        is_climbing = and_(alerts.c.key.in_(keys), alerts.c.climb_at.is_not(None))
        connection.execute(update(alerts).where(is_climbing).values(climb_at=None))


def given_up(connection: Connection, refused: Collection[tuple[str, int]], now: datetime) -> None:
    """Have alerts looked at now whose newest messages were all refused: waiting does not help.

    `refused` are alerts, and at which climb of theirs a message was.
    """
    for at in {at for _, at in refused}:
        keys = {key for key, its in refused if its == at}
        is_tried = exists().where(
            _IS_FIRST, alert_deliveries.c.state == DeliveryState.PENDING, alert_deliveries.c.climb >= at
        )
        is_climbing = and_(alerts.c.key.in_(keys), alerts.c.climb_at > now)
        connection.execute(update(alerts).where(is_climbing, ~is_tried).values(climb_at=now))


def spare(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Take back those of these messages whose recipients were to hear in place of others; return their ids.

    That is, when a person has heard of the alert meanwhile, or nobody needs to any more. Who is told together
    with one that has heard is told all the same.
    """
    return set(connection.execute(_SPARE, {"ids": list(ids)}).scalars())


def silence(connection: Connection, before: datetime) -> Silence | None:
    """Return the alerts raised before a time of which no person has heard; None when there are none."""
    row = connection.execute(_SILENCE, {"before": before}).one()
    return None if row.unheard == 0 else Silence(row.unheard, row.since)


def _refused(keys: Sequence[str]) -> Update:
    return update(alert_deliveries).where(
        alert_deliveries.c.alert_key.in_(keys),
        alert_deliveries.c.number == 0,
        alert_deliveries.c.recipient != WEBHOOK,
        alert_deliveries.c.state == DeliveryState.GAVE_UP,
    )


def _unheard(alert: Alert, track: str | None, told: Sequence[RowMapping]) -> Unheard:
    return Unheard(
        alert=alert,
        told=frozenset(one["recipient"] for one in told),
        climbs=max((one["climb"] for one in told), default=0),
        is_urgent=alert.is_urgent(None if track is None else Track(track)),
    )

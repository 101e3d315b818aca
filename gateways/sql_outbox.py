"""Alerts on their way to people, in SQL. Satisfies `gateways.ports.alerts.Outbox`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Update,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
    update,
)

from gateways import climb_rows, ledger_rows, outbox_rows
from gateways.ledger_access import LedgerAccess, unavailable, utc_now
from models.alert_tables import alert_deliveries, alerts
from models.case import CaseHealth, Track
from models.messages import Alert, AlertKind
from models.outbox import (
    WEBHOOK,
    Addressed,
    AlertState,
    Climb,
    Delivery,
    DeliveryState,
    Sent,
    Told,
    Unheard,
    Way,
)
from models.tables import cases

_OF_ALERT = alert_deliveries.c.alert_key == alerts.c.key
_MESSAGES = (
    select(
        alert_deliveries.c.id,
        alert_deliveries.c.recipient,
        alert_deliveries.c.number,
        alert_deliveries.c.attempts,
        alert_deliveries.c.climb,
        alerts.c.climb_at,
        cases.c.track,
        cases.c.health,
        cases.c.due_at.label("present_due_at"),
        *(alerts.c[name] for name in Alert.model_fields),
    )
    .join(alerts, _OF_ALERT)
    .outerjoin(cases, cases.c.case_number == alerts.c.case_number)
    .order_by(alert_deliveries.c.id)
)
_leased_until = alert_deliveries.c.leased_until
_IS_DUE = and_(
    alert_deliveries.c.state == DeliveryState.PENDING,
    alert_deliveries.c.next_at <= bindparam("now"),
    or_(_leased_until.is_(None), _leased_until <= bindparam("now"), _leased_until > bindparam("ahead")),
)
_BY_WAY: Mapping[Way | None, ColumnElement[bool]] = {
    None: true(),
    Way.PEOPLE: alert_deliveries.c.recipient != WEBHOOK,
    Way.WEBHOOK: alert_deliveries.c.recipient == WEBHOOK,
}
_DUE = {
    way: select(alert_deliveries.c.id)
    .join(alerts, _OF_ALERT)
    .where(_IS_DUE, or_(alert_deliveries.c.number == 0, alerts.c.state == AlertState.OPEN), goes_so)
    .order_by(alert_deliveries.c.attempts > 0, alert_deliveries.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=alert_deliveries)
    for way, goes_so in _BY_WAY.items()
}
_IN_DIGEST_AT = case((alert_deliveries.c.state == DeliveryState.IN_DIGEST, alert_deliveries.c.sent_at))
_ABOUT = func.coalesce(alerts.c.case_number, alerts.c.key)
_TOLD = (
    select(_ABOUT.label("about"), func.max(_IN_DIGEST_AT).label("last_digest_at"))
    .select_from(alert_deliveries)
    .join(alerts, _OF_ALERT)
    .where(
        alert_deliveries.c.recipient == bindparam("recipient"),
        alert_deliveries.c.sent_at > bindparam("since"),
        alerts.c.kind == bindparam("kind"),
    )
    .group_by(_ABOUT)
)


class SqlOutbox:
    """The outbox in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `clock` tells from when on a message may be sent."""
        self._access = LedgerAccess(engine, unavailable)
        self._clock = clock

    def put(self, told: Sequence[Addressed]) -> list[Alert]:
        """Keep alerts and a message to each recipient, all or nothing; return the alerts that were new.

        An alert whose key is there already stays as it is, its messages too. Raises NotFound.
        """
        with self._access.write() as connection:
            return [one.alert for one in told if outbox_rows.keep(connection, one, self._clock())]

    def lease(
        self, now: datetime, until: datetime, limit: int = 1000, *, way: Way | None = None
    ) -> list[Delivery]:
        """Take messages that are due, so that no other worker has them before `until`.

        Those that were never tried come first, so that thousands to a dead address hold back no other, then
        the oldest. With `way` only those that go by it. A repeat is due only while its alert is open. Who
        took messages while his clock was far ahead has them no longer once it is right again.
        """
        when = {"now": now, "ahead": until + (until - now)}
        with self._access.write() as connection:
            ids = connection.execute(_DUE[way], {**when, "limit": limit}).scalars().all()
            if not ids:
                return []
            mine = alert_deliveries.c.id.in_(ids)
            take = update(alert_deliveries).where(mine, _IS_DUE).values(leased_until=until)
            connection.execute(take, when)
            rows = connection.execute(_MESSAGES.where(mine)).mappings().all()
        return [_delivery(row) for row in rows]

    def told(self, recipient: str, kind: AlertKind, since: datetime) -> Told:
        """Return what a recipient heard of one kind since a time."""
        asked = {"recipient": recipient, "kind": kind, "since": since}
        with self._access.read() as connection:
            rows = connection.execute(_TOLD, asked).all()
        digests = [row.last_digest_at for row in rows if row.last_digest_at is not None]
        return Told(frozenset(row.about for row in rows), max(digests, default=None))

    def sent(self, done: Sequence[Sent], at: datetime, *, in_digest: bool = False) -> None:
        """Note that messages arrived, and plan the repeats of those whose alert is still open.

        An alert that a person has heard of climbs no more.
        """
        repeat_at = {one.delivery_id: one.repeat_at for one in done}
        mark = (
            update(alert_deliveries)
            .where(alert_deliveries.c.id.in_(repeat_at), alert_deliveries.c.state == DeliveryState.PENDING)
            .values(
                state=DeliveryState.IN_DIGEST if in_digest else DeliveryState.SENT,
                sent_at=at,
                leased_until=None,
                trouble=None,
            )
            .returning(
                alert_deliveries.c.id,
                alert_deliveries.c.alert_key,
                alert_deliveries.c.recipient,
                alert_deliveries.c.number,
            )
        )
        with self._access.write() as connection:
            marked = connection.execute(mark).all()
            climb_rows.heard(connection, {row.alert_key for row in marked if row.recipient != WEBHOOK})
            are_open = _open_ones(connection, {row.alert_key for row in marked})
            outbox_rows.plan(
                connection,
                [
                    (row.alert_key, row.recipient, row.number + 1, next_at)
                    for row in marked
                    if row.alert_key in are_open and (next_at := repeat_at[row.id]) is not None
                ],
            )

    def postpone(self, ids: Sequence[int], until: datetime, trouble: str | None = None) -> None:
        """Give messages back, to be sent later; with a `trouble`, in fixed words, an attempt was in vain."""
        values: dict[str, object] = {"next_at": until, "leased_until": None}
        if trouble is not None:
            values |= {"trouble": trouble, "attempts": alert_deliveries.c.attempts + 1}
        with self._access.write() as connection:
            connection.execute(_pending(ids).values(values))

    def close(self, key: str, at: datetime) -> None:
        """Close an alert whose cause is gone: nobody is told again. A first message still goes out."""
        with self._access.write() as connection:
            outbox_rows.close_one(connection, key, at)

    def give_up(self, ids: Sequence[int], trouble: str, notices: Sequence[Addressed]) -> None:
        """Note that messages can never arrive, and keep the alerts that tell somebody else of it."""
        values = {
            "state": DeliveryState.GAVE_UP,
            "trouble": trouble,
            "leased_until": None,
            "attempts": alert_deliveries.c.attempts + 1,
        }
        now = self._clock()
        with self._access.write() as connection:
            marked = (
                _pending(ids).values(values).returning(alert_deliveries.c.alert_key, alert_deliveries.c.climb)
            )
            refused = {(row.alert_key, row.climb) for row in connection.execute(marked)}
            climb_rows.given_up(connection, refused, now)
            for notice in notices:
                outbox_rows.keep(connection, notice, now)

    def unheard(self, now: datetime, limit: int = 1000) -> list[Unheard]:
        """Return alerts of which no person has heard and that are to be looked at, the longest due first."""
        with self._access.read() as connection:
            return climb_rows.unheard(connection, now, limit)

    def climb(self, climbs: Sequence[Climb], now: datetime) -> list[str]:
        """Address alerts to others in place of those before; return the keys of those that climbed.

        Of several who do so at once, one does; one that was heard meanwhile stays where it is.
        """
        with self._access.write() as connection:
            return climb_rows.climb(connection, climbs, now)

    def spare(self, ids: Sequence[int]) -> set[int]:
        """Take back those of these messages that a climb planned and nobody needs; return their ids."""
        with self._access.write() as connection:
            return climb_rows.spare(connection, ids)


def _pending(ids: Sequence[int]) -> Update:
    return update(alert_deliveries).where(
        alert_deliveries.c.id.in_(ids), alert_deliveries.c.state == DeliveryState.PENDING
    )


def _open_ones(connection: Connection, keys: set[str]) -> set[str]:
    query = select(alerts.c.key).where(alerts.c.key.in_(keys), alerts.c.state == AlertState.OPEN)
    return set(connection.execute(query).scalars())


def _delivery(row: RowMapping) -> Delivery:
    alert = ledger_rows.alert(row)
    return Delivery(
        id=row["id"],
        alert=alert,
        recipient=row["recipient"],
        number=row["number"],
        attempts=row["attempts"],
        climb=row["climb"],
        is_unheard=row["climb_at"] is not None,
        is_moot=row["number"] > 0
        and alert.kind is AlertKind.CASE_STUCK
        and row["health"] != CaseHealth.STUCK,
        due_at=row["present_due_at"],
        is_urgent=alert.is_urgent(None if row["track"] is None else Track(row["track"])),
    )

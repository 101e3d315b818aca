"""Alerts as operators see them, in SQL. Satisfies `gateways.ports.alerts.AlertBook`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, RowMapping, select, update

from gateways import climb_rows, ledger_rows, outbox_rows
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, lock_case, unreachable
from gateways.paging import cut, page
from models.alert_tables import alert_deliveries, alerts
from models.errors import NotFound
from models.messages import Alert
from models.outbox import AlertEntry, AlertState, DeliveryEntry, DeliveryState, Silence
from models.page import Page

_DELIVERIES = (
    select(alert_deliveries)
    .join(alerts, alerts.c.key == alert_deliveries.c.alert_key)
    .order_by(alert_deliveries.c.id)
)
_SEE_LIST = "see `starter.py alerts list`"


class SqlAlertBook:
    """The alerts in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    def entries(
        self,
        *,
        city: str | None = None,
        case_number: str | None = None,
        state: AlertState | None = None,
        open_since: datetime | None = None,
        limit: int = 200,
    ) -> Page[AlertEntry]:
        """Return alerts, the newest first; with `open_since` those open and raised at that time or before."""
        query = select(alerts).order_by(alerts.c.raised_at.desc(), alerts.c.key)
        if city is not None:
            query = query.where(alerts.c.city == city)
        if case_number is not None:
            query = query.where(alerts.c.case_number == case_number)
        if state is not None:
            query = query.where(alerts.c.state == state)
        if open_since is not None:
            query = query.where(alerts.c.state == AlertState.OPEN, alerts.c.raised_at <= open_since)
        with self._access.read() as connection:
            return page(connection.execute(cut(query, limit)).mappings().all(), _entry)

    def acknowledge(self, case_number: str, key: str | None, by: str, at: datetime) -> list[Alert]:
        """Note that somebody takes care of a case's open alerts, or of the one with this key.

        Return the alerts that were open; their repeats end. Raises NotFound for an unknown case or key.
        """
        wanted = [alerts.c.case_number == case_number]
        if key is not None:
            wanted.append(alerts.c.key == key)
        take = (
            update(alerts)
            .where(*wanted, alerts.c.state == AlertState.OPEN)
            .values(_taken(by, at))
            .returning(alerts)
        )
        with self._access.write() as connection:
            lock_case(connection, case_number)
            if key is not None and connection.execute(select(alerts.c.key).where(*wanted)).first() is None:
                raise NotFound(f"{case_number} has no such alert ({_SEE_LIST})")
            taken: Sequence[RowMapping] = connection.execute(take).mappings().all()
            announce(connection, "alert_acks", [(row["key"],) for row in taken], at)
            outbox_rows.drop_repeats(connection, case_number)
        return [ledger_rows.alert(row) for row in taken]

    def of_key(self, key: str) -> Alert:
        """Return the alert with this key. Raises NotFound."""
        return self._one(alerts.c.key == key)

    def of_city(self, key: str) -> Alert:
        """Return an alert that is about a city and not about a case. Raises NotFound."""
        return self._one(alerts.c.key == key, alerts.c.case_number.is_(None))

    def _one(self, *is_it: ColumnElement[bool]) -> Alert:
        with self._access.read() as connection:
            row = connection.execute(select(alerts).where(*is_it)).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no such alert ({_SEE_LIST})")
        return ledger_rows.alert(row)

    def acknowledge_of_city(self, key: str, by: str, at: datetime) -> list[Alert]:
        """Note that somebody takes care of an alert about a city; return it if it was open."""
        take = (
            update(alerts)
            .where(alerts.c.key == key, alerts.c.state == AlertState.OPEN)
            .values(_taken(by, at))
            .returning(alerts)
        )
        with self._access.write() as connection:
            taken = connection.execute(take).mappings().all()
            announce(connection, "alert_acks", [(row["key"],) for row in taken], at)
            outbox_rows.drop_repeats_of(connection, key)
        return [ledger_rows.alert(row) for row in taken]

    def deliveries(self, case_number: str) -> list[DeliveryEntry]:
        """Return every message about a case, in the order in which they were planned. Raises NotFound."""
        with self._access.write() as connection:
            lock_case(connection, case_number)
            query = _DELIVERIES.where(alerts.c.case_number == case_number)
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def deliveries_of(self, key: str) -> list[DeliveryEntry]:
        """Return every message of one alert, in the order in which they were planned."""
        with self._access.read() as connection:
            rows = connection.execute(_DELIVERIES.where(alerts.c.key == key)).mappings()
            return [_delivery(row) for row in rows]

    def silence(self, raised_before: datetime) -> Silence | None:
        """Return the alerts raised before a time of which no person has heard; None when there are none."""
        with self._access.read() as connection:
            return climb_rows.silence(connection, raised_before)


def _taken(by: str, at: datetime) -> dict[str, object]:
    """Return what changes when somebody takes charge of an alert; it climbs no more."""
    return {
        "state": AlertState.ACKNOWLEDGED,
        "acknowledged_at": at,
        "acknowledged_by": by,
        "climb_at": None,
    }


def _entry(row: RowMapping) -> AlertEntry:
    return AlertEntry(
        alert=ledger_rows.alert(row),
        state=AlertState(row["state"]),
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        closed_at=row["closed_at"],
    )


def _delivery(row: RowMapping) -> DeliveryEntry:
    return DeliveryEntry(
        alert_key=row["alert_key"],
        recipient=row["recipient"],
        number=row["number"],
        climb=row["climb"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        sent_at=row["sent_at"],
        trouble=row["trouble"],
    )

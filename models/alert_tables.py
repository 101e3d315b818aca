"""Tables of alerts and of the messages that bring them to people."""

from datetime import datetime

from sqlalchemy import JSON, Index, Table, UniqueConstraint, text
from sqlmodel import AutoString, Field

from models.case import Step
from models.messages import AlertKind
from models.outbox import AlertState, DeliveryState
from models.tables import LedgerTable

_PENDING = text("state = 'pending'")
_UNHEARD = text("climb_at IS NOT NULL")


class AlertRow(LedgerTable, table=True):
    """An alert that was raised; columns as in `models.messages.Alert`, and what people made of it."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_state_raised_at", "state", "raised_at"),
        Index("ix_alerts_climb_at", "climb_at", sqlite_where=_UNHEARD, postgresql_where=_UNHEARD),
    )

    key: str = Field(primary_key=True)
    city: str
    case_number: str | None = Field(foreign_key="cases.case_number", index=True)
    kind: AlertKind = Field(sa_type=AutoString)
    level: int
    step: Step | None = Field(sa_type=AutoString)
    kecamatan: str | None
    due_at: datetime | None
    raised_at: datetime
    detail: str | None
    words: str | None
    levels: list[int] = Field(sa_type=JSON)
    state: AlertState = Field(sa_type=AutoString)
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    closed_at: datetime | None = None
    climb_at: datetime | None = None
    """When it climbs because no person has heard of it; None when one has, or nobody needs to any more."""


class DeliveryRow(LedgerTable, table=True):
    """One message of an alert to one recipient, sent or still to be sent."""

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        UniqueConstraint("alert_key", "recipient", "number"),
        Index("ix_alert_deliveries_pending", "next_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_alert_deliveries_recipient_sent_at", "recipient", "sent_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    alert_key: str = Field(foreign_key="alerts.key")
    recipient: str
    """An officer's id, or `models.outbox.WEBHOOK`; never an address."""
    number: int
    """0 is the first message, 1 and more are repeats."""
    state: DeliveryState = Field(sa_type=AutoString)
    attempts: int
    next_at: datetime
    leased_until: datetime | None
    """Until when one worker has it in hand."""
    sent_at: datetime | None
    trouble: str | None
    climb: int = 0
    """0 when the alert is for the recipient; n when he is told at its n-th climb, in place of others."""


# The same tables, as SQLAlchemy Core statements want them.
_tables = LedgerTable.metadata.tables
alerts: Table = _tables["alerts"]
alert_deliveries: Table = _tables["alert_deliveries"]

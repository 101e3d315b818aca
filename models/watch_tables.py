"""Tables of what the engine watches itself by: outages, probes, heartbeats, clocks' calendars."""

from datetime import datetime

from sqlalchemy import Index, Table, text
from sqlmodel import AutoString, Field

from models.outage import System
from models.tables import LedgerTable

_PRESENT = text("closed_at IS NULL")


class OutageRow(LedgerTable, table=True):
    """A time in which an outside system cannot be worked; at most one is open for each system."""

    __tablename__ = "outages"
    __table_args__ = (
        Index("uq_outages_open", "system", unique=True, sqlite_where=_PRESENT, postgresql_where=_PRESENT),
    )

    id: int | None = Field(default=None, primary_key=True)
    system: System = Field(sa_type=AutoString)
    since: datetime
    """Since when the system has been down; may lie before it was opened."""
    opened_at: datetime
    opened_by: str
    """An officer's id, or `machine` when a probe failed."""
    note: str | None = None
    """An officer's words; they never leave the ledger."""
    until: datetime | None = None
    """When the system was back."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    probes: int = 0
    """How often the system was asked whether it is back, all in vain but the last."""


class ProbeRow(LedgerTable, table=True):
    """When a system was last asked whether it is there, by whichever worker it was."""

    __tablename__ = "probes"

    system: System = Field(primary_key=True, sa_type=AutoString)
    probed_at: datetime


class HeartbeatRow(LedgerTable, table=True):
    """When a watching process was last at work."""

    __tablename__ = "heartbeats"

    name: str = Field(primary_key=True)
    beat_at: datetime
    every_seconds: int
    """How often it means to be."""


class CalendarMarkRow(LedgerTable, table=True):
    """The calendar by which a city's clocks count, as a digest: another one makes them count anew."""

    __tablename__ = "calendar_marks"

    city: str = Field(primary_key=True)
    digest: str
    noted_at: datetime


_tables = LedgerTable.metadata.tables
outages: Table = _tables["outages"]
probes: Table = _tables["probes"]
heartbeats: Table = _tables["heartbeats"]
calendar_marks: Table = _tables["calendar_marks"]

"""Table of the events that outside systems pushed, taken or refused."""

from datetime import datetime

from sqlalchemy import Table
from sqlmodel import AutoString, Field

from models.events import EventResult
from models.tables import LedgerTable


class ReceivedEventRow(LedgerTable, table=True):
    """An event that came in at the door, and what became of it; never its body."""

    __tablename__ = "received_events"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    source: str | None
    """Who signed it; None when it was nobody that we know."""
    digest: str | None = Field(index=True)
    """SHA-256 over source and event id."""
    result: EventResult = Field(sa_type=AutoString)
    case_number: str | None = Field(foreign_key="cases.case_number")
    said: str | None
    """The answer as codes."""
    is_repeated: bool = False


received_events: Table = LedgerTable.metadata.tables["received_events"]

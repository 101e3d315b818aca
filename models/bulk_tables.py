"""Tables of bulk operations: what was ordered, and what became of each case."""

from datetime import datetime

from sqlalchemy import JSON, Index, Table, text
from sqlmodel import AutoString, Field

from models.bulk import ItemResult, Operation
from models.tables import LedgerTable

_LEFT = text("result IS NULL")


class BulkRow(LedgerTable, table=True):
    """An order for many cases."""

    __tablename__ = "bulk_operations"

    id: str = Field(primary_key=True)
    operation: Operation = Field(sa_type=AutoString)
    where: str
    """The list filter as it was typed."""
    actor: str
    given_at: datetime
    reason: str
    """An officer's words; they never leave the ledger."""
    to: str | None = None
    by_seconds: int | None = None


class BulkItemRow(LedgerTable, table=True):
    """One case of an order."""

    __tablename__ = "bulk_items"
    __table_args__ = (
        Index("ix_bulk_items_left", "bulk_id", "number", sqlite_where=_LEFT, postgresql_where=_LEFT),
    )

    bulk_id: str = Field(primary_key=True, foreign_key="bulk_operations.id")
    number: int = Field(primary_key=True)
    """Its turn, from 1."""
    case_number: str = Field(foreign_key="cases.case_number", index=True)
    seen: dict[str, str | int | None] = Field(sa_type=JSON)
    """What the filter saw of it when it was chosen."""
    result: ItemResult | None = Field(default=None, sa_type=AutoString)
    detail: str | None = None
    at: datetime | None = None


_tables = LedgerTable.metadata.tables
bulk_operations: Table = _tables["bulk_operations"]
bulk_items: Table = _tables["bulk_items"]

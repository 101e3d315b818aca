"""Tables of the audit: who saw what, which rows wait to be sealed, and the chain."""

from datetime import datetime

from sqlalchemy import Index, Table, UniqueConstraint
from sqlmodel import AutoString, Field

from models.audit import Door
from models.roles import Role
from models.tables import LedgerTable


class AccessRow(LedgerTable, table=True):
    """Somebody saw personal data, or wrote a file; never changed, never removed."""

    __tablename__ = "accesses"
    __table_args__ = (Index("ix_accesses_at", "at"), Index("ix_accesses_case_number", "case_number"))

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    actor: str
    role: Role = Field(sa_type=AutoString)
    door: Door = Field(sa_type=AutoString)
    reason: str
    case_number: str | None = Field(default=None, foreign_key="cases.case_number")
    count: int
    sha256: str | None = None


class PendingRow(LedgerTable, table=True):
    """A row that was written and is to be sealed. Told in the transaction that wrote the row."""

    __tablename__ = "audit_pending"

    id: int | None = Field(default=None, primary_key=True)
    form: str
    """Which columns of which table; see `gateways.audit_forms`."""
    key: str
    at: datetime


class ChainRow(LedgerTable, table=True):
    """An entry of the chain; never changed, never removed."""

    __tablename__ = "audit_chain"
    __table_args__ = (UniqueConstraint("form", "key"),)

    number: int = Field(primary_key=True)
    """From 1, without gaps."""
    form: str
    key: str
    digest: bytes | None
    """None for a row that was gone before it could be sealed."""
    sealed_at: datetime
    previous: bytes
    hash: bytes


_tables = LedgerTable.metadata.tables
accesses: Table = _tables["accesses"]
audit_pending: Table = _tables["audit_pending"]
audit_chain: Table = _tables["audit_chain"]

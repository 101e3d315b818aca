"""Tables of erasures and legal holds. Nothing personal is in them."""

from datetime import datetime

from sqlalchemy import Index, Table, UniqueConstraint, text
from sqlmodel import AutoString, Field

from models.erasure import Cause
from models.roles import Role
from models.tables import LedgerTable

_IN_FORCE = text("released_at IS NULL")


class ErasureRow(LedgerTable, table=True):
    """A person was erased; never changed, never removed."""

    __tablename__ = "erasures"
    __table_args__ = (UniqueConstraint("person_id"),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="people.id")
    case_number: str = Field(foreign_key="cases.case_number")
    """The case by which the person was named."""
    actor: str
    role: Role | None = Field(sa_type=AutoString)
    cause: Cause = Field(sa_type=AutoString)
    at: datetime


class HoldRow(LedgerTable, table=True):
    """A legal hold on a person; its reasons are notes, `hold-<id>` and `release-<id>`."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index(
            "uq_legal_holds_in_force",
            "person_id",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="people.id")
    case_number: str = Field(foreign_key="cases.case_number")
    actor: str
    role: Role = Field(sa_type=AutoString)
    at: datetime
    released_at: datetime | None = None
    released_by: str | None = None
    released_role: Role | None = Field(default=None, sa_type=AutoString)


_tables = LedgerTable.metadata.tables
erasures: Table = _tables["erasures"]
legal_holds: Table = _tables["legal_holds"]

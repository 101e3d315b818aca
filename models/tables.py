"""The ledger's tables, the only home of personal data. Imported by the SQL ledger and the migrations only.

What is personal is sealed, see `gateways.sealed_rows`.

Codes are stored as text, not as database enums, so that a new code needs no migration. Every time is aware:
`sqlmodel.UTCDateTime` refuses a naive one on the way in and gives UTC back on every database.
"""

from datetime import datetime

from sqlalchemy import JSON, Index, MetaData, Table, UniqueConstraint, text
from sqlmodel import AutoString, Field, SQLModel

from models.answers import ReasonCode
from models.case import CaseHealth, Outcome, SlaState, Step, Track, WaitingOn
from models.messages import EventKind
from models.policy import DocumentKind

_OPEN = text("closed_at IS NULL")
_UNSTARTED = text("started_at IS NULL AND closed_at IS NULL")
_UNWELL = text("health != 'ok'")


class LedgerTable(SQLModel):
    """Base of every table; holds the ledger's own metadata."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


class PersonRow(LedgerTable, table=True):
    """An applicant, one row per NIK. Who it is stands in `sealed` alone, see `gateways.sealed_rows`."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("nik_index", name="uq_people_nik"),
        Index("uq_people_key_id", "key_id", unique=True),
    )

    id: int | None = Field(default=None, primary_key=True)
    nik_index: str
    """Keyed hash of the NIK."""
    key_id: str = ""
    """The person's key in the key store."""
    sealed: bytes | None = None


class CaseRow(LedgerTable, table=True):
    """A case as registered, and the projection of its newest `CaseState`."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("uq_cases_open_person", "person_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_cases_person_id", "person_id"),
        Index("ix_cases_unstarted", "registered_at", sqlite_where=_UNSTARTED, postgresql_where=_UNSTARTED),
        Index("ix_cases_listing", "city", "step", "sla_state", "due_at"),
        Index("ix_cases_unwell", "health", sqlite_where=_UNWELL, postgresql_where=_UNWELL),
    )

    case_number: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="people.id")
    city: str
    track: Track = Field(sa_type=AutoString)
    kecamatan: str
    received_at: datetime
    from_list: bool = False
    birth: str | None = None
    """The case's birth mark, which its workflow bears too."""
    registered_at: datetime
    """Wall clock; `received_at` may lie before it."""
    sealed: bytes | None = None
    """Why the person needs care, and since when the person is not covered."""
    started_at: datetime | None = None
    """When the workflow was first known to exist."""

    step: Step = Field(sa_type=AutoString)
    attempt: int
    waiting_on: WaitingOn = Field(sa_type=AutoString)
    since: datetime
    health: CaseHealth = Field(sa_type=AutoString)
    trouble: str | None
    sla_state: SlaState = Field(sa_type=AutoString)
    due_at: datetime | None
    detected_at: datetime | None
    escalation_level: int
    outcome: Outcome | None = Field(sa_type=AutoString)
    closed_at: datetime | None
    run: str | None = None
    """The workflow run whose state is projected; a reset begins a new one."""
    epoch: int = 1
    """Counts how often the story was begun: by a reset, or since Temporal lost what was told; from 1."""
    last_seq: int
    """The newest event of the epoch; the projection belongs to it."""
    told_task: int = 0
    told_at: datetime | None = None
    """Where in the run's history the projection was told; what comes from before it is overtaken."""


class DocumentRow(LedgerTable, table=True):
    """A paper of a case; its content is in the document store."""

    __tablename__ = "documents"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    kind: DocumentKind = Field(primary_key=True, sa_type=AutoString)
    name: str = Field(primary_key=True)
    """Keyed hash of the content's SHA-256; the file's name in the store."""
    sealed: bytes | None = None
    """The SHA-256, without which the file cannot be opened."""
    media_type: str
    size: int
    """Bytes."""
    added_at: datetime
    checked_at: datetime | None = None
    """When an officer accepted the paper; what was accepted is not checked again."""
    checked_by: str | None = None


class CaseRunRow(LedgerTable, table=True):
    """A workflow run that told events of a case, and the epoch in which it began to."""

    __tablename__ = "case_runs"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    run: str = Field(primary_key=True)
    epoch: int


class EventRow(LedgerTable, table=True):
    """One line of a case's history; never changed, never removed while the case is kept."""

    __tablename__ = "case_events"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    epoch: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    kind: EventKind = Field(sa_type=AutoString)
    at: datetime
    """Workflow time."""
    recorded_at: datetime
    """Wall clock."""
    step: Step | None = Field(default=None, sa_type=AutoString)
    attempt: int | None = None
    reason: ReasonCode | None = Field(default=None, sa_type=AutoString)
    facts: dict[str, str | int] = Field(sa_type=JSON)


class KeyStoreRow(LedgerTable, table=True):
    """The key store that this ledger was sealed with; one row."""

    __tablename__ = "key_stores"

    id: str = Field(primary_key=True)


class CounterRow(LedgerTable, table=True):
    """The last number given under a name, such as `case:3674:2026`."""

    __tablename__ = "counters"

    name: str = Field(primary_key=True)
    value: int


# The same tables, as SQLAlchemy Core statements want them.
_tables = LedgerTable.metadata.tables
people: Table = _tables["people"]
cases: Table = _tables["cases"]
documents: Table = _tables["documents"]
case_events: Table = _tables["case_events"]
case_runs: Table = _tables["case_runs"]
key_stores: Table = _tables["key_stores"]
counters: Table = _tables["counters"]

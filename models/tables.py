"""The ledger's tables, the only home of personal data. Imported by the SQL ledger and the migrations only.

Codes are stored as text, not as database enums, so that a new code needs no migration. Every time is aware:
`sqlmodel.UTCDateTime` refuses a naive one on the way in and gives UTC back on every database.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, MetaData, Table, text
from sqlmodel import AutoString, Field, SQLModel

from models.answers import ReasonCode
from models.case import CaseHealth, Outcome, SlaState, Step, Track, WaitingOn
from models.identity import Sex
from models.messages import AlertKind, EventKind
from models.policy import DocumentKind, NeedKind

_OPEN = text("closed_at IS NULL")
_UNSTARTED = text("started_at IS NULL AND closed_at IS NULL")


class DeskResult(StrEnum):
    """How a piece of human work ended: by a person, or because the case did."""

    DONE = "done"
    VOIDED = "voided"


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
    """An applicant, one row per NIK."""

    __tablename__ = "people"

    id: int | None = Field(default=None, primary_key=True)
    nik: str = Field(unique=True)
    kk: str
    card_number: str | None
    name: str
    birth_date: date
    sex: Sex = Field(sa_type=AutoString)
    phone: str | None
    kelurahan: str


class CaseRow(LedgerTable, table=True):
    """A case as registered, and the projection of its newest `CaseState`."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("uq_cases_open_person", "person_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_cases_unstarted", "registered_at", sqlite_where=_UNSTARTED, postgresql_where=_UNSTARTED),
        Index("ix_cases_listing", "city", "step", "sla_state", "due_at"),
    )

    case_number: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="people.id")
    city: str
    track: Track = Field(sa_type=AutoString)
    kecamatan: str
    received_at: datetime
    registered_at: datetime
    """Wall clock; `received_at` may lie before it."""
    need_kind: NeedKind = Field(sa_type=AutoString)
    facility: str
    letter_number: str
    letter_date: date
    deactivated_on: date
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
    last_seq: int
    """The newest event of the case; the projection belongs to it."""


class DocumentRow(LedgerTable, table=True):
    """A paper of a case; its content is in the document store."""

    __tablename__ = "documents"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    kind: DocumentKind = Field(primary_key=True, sa_type=AutoString)
    sha256: str = Field(primary_key=True)
    media_type: str
    size: int
    """Bytes."""
    added_at: datetime


class EventRow(LedgerTable, table=True):
    """One line of a case's history; never changed, never removed while the case is kept."""

    __tablename__ = "case_events"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
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


class DeskItemRow(LedgerTable, table=True):
    """A piece of human work, opened by the event `opened_seq`."""

    __tablename__ = "desk_items"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    opened_seq: int = Field(primary_key=True)
    step: Step = Field(sa_type=AutoString)
    attempt: int
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None = None
    result: DeskResult | None = Field(default=None, sa_type=AutoString)


class RecommendationRow(LedgerTable, table=True):
    """The office's letter for one attempt."""

    __tablename__ = "recommendations"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    attempt: int = Field(primary_key=True)
    number: str = Field(unique=True)
    issued_on: date


class SubmissionRow(LedgerTable, table=True):
    """What SIKS-NG calls one attempt."""

    __tablename__ = "submissions"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    attempt: int = Field(primary_key=True)
    reference: str = Field(unique=True)
    submitted_at: datetime


class SubmissionBegunRow(LedgerTable, table=True):
    """An attempt that may have reached SIKS-NG, whether or not its reference is known."""

    __tablename__ = "submissions_begun"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    attempt: int = Field(primary_key=True)


class AlertRow(LedgerTable, table=True):
    """An alert that was raised; columns as in `models.messages.Alert`."""

    __tablename__ = "alerts"

    key: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.case_number", index=True)
    kind: AlertKind = Field(sa_type=AutoString)
    level: int
    step: Step = Field(sa_type=AutoString)
    kecamatan: str
    due_at: datetime | None
    raised_at: datetime
    detail: str | None


class NoteRow(LedgerTable, table=True):
    """Words that belong to a command; they never leave the ledger."""

    __tablename__ = "notes"

    command_id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.case_number", index=True)
    author: str
    text: str
    at: datetime


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
desk_items: Table = _tables["desk_items"]
recommendations: Table = _tables["recommendations"]
submissions: Table = _tables["submissions"]
submissions_begun: Table = _tables["submissions_begun"]
alerts: Table = _tables["alerts"]
notes: Table = _tables["notes"]
counters: Table = _tables["counters"]

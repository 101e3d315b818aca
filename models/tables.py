"""The ledger's tables, the only home of personal data. Imported by the SQL ledger and the migrations only.

What is personal is sealed, see `gateways.sealed_rows`.

Codes are stored as text, not as database enums, so that a new code needs no migration. Every time is aware:
`sqlmodel.UTCDateTime` refuses a naive one on the way in and gives UTC back on every database.
"""

from datetime import date, datetime

from sqlalchemy import JSON, Index, MetaData, Table, UniqueConstraint, text
from sqlmodel import AutoString, Field, SQLModel

from models.answers import ReasonCode
from models.case import CaseHealth, Outcome, SlaState, Step, Track, WaitingOn
from models.desk import CommandKind, CommandResult, DeskResult, ItemKind
from models.messages import AlertKind, EventKind
from models.outbox import AlertState, DeliveryState
from models.policy import DocumentKind
from models.roles import Role

_OPEN = text("closed_at IS NULL")
_UNSTARTED = text("started_at IS NULL AND closed_at IS NULL")
_UNWELL = text("health != 'ok'")
_NOT_VOID = text("voided_at IS NULL")
_UNDELIVERED = text("result IS NULL")
_PENDING = text("state = 'pending'")


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


class DeskItemRow(LedgerTable, table=True):
    """A piece of human work: to answer a step, or to mend what a case stands still for."""

    __tablename__ = "desk_items"
    __table_args__ = (
        Index("uq_desk_items_open_key", "key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_desk_items_case_number", "case_number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str
    """What the work is about; at most one open item has it."""
    case_number: str = Field(foreign_key="cases.case_number")
    kind: ItemKind = Field(sa_type=AutoString)
    step: Step = Field(sa_type=AutoString)
    attempt: int
    role: Role = Field(sa_type=AutoString)
    reason: str | None
    opened_at: datetime
    epoch: int | None = None
    opened_seq: int | None = None
    """The event that opened an item to mend."""
    assignee: str | None = None
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    result: DeskResult | None = Field(default=None, sa_type=AutoString)


class CommandRow(LedgerTable, table=True):
    """What was asked of a case: written here first, delivered to the workflow afterwards."""

    __tablename__ = "commands"
    __table_args__ = (
        Index(
            "ix_commands_undelivered",
            "given_at",
            sqlite_where=_UNDELIVERED,
            postgresql_where=_UNDELIVERED,
        ),
        Index("ix_commands_case_number", "case_number"),
    )

    command_id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.case_number")
    kind: CommandKind = Field(sa_type=AutoString)
    message: str
    """The Temporal message as JSON; nothing personal."""
    actor: str
    role: Role | None = Field(sa_type=AutoString)
    """None for what the machine asks."""
    step: Step | None = Field(default=None, sa_type=AutoString)
    attempt: int | None = None
    item: int | None = None
    """The desk item that it finished."""
    given_at: datetime
    result: CommandResult | None = Field(default=None, sa_type=AutoString)
    settled_at: datetime | None = None
    said: str | None = None
    """Why it was refused, in the engine's words."""


class RefusalRow(LedgerTable, table=True):
    """A command that an officer was not allowed to give."""

    __tablename__ = "refusals"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    actor: str
    act: str
    case_number: str | None
    why: str


class LetterRow(LedgerTable, table=True):
    """A letter of the office; a void one keeps its number."""

    __tablename__ = "letters"
    __table_args__ = (
        Index(
            "uq_letters_valid", "case_number", unique=True, sqlite_where=_NOT_VOID, postgresql_where=_NOT_VOID
        ),
    )

    city: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    number: str
    """The sequence as the city writes it."""
    case_number: str = Field(foreign_key="cases.case_number")
    attempt: int
    issued_on: date
    signer: str | None
    """The officer who approved it; None when the policy did."""
    subject: bytes | None = None
    """Sealed: a digest of what the letter says of the person; differs when the ledger says something else."""
    verification_code: str = Field(unique=True)
    pdf: bytes | None = None
    """Sealed: the SHA-256 of the letter as it was printed."""
    pdf_name: str | None = None
    """The file's name in the document store."""
    voided_at: datetime | None = None
    voided_by: str | None = None


class SubmissionRow(LedgerTable, table=True):
    """What SIKS-NG calls one attempt, and the proof of it when a person handed it in."""

    __tablename__ = "submissions"
    __table_args__ = (
        Index(
            "uq_submissions_reference",
            "reference_index",
            unique=True,
            sqlite_where=_NOT_VOID,
            postgresql_where=_NOT_VOID,
        ),
    )

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    attempt: int = Field(primary_key=True)
    reference_index: str
    """Keyed hash of what SIKS-NG calls it."""
    reference: bytes | None = None
    """Sealed."""
    submitted_at: datetime
    submitted_by: str
    proof: bytes | None = None
    """Sealed: the SHA-256 of the proof."""
    proof_name: str | None = None
    """The file's name in the document store."""
    voided_at: datetime | None = None
    voided_by: str | None = None


class SubmissionBegunRow(LedgerTable, table=True):
    """An attempt that may have reached SIKS-NG, whether or not its reference is known."""

    __tablename__ = "submissions_begun"

    case_number: str = Field(primary_key=True, foreign_key="cases.case_number")
    attempt: int = Field(primary_key=True)


class AlertRow(LedgerTable, table=True):
    """An alert that was raised; columns as in `models.messages.Alert`, and what people made of it."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_state_raised_at", "state", "raised_at"),)

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


class NoteRow(LedgerTable, table=True):
    """Words that belong to a command; they never leave the ledger."""

    __tablename__ = "notes"

    command_id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.case_number", index=True)
    author: str
    sealed: bytes | None = None
    at: datetime


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
desk_items: Table = _tables["desk_items"]
letters: Table = _tables["letters"]
commands: Table = _tables["commands"]
refusals: Table = _tables["refusals"]
case_runs: Table = _tables["case_runs"]
submissions: Table = _tables["submissions"]
submissions_begun: Table = _tables["submissions_begun"]
alerts: Table = _tables["alerts"]
alert_deliveries: Table = _tables["alert_deliveries"]
notes: Table = _tables["notes"]
key_stores: Table = _tables["key_stores"]
counters: Table = _tables["counters"]

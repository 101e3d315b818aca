"""Tables of what people do at their desks, and of the letters and receipts that come of it."""

from datetime import date, datetime

from sqlalchemy import Index, Table, text
from sqlmodel import AutoString, Field

from models.case import Step
from models.desk import CommandKind, CommandResult, DeskResult, ItemKind
from models.roles import Role
from models.tables import LedgerTable

_OPEN = text("closed_at IS NULL")
_NOT_VOID = text("voided_at IS NULL")
_UNDELIVERED = text("result IS NULL")


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
    taken_from: str | None = None
    """In whose hand it was left when the assignee took it."""
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
    asked: str | None = None
    """Keyed digest, under the person's key, of what was asked for: by this a repeat is known."""


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


class NoteRow(LedgerTable, table=True):
    """Words that belong to a command; they never leave the ledger."""

    __tablename__ = "notes"

    command_id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.case_number", index=True)
    author: str
    sealed: bytes | None = None
    at: datetime


# The same tables, as SQLAlchemy Core statements want them.
_tables = LedgerTable.metadata.tables
desk_items: Table = _tables["desk_items"]
letters: Table = _tables["letters"]
commands: Table = _tables["commands"]
refusals: Table = _tables["refusals"]
submissions: Table = _tables["submissions"]
submissions_begun: Table = _tables["submissions_begun"]
notes: Table = _tables["notes"]

"""The desk: pieces of human work, the commands people give, and what they prove them with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.asked import Asked
from models.case import CaseRef, Step
from models.errors import WrongState
from models.messages import (
    Acknowledge,
    DataCorrected,
    Extend,
    GiveAnswer,
    PapersAdded,
    Recount,
    ReopenUpload,
    RetryStep,
    Shorten,
    SwitchTrack,
    Withdraw,
)
from models.policy import NeedKind
from models.roles import Role

CaseMessage = (
    GiveAnswer
    | RetryStep
    | PapersAdded
    | DataCorrected
    | ReopenUpload
    | SwitchTrack
    | Extend
    | Shorten
    | Recount
    | Acknowledge
    | Withdraw
)


class ItemKind(StrEnum):
    """What a piece of work is for."""

    ANSWER = "answer"
    """To answer the open step."""
    MEND = "mend"
    """To mend what the case stands still for."""


class DeskResult(StrEnum):
    """How a piece of human work ended: by a person, or because nobody needs it any more."""

    DONE = "done"
    VOIDED = "voided"


class ItemState(StrEnum):
    """Where a piece of work is."""

    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    VOIDED = "voided"


class Gone(StrEnum):
    """Why the person in whose hand work lies cannot do it."""

    LEFT = "left"
    """Nobody of that id works here any more."""
    OTHER_WORK = "other_work"
    """The role or the area is no longer his."""
    ABSENT = "absent"
    """Away today: a case has hours, not days."""


@dataclass(frozen=True)
class DeskItem:
    """A piece of human work. One is open per open human step."""

    id: int
    case: CaseRef
    kind: ItemKind
    step: Step
    attempt: int
    role: Role
    """Whose work it is."""
    reason: str | None
    """A reason code or an error class; None for a step that people do anyway."""
    opened_at: datetime
    due_at: datetime | None
    """When the case is due."""
    assignee: str | None
    """An officer's id, or `machine` while the machine is at it."""
    claimed_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    result: DeskResult | None
    taken_from: str | None = None
    """In whose hand it was left when the assignee took it."""
    gone: Gone | None = None
    """Why the assignee cannot do it, as far as anybody looked (`models.holding`)."""

    @property
    def is_free(self) -> bool:
        """Whether it lies in no hand that can do it."""
        return self.assignee is None or self.gone is not None

    @property
    def state(self) -> ItemState:
        """Where the work is."""
        if self.result is not None:
            return ItemState(self.result.value)
        return ItemState.OPEN if self.assignee is None else ItemState.CLAIMED

    @property
    def is_open(self) -> bool:
        """Whether somebody must still do it."""
        return self.result is None


class CommandKind(StrEnum):
    """Which message a command is delivered as."""

    ANSWER = "answer"
    RETRY = "retry_step"
    PAPERS_ADDED = "papers_added"
    DATA_CORRECTED = "data_corrected"
    REOPEN_UPLOAD = "reopen_upload"
    SWITCH_TRACK = "switch_track"
    EXTEND = "extend"
    SHORTEN = "shorten"
    RECOUNT = "recount"
    ACKNOWLEDGE = "acknowledge"
    WITHDRAW = "withdraw"

    @property
    def message(self) -> type[CaseMessage]:
        """The form of its message."""
        return _MESSAGES[self]

    @classmethod
    def of(cls, message: CaseMessage) -> "CommandKind":
        """Return the kind of a message."""
        return next(kind for kind, form in _MESSAGES.items() if isinstance(message, form))


_MESSAGES: dict[CommandKind, type[CaseMessage]] = {
    CommandKind.ANSWER: GiveAnswer,
    CommandKind.RETRY: RetryStep,
    CommandKind.PAPERS_ADDED: PapersAdded,
    CommandKind.DATA_CORRECTED: DataCorrected,
    CommandKind.REOPEN_UPLOAD: ReopenUpload,
    CommandKind.SWITCH_TRACK: SwitchTrack,
    CommandKind.EXTEND: Extend,
    CommandKind.SHORTEN: Shorten,
    CommandKind.RECOUNT: Recount,
    CommandKind.ACKNOWLEDGE: Acknowledge,
    CommandKind.WITHDRAW: Withdraw,
}


class CommandResult(StrEnum):
    """What the workflow said to a command."""

    ACCEPTED = "accepted"
    LATE = "late"
    """The step was answered before; recorded, and nothing changed."""
    REFUSED = "refused"


@dataclass(frozen=True)
class Command:
    """What is asked of a case. Kept in the ledger first, then delivered as a Temporal update."""

    case_number: str
    message: CaseMessage
    actor: str
    role: Role | None
    """None for what the machine asks."""
    given_at: datetime
    result: CommandResult | None = None
    said: str | None = None

    @property
    def command_id(self) -> str:
        """What makes it one command however often it is sent."""
        return self.message.command_id

    @property
    def kind(self) -> CommandKind:
        """Which message it is delivered as."""
        return CommandKind.of(self.message)


@dataclass(frozen=True)
class NewLetter:
    """A letter to be issued: it takes the city's next number, and the case's earlier letter becomes void."""

    issued_on: date
    subject_digest: str
    number_of: Callable[[int, date], str]
    """Writes a sequence number as the city does."""
    signer: str | None


@dataclass(frozen=True, repr=False)
class PortalReceipt:
    """What proves that a person was handed in to SIKS-NG."""

    reference: str
    """What the portal calls the submission. Stays in the ledger: nobody knows its form."""
    submitted_at: datetime
    proof_sha256: str | None
    """None when the portal itself told us."""

    def __repr__(self) -> str:
        """Keep the portal's words out of tracebacks and logs."""
        return "<PortalReceipt>"


@dataclass(frozen=True)
class Completion:
    """A command with everything that is written in the same transaction."""

    command: Command
    asked: Asked | None = None
    """What was said to give it; None when neither a person nor an outside system did."""
    item: int | None = None
    """The desk item that it finishes; it must still be `expects`'s."""
    expects: str | None = None
    voids_item: int | None = None
    """The desk item that ends without an answer."""
    receipt: PortalReceipt | None = None
    letter: NewLetter | None = None
    accepted_papers: tuple[str, ...] = ()
    """SHA-256 of the papers that the officer accepted."""
    seen_until: datetime | None = None
    """When the officer took the work: papers that came later were not looked at. None: just now."""
    voids_receipt: int | None = None
    """The attempt whose receipt becomes void."""
    correction: Mapping[str, str | date] = field(default_factory=dict, repr=False)
    """Fields of the applicant and what they are from now on."""
    need: NeedKind | None = field(default=None, repr=False)
    """Why the person needs health service from now on."""
    note: str | None = field(default=None, repr=False)
    """Words that stay in the ledger."""


@dataclass(frozen=True)
class Bearer:
    """Who answered or prepared something on a case; the four-eyes rule looks at these."""

    actor: str
    step: Step | None
    """None for a correction of the applicant's data."""


@dataclass(frozen=True)
class Refusal:
    """A command that an officer was not allowed to give."""

    at: datetime
    actor: str
    act: str
    case_number: str | None
    why: str


@dataclass(frozen=True)
class IssuedLetter:
    """A letter of the office, without anything personal."""

    number: str
    case_number: str
    attempt: int
    issued_on: date
    signer: str | None
    subject_digest: str
    verification_code: str
    pdf_sha256: str | None
    voided_at: datetime | None
    void_because: str | None = None
    """See `models.letters.void_because`; None for a valid one."""

    @property
    def is_valid(self) -> bool:
        """Whether the office still says what the letter says."""
        return self.void_because is None

    def require_valid(self) -> None:
        """Raise WrongState, saying why, when the end of the case made the letter void."""
        if not self.is_valid:
            raise WrongState(
                f"{self.case_number} ended as {self.void_because}: its letter {self.number} is void"
            )

"""Answers that outside systems push to us: the CloudEvent, who may send it, and what became of it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from models.answers import ReasonCode
from models.case import CaseNumber, Step
from models.errors import ReactivationError
from models.reasons import Party

ANSWERED: Final = "id.reaktivasi.answer"
"""The one type of event that is taken."""
_MOST_ATTEMPTS: Final = 999


class EventResult(StrEnum):
    """What became of an event; everything after LATE is a refusal."""

    ACCEPTED = "accepted"
    KEPT = "kept"
    """In the ledger; a worker delivers it later."""
    LATE = "late"
    """The step was answered before, or the case is over; kept, and nothing changed."""
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    WRONG_MEDIA = "wrong_media"
    BAD_SIGNATURE = "bad_signature"
    OLD_TIMESTAMP = "old_timestamp"
    FOREIGN_SOURCE = "foreign_source"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_CASE = "unknown_case"
    NOT_THEIRS = "not_theirs"
    """A step that another answers."""
    UNKNOWN_REASON = "unknown_reason"
    NOT_OPEN = "not_open"
    """A step that the case has not reached, or that waits to be mended."""
    CONFLICT = "conflict"
    """The id or the reference belongs to something else."""

    @property
    def is_taken(self) -> bool:
        """Whether the answer is in the ledger."""
        return self in {EventResult.ACCEPTED, EventResult.KEPT, EventResult.LATE}


class EventRefused(ReactivationError):
    """A pushed event cannot be taken; `fields` name what is wrong with it, never a value."""

    def __init__(self, result: EventResult, fields: tuple[str, ...] = ()) -> None:
        """`fields` are names of our own form."""
        super().__init__(result.value)
        self.result = result
        self.fields = fields


@dataclass(frozen=True)
class EventSource:
    """An outside system that may push answers."""

    id: str
    """Bearer of its answers, for example `mesin-kemensos`."""
    uri: str
    """The CloudEvents `source` of its events."""
    party: Party
    """Whose answers it brings."""
    secrets: tuple[str, ...] = field(repr=False)
    """One; two while one is being replaced."""
    cities: frozenset[str] = frozenset()
    """Whose cases it may answer; none named means every city."""

    def digest(self, event_id: str) -> str:
        """Return what makes an event one event, however often it is sent."""
        text = f"{self.id}\0{event_id}".encode("utf-8", "backslashreplace")
        return hashlib.sha256(text).hexdigest()


def _check_printable(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("is empty or not printable")
    return value


class PushedAnswer(BaseModel):
    """The data of an event: the answer to one step of the case that is the event's subject."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    step: Step
    decision: Literal["approved", "returned", "rejected"]
    reason: ReasonCode | None = None
    """A code of `policies/reasons.toml`, with `returned` and `rejected`."""
    reference: Annotated[
        str | None,
        Field(min_length=1, max_length=100),
        AfterValidator(lambda one: one and _check_printable(one)),
    ] = None
    """What the portal calls the submission, with an approved upload."""
    attempt: Annotated[int | None, Field(ge=1, le=_MOST_ATTEMPTS, strict=True)] = None
    """Which attempt it answers; the newest unless given."""

    @model_validator(mode="after")
    def _holds_together(self) -> "PushedAnswer":
        if (self.decision == "approved") != (self.reason is None):
            raise ValueError("a reason belongs to returned and rejected, and must be there")
        if (self.decision == "approved" and self.step is Step.SIKS_NG_UPLOAD) != (self.reference is not None):
            raise ValueError("a reference belongs to an approved upload, and must be there")
        return self

    @property
    def words(self) -> str:
        """The answer as codes, for example `kemensos_verification:rejected:NIK_BEDA`."""
        return ":".join(word for word in (self.step, self.decision, self.reason) if word is not None)


class Envelope(BaseModel):
    """A CloudEvent 1.0 in structured JSON mode; extension attributes are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    source: Annotated[str, Field(min_length=1, max_length=300)]
    type: Annotated[str, Field(min_length=1, max_length=200)]
    datacontenttype: Literal["application/json"] | None = None


class PushedEvent(Envelope):
    """The same, of our type."""

    subject: CaseNumber
    time: AwareDatetime | None = None
    """When the answer was given; now unless given."""
    data: PushedAnswer


@dataclass(frozen=True)
class EventNote:
    """What is kept of an event that came in; never its body."""

    at: datetime
    result: EventResult
    source: str | None = None
    """None when nobody we know signed it."""
    digest: str | None = None
    case_number: str | None = None
    """A case that the ledger holds."""
    said: str | None = None
    """The answer as codes, of an event that was taken."""
    is_repeated: bool = False

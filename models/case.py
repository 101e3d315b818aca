"""The words of a case: its track, its five steps, who it waits for, how it ends."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypedDict

from pydantic import Field, StringConstraints

from models.payload import Payload

CASE_NUMBER_PATTERN = r"^PBI-\d{4}-\d{4}-\d{6}$"

CaseNumber = Annotated[str, StringConstraints(pattern=CASE_NUMBER_PATTERN)]
"""`PBI-<city>-<year>-<sequence>`, for example `PBI-3674-2026-000123`. Also the workflow id."""


def city_of(case_number: str) -> str:
    """Return the code of the city whose case has this number."""
    return case_number.split("-")[1]


CityCode = Annotated[str, Field(pattern=r"^\d{4}$")]
"""Kemendagri code of a city, for example `3674`."""

Birth = Annotated[str, StringConstraints(pattern=r"^[a-z.]{3,64}$")]
"""What tells a case from any other of its number: the ledger that registered it, and a random mark."""


class Track(StrEnum):
    """Which procedure a case follows (domain 9.1: T1, T1b, T1c)."""

    EMERGENCY = "emergency"
    MEDICAL = "medical"
    NEWBORN = "newborn"


class Step(StrEnum):
    """The five steps, in the order of the Kemensos guide of 18 February 2026."""

    DOCUMENT_CHECK = "document_check"
    RECOMMENDATION = "recommendation"
    SIKS_NG_UPLOAD = "siks_ng_upload"
    KEMENSOS_VERIFICATION = "kemensos_verification"
    BPJS_RECONNECT = "bpjs_reconnect"

    @property
    def following(self) -> "Step | None":
        """The step after this one; None after the last."""
        steps = list(Step)
        place = steps.index(self) + 1
        return steps[place] if place < len(steps) else None


class WaitingOn(StrEnum):
    """Whose turn it is."""

    OFFICER = "officer"
    SIGNER = "signer"
    APPLICANT = "applicant"
    SIKS_NG = "siks_ng"
    KEMENSOS = "kemensos"
    BPJS = "bpjs"
    SUPERVISOR = "supervisor"
    NOBODY = "nobody"


class Outcome(StrEnum):
    """How a case ended. A case ends by an answer, never by an error."""

    REACTIVATED = "reactivated"
    ALREADY_ACTIVE = "already_active"
    SEGMENT_CHANGED = "segment_changed"
    REJECTED = "rejected"
    REFERRED = "referred"
    WITHDRAWN = "withdrawn"
    DECEASED = "deceased"
    DUPLICATE = "duplicate"


class SlaState(StrEnum):
    """How a case stands against its time budget."""

    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"


class CaseHealth(StrEnum):
    """Whether a case moves by itself (`ok`), needs a person (`stuck`) or was set aside (`parked`)."""

    OK = "ok"
    STUCK = "stuck"
    PARKED = "parked"


class CaseRef(Payload):
    """What starts a case: enough to route it, nothing about the person."""

    case_number: CaseNumber
    city: str
    """Four-digit Kemendagri code, for example `3674`."""
    track: Track
    kecamatan: str
    """Name of the kecamatan of domicile, so that a supervisor can filter by it."""
    received_at: datetime
    from_list: bool = False
    """Whether the case came with a list of many, and not from the counter."""
    birth: Birth | None = None
    """None for a case that was registered before cases had a birth mark."""


class CaseState(Payload):
    """Where a case is: the ledger's projection, the query's answer and the workflow's result."""

    case: CaseRef
    step: Step = Step.DOCUMENT_CHECK
    attempt: int = 1
    waiting_on: WaitingOn = WaitingOn.OFFICER
    since: datetime
    """When the case began to wait for `waiting_on`."""
    health: CaseHealth = CaseHealth.OK
    trouble: str | None = None
    """Why the case needs a person: an error class or a reason code, in our own words."""
    sla_state: SlaState = SlaState.ON_TRACK
    due_at: datetime | None = None
    """None until the file is complete and the clock runs."""
    detected_at: datetime | None = None
    """When a breach was noticed; `due_at` says when it happened."""
    escalation_level: int = 0
    outcome: Outcome | None = None
    closed_at: datetime | None = None

    @classmethod
    def opening(cls, case: CaseRef) -> "CaseState":
        """Return the state a case begins with."""
        return cls(case=case, since=case.received_at)

    @property
    def late_by(self) -> timedelta:
        """How far past `due_at` the case was closed, or was when the breach was noticed."""
        end = self.closed_at or self.detected_at
        if end is None or self.due_at is None:
            return timedelta(0)
        return max(end - self.due_at, timedelta(0))


class StateChange(TypedDict, total=False):
    """The fields of a state that move while a case goes on."""

    case: CaseRef
    step: Step
    attempt: int
    waiting_on: WaitingOn
    since: datetime
    health: CaseHealth
    trouble: str | None
    sla_state: SlaState
    due_at: datetime | None
    detected_at: datetime | None
    escalation_level: int
    outcome: Outcome | None
    closed_at: datetime | None

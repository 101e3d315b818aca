"""What a step can answer: approved, returned to be mended, rejected for good, moot, or handed over."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from models.case import Outcome, Step, WaitingOn
from models.payload import Payload

ReasonCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,39}$")]
"""Why an answer was not a yes: a key of `policies/reasons.toml`, for example `NIK_BEDA`."""


class Approved(Payload):
    """The step is done."""

    decision: Literal["approved"] = "approved"


class Returned(Payload):
    """Fixable: something must be mended, then the case goes on from `back_to`."""

    decision: Literal["returned"] = "returned"
    reason: ReasonCode
    back_to: Step
    """The step that is taken again once the fault is mended."""
    waits_for: WaitingOn = WaitingOn.OFFICER
    """Who mends it."""


class Rejected(Payload):
    """Final: the case ends as rejected."""

    decision: Literal["rejected"] = "rejected"
    reason: ReasonCode


class Moot(Payload):
    """There is nothing left to do, for example because BPJS shows the person as covered already."""

    decision: Literal["moot"] = "moot"
    outcome: Outcome
    reason: ReasonCode | None = None


class HandedOver(Payload):
    """The applicant takes the letters to BPJS himself; SIKS-NG and Kemensos are skipped (Pasal 20(4)a)."""

    decision: Literal["handed_over"] = "handed_over"


Answer = Annotated[Approved | Returned | Rejected | Moot | HandedOver, Field(discriminator="decision")]

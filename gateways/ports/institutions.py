"""The systems outside of the office, and what they say."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from models.dossier import Person


@dataclass(frozen=True, repr=False)
class Submission:
    """What goes into the SIKS-NG submenu *reaktivasi* (fields: domain 1.3; real field names unknown)."""

    person: Person
    recommendation_number: str
    deactivated_on: date
    documents: tuple[str, ...]
    """SHA-256 of each paper."""

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Submission>"


@dataclass(frozen=True, repr=False)
class Participant:
    """What BPJS Kesehatan says of a person (VClaim `response.peserta`, domain 3.2)."""

    name: str
    birth_date: date
    status_code: str
    """`0` is active; every other code is inactive."""
    type_code: str
    """21 PBI (APBN), 22 PBI (APBD), 13 employee, 14 self-employed, ..."""

    @property
    def is_active(self) -> bool:
        """Whether the participant is covered now."""
        return self.status_code == "0"

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Participant>"


class Verdict(StrEnum):
    """What the ministry made of a submission."""

    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Decision:
    """What Kemensos says of a submission."""

    verdict: Verdict
    code: str | None = None
    """Why not, if the ministry says so in the form of a reason code."""


class SiksNg(Protocol):
    """The Kemensos system that takes reactivation submissions."""

    def submit(self, submission: Submission, *, key: str) -> str:
        """Hand in a submission and return its reference. Once per `key`, however often it is called.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...


class Kemensos(Protocol):
    """The ministry that verifies a submission."""

    def decision(self, reference: str) -> Decision | None:
        """Return the decision on a submission; None while there is none.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...


class Bpjs(Protocol):
    """BPJS Kesehatan: who is covered."""

    def participant(self, nik: str, *, on: date) -> Participant | None:
        """Return the participant with this NIK as of a day in WIB; None when BPJS knows none.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...

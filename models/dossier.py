"""The person behind a case number. Lives in ledger and activities; never in Temporal, never in a log."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from models.case import CaseRef, Track
from models.identity import Sex
from models.policy import DocumentKind, NeedKind


@dataclass(frozen=True, repr=False)
class Person:
    """An applicant as the papers name them. Prints as nothing personal."""

    nik: str
    kk: str
    card_number: str | None
    name: str
    birth_date: date
    sex: Sex
    phone: str | None
    kelurahan: str
    """Kemendagri code of domicile, for example `36.74.06.1001`."""

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Person>"


@dataclass(frozen=True, repr=False)
class Need:
    """Why the person needs health service, and the facility letter that says so."""

    kind: NeedKind
    facility: str
    letter_number: str
    letter_date: date

    def __repr__(self) -> str:
        """Keep health data out of tracebacks and logs."""
        return "<Need>"


@dataclass(frozen=True)
class Paper:
    """A document in the store, found by the SHA-256 of its content."""

    kind: DocumentKind
    sha256: str
    media_type: str
    size: int
    """Bytes."""


@dataclass(frozen=True)
class NewCase:
    """What intake hands to the ledger."""

    city: str
    track: Track
    kecamatan: str
    received_at: datetime
    person: Person
    need: Need
    deactivated_on: date
    papers: tuple[Paper, ...]
    by: str | None = None
    """The officer who brought it."""
    from_list: bool = False
    """Whether it came with a list of many, and not from the counter."""


@dataclass(frozen=True)
class Registered:
    """What the ledger answers to a new case."""

    case: CaseRef
    is_new: bool
    """False when the person already had an open case; `case` is then that one."""
    is_started: bool
    """Whether its workflow is known to have been started."""


@dataclass(frozen=True)
class Dossier:
    """Everything the ledger holds on a case."""

    case: CaseRef
    person: Person
    need: Need
    deactivated_on: date
    papers: tuple[Paper, ...]
    accepted: frozenset[str] = frozenset()
    """SHA-256 of the papers that an officer accepted before."""
    letter_number: str | None = None
    """Of the letter that is not void; None while there is none."""
    is_submitted: bool = False
    """Whether any attempt may have reached SIKS-NG: being active may be what that brought about."""


class Upload(NamedTuple):
    """An attempt at the upload to SIKS-NG."""

    attempt: int
    is_begun: bool
    """Whether it may have reached SIKS-NG already."""

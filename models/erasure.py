"""Erasing a person: why, by whom, what there is to erase, and what forbids it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.case import CaseRef
from models.errors import WrongState
from models.roles import Role
from models.wib import wib_text


class Cause(StrEnum):
    """Why a person is erased (UU 27/2022 Pasal 43): a code, since words would be erased with the person."""

    REQUESTED = "requested"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    NO_LONGER_NEEDED = "no-longer-needed"
    UNLAWFUL = "unlawful"
    """Collected or processed against the law."""
    RETENTION = "retention"
    """The city's policy does not keep it any longer."""


@dataclass(frozen=True)
class Deed:
    """Who erases whom, and why."""

    actor: str
    role: Role | None
    """None for what the machine does by policy."""
    cause: Cause
    at: datetime


@dataclass(frozen=True)
class Hold:
    """A legal hold: nothing of the person is erased before it is released."""

    case_number: str
    """The case for which it was asked."""
    actor: str
    at: datetime


@dataclass(frozen=True)
class Subject:
    """A person as far as erasing goes: counts and codes, nothing personal."""

    cases: tuple[CaseRef, ...]
    """Every case of the person."""
    open_cases: tuple[str, ...]
    own_papers: frozenset[str]
    """Names of files that belong to nobody else who is still known."""
    shared_papers: int
    """Files that another person has too, which stay."""
    letters: int
    notes: int
    hold: Hold | None
    erased_at: datetime | None

    def require_erasable(self) -> None:
        """Raise WrongState when a case is open or a legal hold is in force."""
        if self.open_cases:
            raise WrongState(f"not erased: {', '.join(self.open_cases)} is open and must end first")
        if self.hold is not None:
            since = wib_text(self.hold.at)
            raise WrongState(f"not erased: a legal hold is in force, by {self.hold.actor} since {since}")


@dataclass(frozen=True)
class Due:
    """A person whose data the policy does not keep any longer."""

    cases: tuple[CaseRef, ...]
    closed_at: datetime
    """When the last of the cases ended."""


Cutoffs = Mapping[str, datetime]
"""City -> what was closed before this time is kept no longer; a city that is not in it keeps for ever."""

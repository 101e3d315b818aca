"""The policy of a city: data from `policies/*.toml`, checked before anything uses it."""

from collections.abc import Set as AbstractSet
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from models.bounds import Span
from models.calendar import Budget, CalendarKind
from models.case import CityCode, Step, Track
from models.ladder import LadderPolicy
from models.letter_policy import LetterPolicy
from models.standstill import StuckPolicy
from models.turns import Owner, PauseRule

_SHORTEST_RETENTION = 30
"""Days; erasing is for good, and a slip of the pen must not do it to last week's cases."""


class DocumentKind(StrEnum):
    """A kind of paper in a file (domain 9.6)."""

    FACILITY_LETTER = "facility_letter"
    REFERRAL = "referral"
    MEDICAL_RECORD = "medical_record"
    KTP = "ktp"
    KK = "kk"
    JKN_CARD = "jkn_card"
    SKTM = "sktm"
    BIRTH_LETTER = "birth_letter"
    KIA_BOOK = "kia_book"
    POWER_OF_ATTORNEY = "power_of_attorney"


class NeedKind(StrEnum):
    """Why the person needs health service (domain 9.7, `alasan_medis`)."""

    CHRONIC = "chronic"
    CATASTROPHIC = "catastrophic"
    EMERGENCY = "emergency"
    CHILDBIRTH = "childbirth"
    NEWBORN = "newborn"
    ROUTINE = "routine"


class PausePolicy(PauseRule):
    """What of an owner's time does not count, as a policy may say it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_most: Span | None = None
    times: Annotated[int, Field(ge=1)] | None = None


class SlaPolicy(BaseModel):
    """A time budget and the shares of it at which the office is warned.

    The clock runs from the complete file, in calendar time (domain 7: no source says
    whether "24 jam" is calendar or working time; the budget is therefore configurable).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: Budget
    warn_at: tuple[float, ...] = (0.5, 0.75, 0.9)
    """Shares of the budget, each above 0 and below 1, rising. The breach itself is always told."""

    counts: CalendarKind = CalendarKind.ALL_HOURS
    """Which hours count: all, or the office's working time."""
    pauses: dict[Owner, PausePolicy] = {}
    """Whose time does not count against the office: for how long at most, how often."""
    steps: dict[Step, Budget] = {}
    """A budget of its own for a step."""

    @model_validator(mode="after")
    def _working_days_are_of_an_office(self) -> "SlaPolicy":
        budgets = (self.budget, *self.steps.values())
        if self.counts is CalendarKind.ALL_HOURS and any(budget.days is not None for budget in budgets):
            raise ValueError("working days need counts = 'office': on a 24x7 clock every day counts")
        return self

    @field_validator("warn_at")
    @classmethod
    def _shares_rise(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)) or not all(0 < share < 1 for share in value):
            raise ValueError("must be rising shares between 0 and 1, for example [0.5, 0.75, 0.9]")
        return value


class TrackPolicy(BaseModel):
    """What one city asks of one track."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs: frozenset[NeedKind] = Field(min_length=1)
    """Needs that this track serves; another need is returned to the officer."""
    documents: tuple[Annotated[frozenset[DocumentKind], Field(min_length=1)], ...] = Field(min_length=1)
    """Every entry must be met by at least one of its kinds."""
    sla: SlaPolicy

    def missing(self, present: AbstractSet[DocumentKind]) -> list[frozenset[DocumentKind]]:
        """Return the entries of the checklist that no present paper meets, in the policy's order."""
        return [anyof for anyof in self.documents if not anyof & present]


class CityPolicy(BaseModel):
    """One file of `policies/`: a city and its tracks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: CityCode
    name: str
    legal_basis: str
    """Configurable text: media and registers disagree on the number (domain 8.1)."""
    poll_every: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(days=1))]
    """How often an institution is asked for an answer that is not there yet."""
    max_rounds: Annotated[int, Field(ge=0, le=20)] = 3
    """How often a case may be returned before it goes to a supervisor."""
    extend_at_most: Span = timedelta(days=7)
    """How much longer one order may make a due time. No source gives a number: it is ours."""
    stuck: StuckPolicy = StuckPolicy()
    """When a case is called stuck although nothing failed."""
    digest_at: time = time(7)
    """When the daily digest is sent, in WIB."""
    erase_after_days: Annotated[int, Field(ge=_SHORTEST_RETENTION, le=36_500)] | None = None
    """How long a person is kept after the last case ended; None is for ever."""
    letter: LetterPolicy
    ladder: LadderPolicy
    tracks: dict[Track, TrackPolicy]

    @field_validator("digest_at")
    @classmethod
    def _is_a_minute_in_wib(cls, value: time) -> time:
        if value.tzinfo is not None or value != value.replace(second=0, microsecond=0):
            raise ValueError('must be hour and minute in WIB, for example "07:00"')
        return value

    @model_validator(mode="after")
    def _every_track_is_there(self) -> "CityPolicy":
        if absent := set(Track) - set(self.tracks):
            raise ValueError(f"tracks missing: {', '.join(sorted(absent))}")
        return self


class Kecamatan(BaseModel):
    """A kecamatan and its kelurahan, by Kemendagri code (Kepmendagri 300.2.2-2138/2025)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kelurahan: dict[str, str]
    """Last four digits of the code -> name. The codes have gaps."""


class Regions(BaseModel):
    """The kecamatan of every served city: `32.75.01` -> kecamatan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kecamatan: dict[str, Kecamatan]

    def kecamatan_of(self, kelurahan: str) -> Kecamatan | None:
        """Return the kecamatan of a kelurahan code such as `36.74.06.1001`; None if unknown."""
        kecamatan = self.kecamatan.get(kelurahan[:8])
        if kecamatan is None or kelurahan[8:9] != "." or kelurahan[9:] not in kecamatan.kelurahan:
            return None
        return kecamatan

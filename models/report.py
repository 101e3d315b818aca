"""The words of a report: its period, the rows that it is made of, the figures that it tells.

Days are days in WIB. Everything is as of the end of the period, or of now when that comes first; where a case
is (its step, whose turn it is) and when it is due is known as of now only.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from models.case import Outcome, Step
from models.turns import Owner
from models.wib import WIB

OVER: Final = "closed"
"""By owner, the group of the cases that wait for nobody any more."""
_DAY: Final = timedelta(days=1)


class Grouping(StrEnum):
    """By what the cases of a report are told apart; the names are those of the rows' fields."""

    KECAMATAN = "kecamatan"
    STEP = "step"
    TRACK = "track"
    OWNER = "owner"


@dataclass(frozen=True)
class Period:
    """Days in WIB, the first and the last one included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """When the first day begins."""
        return datetime.combine(self.first, time(), WIB)

    @property
    def end(self) -> datetime:
        """When the last day is over."""
        return datetime.combine(self.last + _DAY, time(), WIB)

    def days(self) -> Iterator[date]:
        """Yield every day."""
        return (self.first + number * _DAY for number in range((self.last - self.first).days + 1))


@dataclass(frozen=True)
class ReportAsk:
    """What a report is asked about: one city, so that no two kecamatan of one name become one."""

    city: str
    period: Period
    now: datetime
    kecamatan: tuple[str, ...]
    """Those that have a line even when nothing happened there."""
    is_part: bool = False
    """Whether these kecamatan are all that the reader serves: cases of others are left out."""
    by: tuple[Grouping, ...] = ()
    pausing: Mapping[str, Collection[Owner]] = field(default_factory=dict)
    """Track -> whose time may stop its clock."""

    @property
    def until(self) -> datetime:
        """As of when everything is told."""
        return min(self.period.end, self.now)


class CaseLine(NamedTuple):
    """A case that was open at some time of the period, or ended in it."""

    kecamatan: str
    track: str
    step: str
    owner: str
    """Whose turn it is, or `OVER`."""
    received_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    sla_state: str


class StepTime(NamedTuple):
    """How long a step took that was answered in the period, from its opening to the answer."""

    kecamatan: str
    track: str
    step: str
    """The step that took so long, wherever the case is now."""
    owner: str
    seconds: int


class OwnedTime(NamedTuple):
    """How long cases that ended in the period were in somebody's hands; one line may stand for many."""

    kecamatan: str
    track: str
    step: str
    owner: str
    whose: str
    minutes: int


@dataclass(frozen=True)
class ReportRows:
    """What a report is made of; each is read once, from the first row to the last."""

    cases: Iterable[CaseLine]
    steps: Iterable[StepTime]
    minutes: Iterable[OwnedTime]


@dataclass(frozen=True)
class Pace:
    """How long something took: half of it no longer than the median, nine in ten no longer than `p90`."""

    count: int
    median: timedelta
    p90: timedelta


@dataclass(frozen=True)
class Figures:
    """The figures of a group of cases. `before` and `received` together are `closed` and `open`."""

    before: int
    """Open when the period began."""
    received: int
    ended: Mapping[Outcome, int]
    on_time: int
    """Ended in the period, within the time that was promised."""
    late: int
    """Ended in the period, after it."""
    open: int
    overdue: int
    """Of the open ones, those that are due already."""
    whole: Pace | None
    """From receipt to end, of those that ended; None when none did."""
    steps: Mapping[Step, Pace]
    """Of the steps that were answered in the period."""
    minutes: Mapping[Owner, int]
    """Whose time passed in the cases that ended: all of their time."""
    paused: Mapping[Owner, int]
    """Those of the minutes that may have stopped the clock, by the policy of the case's track. It is the most
    that was paused: a pause that is limited in length or number ended earlier."""

    @property
    def closed(self) -> int:
        """How many ended in the period."""
        return sum(self.ended.values())

    @property
    def reactivated(self) -> int:
        """How many ended in the period with the person switched on again."""
        return self.ended.get(Outcome.REACTIVATED, 0)

    @property
    def share(self) -> float | None:
        """The part that was on time of all that ended; None when none did."""
        return _share(self.on_time, self.late)


@dataclass(frozen=True)
class DayFigures:
    """What happened on a day in WIB."""

    day: date
    received: int
    closed: int
    on_time: int
    late: int
    open: int
    """At the end of the day; of today, by now."""

    @property
    def share(self) -> float | None:
        """The part that was on time of all that ended; None when none did."""
        return _share(self.on_time, self.late)


@dataclass(frozen=True)
class Report:
    """The figures of a period. Those of the groups add up to the total, for each grouping."""

    ask: ReportAsk
    total: Figures
    groups: Mapping[Grouping, Mapping[str, Figures]]
    """What may be there comes first and in its order, also with nothing in it."""
    days: Sequence[DayFigures]


def _share(on_time: int, late: int) -> float | None:
    return on_time / (on_time + late) if on_time + late else None

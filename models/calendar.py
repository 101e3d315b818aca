"""Time as SLA clocks count it: all of it, or an office's working time.

Pure arithmetic in WIB: no clock is read and nothing is looked up, so workflow code may use it. Times given
must be aware; times returned are UTC.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from models.errors import Misconfigured
from models.payload import Payload
from models.wib import WIB

_ZERO: Final = timedelta(0)
_DAY: Final = timedelta(days=1)
_IDLE_DAYS: Final = 400
"""Days without any working time after which a calendar is called wrong."""
_LONGEST: Final = 366
"""Days that a budget may have at most."""
_SPAN_RULE = "must be office hours such as 08:00-16:00"
_BUDGET_RULE = "must be a duration such as PT24H, or working days such as '3 hari kerja'"


class Calendar(Protocol):
    """What counts as time."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the counted time in [start, end); zero when `end` is not after `start`."""
        ...

    def add(self, start: datetime, span: timedelta) -> datetime:
        """Return the earliest time with `between(start, time) >= span`; `start` for no span.

        Raises Misconfigured when no time is counted for more than a year.
        """
        ...

    def add_days(self, start: datetime, days: int) -> datetime:
        """Return the end of the last of `days` (1 or more) working days after the day of `start`.

        Raises Misconfigured as `add` does.
        """
        ...


@dataclass(frozen=True)
class AllHours:
    """24x7: all time counts, and every day is a working day that ends at midnight WIB."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the plain difference; zero when `end` is not after `start`."""
        return max(_utc(end) - _utc(start), _ZERO)

    def add(self, start: datetime, span: timedelta) -> datetime:
        """Return `start` plus `span`; `start` when `span` is not above zero."""
        return _utc(start) + max(span, _ZERO)

    def add_days(self, start: datetime, days: int) -> datetime:
        """Return the midnight that ends the last of `days` days after the day of `start`."""
        first = datetime.combine(_local(start).date(), time(), WIB)
        return (first + (_at_least_one(days) + 1) * _DAY).astimezone(UTC)


OfficeSpan = tuple[time, time]
"""Opening and closing time in WIB."""


@dataclass(frozen=True)
class WorkingTime:
    """The hours at which an office works.

    `add` reaches the closing time of a day, not the next opening: 08:00 plus eight hours is 16:00. A span of
    zero gives `start`, also while the office is closed. Between two spans (a lunch break) nothing counts.
    """

    hours: tuple[tuple[OfficeSpan, ...], ...]
    """For each day of the week from Monday: the spans, in order and apart; none when the office is closed."""
    holidays: frozenset[date] = frozenset()
    extra_days: Mapping[date, tuple[OfficeSpan, ...]] = field(default_factory=dict, hash=False)
    """Days with hours of their own, such as a working Saturday; they win over weekday and holiday."""

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time in [start, end); zero when `end` is not after `start`."""
        first, last = _local(start), _local(end)
        if last <= first:
            return _ZERO
        nights = (last.date() - first.date()).days
        whole = sum((self._length(first.date() + day * _DAY) for day in range(nights)), _ZERO)
        return whole + self._counted(last) - self._counted(first)

    def add(self, start: datetime, span: timedelta) -> datetime:
        """Return the earliest time with `between(start, time) >= span`. Raises Misconfigured."""
        if span <= _ZERO:
            return _utc(start)
        local = _local(start)
        left = span + self._counted(local)
        for day in self._working_days(local.date()):
            if left <= (length := self._length(day)):
                return self._within(day, left)
            left -= length
        raise AssertionError  # The days do not end.

    def add_days(self, start: datetime, days: int) -> datetime:
        """Return the closing time of the last of `days` working days after the day of `start`.

        A working day is a day, not eight hours, and the day of `start` does not count. No source was found
        for how a Dinsos counts "hari kerja"; that is the usual reading. Raises Misconfigured.
        """
        ahead = self._working_days(_local(start).date() + _DAY)
        for _ in range(_at_least_one(days)):
            day = next(ahead)
        return self._within(day, self._length(day))

    def is_working_day(self, day: date) -> bool:
        """Tell whether the office works at all on this day."""
        return self._length(day) > _ZERO

    @cached_property
    def _lengths(self) -> tuple[timedelta, ...]:
        return tuple(_length(spans) for spans in self.hours)

    def _length(self, day: date) -> timedelta:
        if day in self.extra_days:
            return _length(self.extra_days[day])
        return _ZERO if day in self.holidays else self._lengths[day.weekday()]

    def _spans(self, day: date) -> tuple[OfficeSpan, ...]:
        if day in self.extra_days:
            return self.extra_days[day]
        return () if day in self.holidays else self.hours[day.weekday()]

    def _counted(self, local: datetime) -> timedelta:
        """Return the working time of a local time's own day before it."""
        now = _since_midnight(local.time())
        spans = (
            (_since_midnight(opens), _since_midnight(closes)) for opens, closes in self._spans(local.date())
        )
        return sum((max(min(now, closes) - opens, _ZERO) for opens, closes in spans), _ZERO)

    def _within(self, day: date, left: timedelta) -> datetime:
        """Return the earliest time of a day at which `left`, above zero and within its length, was worked."""
        for opens, closes in self._spans(day):
            length = _since_midnight(closes) - _since_midnight(opens)
            if left <= length:
                return (datetime.combine(day, opens, WIB) + left).astimezone(UTC)
            left -= length
        raise AssertionError  # Nobody asks for more than the day has.

    def _working_days(self, day: date) -> Iterator[date]:
        """Yield the working days from `day` on, without end. Raises Misconfigured when there are none."""
        idle = 0
        while idle < _IDLE_DAYS:
            if self._length(day):
                idle = 0
                yield day
            else:
                idle += 1
            day += _DAY
        raise Misconfigured(
            f"calendar: no working time in the {_IDLE_DAYS} days before {day} (mend its hours, holidays)"
        )


class CalendarKind(StrEnum):
    """How a clock counts."""

    ALL_HOURS = "24x7"
    OFFICE = "office"


def _span(value: object) -> object:
    """Read `08:00-16:00`; a pair of times, as payloads have it, is left to pydantic."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("-"))
    if isinstance(value, list | tuple) and all(isinstance(part, str | time) for part in value):
        return value
    raise ValueError(_SPAN_RULE)


def _opens_before_it_closes(span: OfficeSpan) -> OfficeSpan:
    if any(at.tzinfo is not None for at in span) or span[0] >= span[1]:
        raise ValueError(_SPAN_RULE)
    return span


def _in_order(spans: tuple[OfficeSpan, ...]) -> tuple[OfficeSpan, ...]:
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ValueError("must be in order and must not overlap, such as 08:00-12:00 and 13:00-16:00")
    return spans


DayHours = Annotated[
    tuple[Annotated[OfficeSpan, BeforeValidator(_span), AfterValidator(_opens_before_it_closes)], ...],
    AfterValidator(_in_order),
]
"""The office hours of one day, checked; written as `["08:00-12:00", "13:00-16:00"]`."""


class CalendarPlan(Payload):
    """A calendar that can travel: what a clock counts by, with the holidays it can meet and no others.

    It counts rightly from the day on for which it was made. Equal plans count alike.
    """

    kind: CalendarKind = CalendarKind.ALL_HOURS
    hours: Annotated[tuple[DayHours, ...], Field(min_length=7, max_length=7)] = ((),) * 7
    """From Monday; only of an office."""
    holidays: tuple[date, ...] = ()
    extra_days: dict[date, DayHours] = Field(default_factory=dict)

    def calendar(self) -> Calendar:
        """Return the arithmetic."""
        if self.kind is CalendarKind.ALL_HOURS:
            return AllHours()
        return WorkingTime(self.hours, frozenset(self.holidays), self.extra_days)


class Budget(BaseModel):
    """How much time a clock gives: a duration that its calendar counts, or working days.

    Written as `"PT24H"`, `"3 hari kerja"` or `{ days = 3 }`. A duration is counted hour by hour: in working
    time `P1D` is 24 working hours, not a working day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    duration: timedelta | None = None
    days: int | None = Field(default=None, ge=1, le=_LONGEST)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, timedelta):
            return {"duration": value}
        if isinstance(value, dict | Budget):
            return value
        if not isinstance(value, str):
            raise ValueError(_BUDGET_RULE)  # noqa: TRY004 - pydantic wants a ValueError
        if counted := re.fullmatch(r"\s*(\d{1,4})\s+hari\s+kerja\s*", value):
            return {"days": int(counted[1])}
        if re.fullmatch(r"P[0-9.,DTHMSW]+", value) is None:
            raise ValueError(_BUDGET_RULE)
        return {"duration": value}

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Budget":
        if (self.duration is None) == (self.days is None):
            raise ValueError(_BUDGET_RULE)
        if self.duration is not None and not _ZERO < self.duration <= _LONGEST * _DAY:
            raise ValueError(f"must be longer than zero and at most {_LONGEST} days, for example PT24H")
        return self

    def due(self, calendar: Calendar, start: datetime) -> datetime:
        """Return when the budget is used up. Raises Misconfigured when the calendar counts no time."""
        if self.duration is not None:
            return calendar.add(start, self.duration)
        return calendar.add_days(start, self.days or 1)


def _utc(at: datetime) -> datetime:
    """Return the time in UTC. A naive time has no place here: it would be read in the machine's zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be counted")
    return at.astimezone(UTC)


def _local(at: datetime) -> datetime:
    return _utc(at).astimezone(WIB)


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)


def _length(spans: tuple[OfficeSpan, ...]) -> timedelta:
    return sum((_since_midnight(closes) - _since_midnight(opens) for opens, closes in spans), _ZERO)


def _at_least_one(days: int) -> int:
    if days < 1:
        raise ValueError("at least one working day")
    return days

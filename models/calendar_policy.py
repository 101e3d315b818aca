"""Office hours and holidays of the cities: data from `policies/`, checked before anything uses them."""

from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.calendar import CalendarKind, CalendarPlan, DayHours, WorkingTime
from models.case import CityCode
from models.errors import Misconfigured
from models.wib import wib_date

YEARS_AHEAD: Final = 1
"""A plan holds the holidays of the year it begins in, and of so many after it."""

NEAR_DAYS: Final = 60
"""The end of the last loaded year is near when it is at most so many days away."""


class HolidayKind(StrEnum):
    """Why an office is closed on a day."""

    NATIONAL = "national"
    CUTI_BERSAMA = "cuti_bersama"
    CANCELLED = "cancelled"
    """No holiday after all; the entry stays so that loading the year does not bring it back."""


class Holiday(BaseModel):
    """One day, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    name: str = Field(min_length=3, max_length=100)
    kind: HolidayKind
    source: str = Field(min_length=3, max_length=200)


class HolidayYear(BaseModel):
    """One file `libur-<year>.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    year: Annotated[int, Field(ge=2000, le=2100)]
    provisional: bool = False
    """Whether nobody compared the table with the joint decree (SKB) yet."""
    day: tuple[Holiday, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _days_are_of_the_year_and_in_order(self) -> "HolidayYear":
        days = [one.date for one in self.day]
        if outside := [str(day) for day in days if day.year != self.year]:
            raise ValueError(f"day: not in {self.year}: {', '.join(outside)}")
        if twice := sorted({str(day) for day in days if days.count(day) > 1}):
            raise ValueError(f"day: more than once: {', '.join(twice)}")
        for earlier, later in pairwise(days):
            if later < earlier:
                raise ValueError(f"day: must be in order of date: {later} comes after {earlier}")
        return self

    @property
    def closed(self) -> tuple[Holiday, ...]:
        """The days on which offices are closed."""
        return tuple(one for one in self.day if one.kind is not HolidayKind.CANCELLED)


class OfficeHours(BaseModel):
    """When an office works, in WIB; on a day that is not named it is closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    monday: DayHours = ()
    tuesday: DayHours = ()
    wednesday: DayHours = ()
    thursday: DayHours = ()
    friday: DayHours = ()
    saturday: DayHours = ()
    sunday: DayHours = ()

    @model_validator(mode="after")
    def _is_open_at_some_time(self) -> "OfficeHours":
        if not any(self.week):
            raise ValueError('must name at least one day, for example monday = ["08:00-16:00"]')
        return self

    @property
    def week(self) -> tuple[DayHours, ...]:
        """The hours of each day from Monday."""
        return (
            *(self.monday, self.tuesday, self.wednesday, self.thursday),
            *(self.friday, self.saturday, self.sunday),
        )


class CityCalendar(BaseModel):
    """One city of `kalender.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: OfficeHours
    extra_days: dict[date, DayHours] = Field(default_factory=dict)
    """Days with hours of their own; they win over weekday and holiday."""


class CalendarBook(BaseModel):
    """The file `kalender.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    city: dict[CityCode, CityCalendar] = Field(min_length=1)


class Calendars(BaseModel):
    """Office hours by city, and the holidays of every loaded year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    city: dict[CityCode, CityCalendar]
    years: tuple[HolidayYear, ...] = Field(min_length=1)
    """One after the other, without a gap."""

    @property
    def first_year(self) -> int:
        """The first year whose holidays are known."""
        return self.years[0].year

    @property
    def last_year(self) -> int:
        """The last year whose holidays are known; after it every weekday counts as a working day."""
        return self.years[-1].year

    def year(self, year: int) -> HolidayYear | None:
        """Return the holidays of a year; None when it is not loaded."""
        return next((one for one in self.years if one.year == year), None)

    def covers(self, start: datetime, end: datetime) -> bool:
        """Tell whether the holidays of every day from `start` to `end` are known."""
        return self.first_year <= wib_date(start).year and wib_date(end).year <= self.last_year

    def outlook(self, today: date) -> str:
        """Return how far the holidays are known, in words; they begin with WARN when that ends soon.

        Raises Misconfigured when the holidays of today's year are not known.
        """
        last = date(self.last_year, 12, 31)
        if not self.first_year <= today.year <= self.last_year:
            raise Misconfigured(
                f"the holidays of {today.year} are not loaded; working time counts them as work"
            )
        left = (last - today).days
        if left <= NEAR_DAYS:
            load = f"`starter.py calendar load {self.last_year + 1}`"
            return f"WARN holidays are known for {left} more days only, until {last}: {load}"
        drafts = [str(one.year) for one in self.years if one.provisional and one.year >= today.year]
        return f"holidays known until {last}" + (
            f"; not compared with the SKB: {', '.join(drafts)}" * bool(drafts)
        )

    def working_time(self, city: str) -> WorkingTime:
        """Return a city's working time over all loaded years. Raises Misconfigured for an unknown city."""
        calendar = self._calendar_of(city)
        holidays = frozenset(one.date for year in self.years for one in year.closed)
        return WorkingTime(calendar.hours.week, holidays, calendar.extra_days)

    def plan(self, city: str, kind: CalendarKind, since: date) -> CalendarPlan:
        """Return what a clock counts by that starts on this day in WIB. Raises Misconfigured."""
        calendar = self._calendar_of(city)
        if kind is CalendarKind.ALL_HOURS:
            return CalendarPlan()
        last = since.year + YEARS_AHEAD
        days = (one.date for year in self.years for one in year.closed)
        return CalendarPlan(
            kind=kind,
            hours=calendar.hours.week,
            holidays=tuple(day for day in days if since <= day and day.year <= last),
            extra_days={
                day: hours
                for day, hours in sorted(calendar.extra_days.items())
                if since <= day and day.year <= last
            },
        )

    def _calendar_of(self, city: str) -> CityCalendar:
        if city not in self.city:
            raise Misconfigured(
                f"policies: no calendar for this city; known are {', '.join(sorted(self.city))}"
            )
        return self.city[city]

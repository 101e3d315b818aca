"""The arithmetic of an SLA: a budget, a ledger of who the case waited for, and the rungs of the ladder.

Pure: no clock is read here and nothing sleeps. `due_at` is derived from the segments, never stored apart,
unless a time was promised instead of a budget.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.calendar import AllHours, Budget, Calendar
from models.case import SlaState
from models.rungs import BREACH_SHARE, Mark, Rung
from models.turns import Owner, PauseRule, Segment, Turns

_LONGEST: Final = timedelta(days=3660)
"""No budget grows beyond this, however often it is extended: a due time must never overflow."""


@dataclass(frozen=True)
class FixedEnd:
    """A time that was promised instead of a budget."""

    until: datetime
    since: datetime
    """When a time was first promised; pauses count for nothing from then on."""


class SlaClock:
    """A budget that runs from the complete file, through segments of which some do not count.

    Once `end_at` promised a time, the clock is due then, whoever the case waits for meanwhile: the time since
    that promise counts without pauses, and the budget is what brings it there. What is given or taken by
    `extend` afterwards moves that time by so much counted time, and an edited calendar moves it no further.
    """

    def __init__(
        self,
        budget: Budget,
        rungs: Sequence[Rung],
        *,
        calendar: Calendar | None = None,
        pauses: Mapping[Owner, PauseRule] | None = None,
    ) -> None:
        """`calendar` says which hours count, all unless given; `pauses` whose time does not."""
        self._promised = budget
        self._fixed: FixedEnd | None = None
        self._fixed_due: datetime | None = None
        self._extensions: tuple[timedelta, ...] = ()
        self._rungs = tuple(rungs)
        self._calendar = calendar or AllHours()
        self._turns = Turns(pauses or {})
        self._started_at: datetime | None = None
        self._reached = 0
        self._count()

    # -- What happens ----------------------------------------------------------------------------

    def start(self, at: datetime) -> None:
        """Begin to count at the time the file was complete; a clock is started once."""
        if self._started_at is not None:
            raise RuntimeError("the clock runs already")
        self._started_at = at
        self._count()

    def count_by(self, calendar: Calendar) -> None:
        """Count by another calendar, from the start on; rungs that were reached stay reached."""
        self._calendar = calendar
        self._count()

    def turn(self, owner: Owner, at: datetime, *, reason: str, by: str) -> None:
        """Let another's time begin; it begins no earlier than the time before it did."""
        self._turns.turn(owner, at, reason=reason, by=by)
        if self._fixed is not None:  # a turn that is told late moves what was used up by then
            self._count()

    def extend(self, by: timedelta) -> None:
        """Give the case more time, or less; rungs that were reached stay reached."""
        self._extensions = (*self._extensions, by)
        self._count()

    def end_at(self, until: datetime, now: datetime) -> None:
        """Promise a time in place of all that was given so far; rungs that were reached stay reached."""
        if self._started_at is None:
            raise RuntimeError("the clock does not run")
        since = max(now, self._started_at) if self._fixed is None else self._fixed.since
        self._fixed, self._extensions = FixedEnd(until, since), ()
        self._count()

    def moved(self, by: timedelta | None, until: datetime | None, now: datetime) -> "SlaClock":
        """Return the clock as `extend` would leave it, or `end_at` when there is a time; this one stays."""
        other = copy(self)
        if until is None:
            other.extend(by or timedelta(0))
        else:
            other.end_at(until, now)
        return other

    # -- What follows ----------------------------------------------------------------------------

    def counted(self, start: datetime, end: datetime) -> timedelta:
        """Return the time that counts from one moment to another; negative when `end` comes first."""
        return self._calendar.between(start, end) - self._calendar.between(end, start)

    @property
    def is_running(self) -> bool:
        """Whether the file was complete at some time."""
        return self._started_at is not None

    @property
    def is_breached(self) -> bool:
        """Whether the breach was reached."""
        return any(rung.is_breach for rung in self._rungs[: self._reached])

    @property
    def is_warned(self) -> bool:
        """Whether any rung was reached."""
        return self._reached > 0

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Every stretch of the case's time so far; the last one is open."""
        return self._turns.segments

    @property
    def due_at(self) -> datetime | None:
        """When the budget ends; None before the clock runs, and during a pause without end."""
        return self._when(self._budget) if self._fixed is None else self._fixed_due

    def due_if_resumed(self, now: datetime) -> datetime | None:
        """Return when the budget ends if the present pause ends now; `due_at` when there is no pause."""
        if self.is_due(now) or not self.is_paused(now):
            return self.due_at
        return self._calendar.add(now, self._budget - self.elapsed(now))

    def is_due(self, at: datetime) -> bool:
        """Tell whether the due time is reached."""
        due_at = self.due_at
        return due_at is not None and due_at <= at

    def is_paused(self, at: datetime) -> bool:
        """Tell whether the time at this moment does not count against the office."""
        if self._started_at is None or at < self._started_at:
            return False
        return all(not (start <= at and (end is None or at < end)) for start, end in self._running())

    def elapsed(self, at: datetime) -> timedelta:
        """Return how much of the budget is used up at a time."""
        used = timedelta(0)
        for start, end in self._running():
            used += self._calendar.between(start, at if end is None else min(end, at))
        return used

    def totals(self, until: datetime) -> dict[Owner, timedelta]:
        """Return the wall time of each owner; together it is all of the case's time."""
        return self._turns.totals(until)

    def pause_ends_at(self, now: datetime) -> datetime | None:
        """Return when the present pause has lasted as long as it may; None when there is none, or no end."""
        if not self.is_paused(now):
            return None
        return next((start for start, _ in self._running() if start > now), None)

    def next_mark(self) -> Mark | None:
        """Return the next rung that was not reached; None when all were, or none can be yet."""
        if self._reached == len(self._rungs):
            return None
        rung = self._rungs[self._reached]
        share = rung.share or BREACH_SHARE
        at = self.due_at if share == BREACH_SHARE else self._when(share * self._budget)
        return None if at is None else Mark(at + (rung.after or timedelta(0)), rung)

    def reach(self, now: datetime) -> list[Mark]:
        """Pass every rung up to `now` and return them in their order; each is passed once."""
        passed = []
        while (mark := self.next_mark()) is not None and mark.at <= now:
            passed.append(mark)
            self._reached += 1
        return passed

    def stop_climbing(self) -> None:
        """Pass over the levels that are left once the breach was told: somebody has taken charge."""
        if self.is_breached:
            self._reached = len(self._rungs)

    def rearm(self, now: datetime) -> None:
        """Let every rung that lies ahead be reached again: the time a late case was given may run out too."""
        self._reached = 0
        self.reach(now)

    def settle(self, happened_at: datetime) -> SlaState:
        """Judge the end by arithmetic alone; whether a timer fired does not matter.

        A case whose clock never ran met its SLA: nothing was promised for an incomplete file.
        """
        due_at = self.due_at
        is_late = due_at is not None and happened_at > due_at
        return SlaState.MISSED if is_late else SlaState.MET

    # -- Arithmetic ------------------------------------------------------------------------------

    def _count(self) -> None:
        """Compute budget and fixed due time from what was promised, given and taken, in counted time."""
        given = self._first_given()
        for by in self._extensions:
            given = min(max(given + by, timedelta(0)), max(given, _LONGEST))
        self._budget = given
        if self._fixed is not None and self._started_at is not None:
            until, since = self._fixed.until, self._fixed.since
            self._fixed_due = self._calendar.add(self._started_at, given) if self._extensions else until
            self._budget = max(self.elapsed(since) + self.counted(since, self._fixed_due), timedelta(0))

    def _first_given(self) -> timedelta:
        """Return what was promised, in counted time from the start.

        A working day is a day, not eight hours: what it holds is known once it is known which days.
        """
        if self._started_at is not None and self._fixed is not None:
            return self._calendar.between(self._started_at, self._fixed.until)
        if self._started_at is not None and self._promised.days is not None:
            end = self._promised.due(self._calendar, self._started_at)
            return self._calendar.between(self._started_at, end)
        return self._promised.duration or timedelta(0)

    def _when(self, used: timedelta) -> datetime | None:
        """Return when so much of the budget is used up, as far as it can be known now."""
        left = used
        for start, end in self._running():
            if end is None:
                return self._calendar.add(start, left)
            counted = self._calendar.between(start, end)
            if counted >= left:
                return self._calendar.add(start, left)
            left -= counted
        return None

    def _running(self) -> list[tuple[datetime, datetime | None]]:
        """Return the stretches of time that count, in their order; the last one may have no end."""
        if self._started_at is None:
            return []
        unpaused_from = None if self._fixed is None else self._fixed.since
        return list(self._turns.counting(self._started_at, unpaused_from))

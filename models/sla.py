"""The arithmetic of an SLA: a budget, a ledger of who the case waited for, and the rungs of the ladder.

Pure: no clock is read here and nothing sleeps. `due_at` is derived from the segments, never stored apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.calendar import AllHours, Budget, Calendar
from models.case import SlaState, WaitingOn
from models.payload import Payload

BREACH_SHARE: Final = 1.0


class Owner(StrEnum):
    """Whose time passes."""

    APPLICANT = "applicant"
    DINSOS = "dinsos"
    KEMENSOS = "kemensos"
    BPJS = "bpjs"
    OUTAGE = "outage"


OWNER: Final = {
    WaitingOn.OFFICER: Owner.DINSOS,
    WaitingOn.SIGNER: Owner.DINSOS,
    WaitingOn.SUPERVISOR: Owner.DINSOS,
    WaitingOn.NOBODY: Owner.DINSOS,
    WaitingOn.APPLICANT: Owner.APPLICANT,
    WaitingOn.SIKS_NG: Owner.KEMENSOS,
    WaitingOn.KEMENSOS: Owner.KEMENSOS,
    WaitingOn.BPJS: Owner.BPJS,
}
"""Whose time it is while the case waits for them. SIKS-NG is run by Kemensos."""


class PauseRule(Payload):
    """What of an owner's time does not count against the office."""

    at_most: timedelta | None = None
    """Longest part of one wait that pauses the clock; it runs on afterwards. None: as long as the wait."""
    times: int | None = None
    """How many waits pause the clock; later ones do not. None: every one."""


class Rung(Payload):
    """A moment at which somebody is told: at a share of the budget, or some time after it is used up."""

    share: float | None = None
    """Of the budget, above 0; 1 is the breach."""
    after: timedelta | None = None
    """Since the breach, in wall time."""
    level: int = 0
    """Escalation level that the rung leads to: 0 before the breach, 1 with it, more above."""

    @property
    def name(self) -> str:
        """The rung in a word: `75` for a share in percent, `L2` for a level."""
        return f"L{self.level}" if self.share is None else str(round(self.share * 100))

    @property
    def is_breach(self) -> bool:
        """Whether the budget is used up here."""
        return self.share is not None and self.share >= BREACH_SHARE


def ladder(warn_at: Sequence[float], levels: Sequence[timedelta] = ()) -> tuple[Rung, ...]:
    """Return the rungs: warnings, the breach, and a level for each time after it, in their order."""
    warnings = (Rung(share=share) for share in sorted(warn_at))
    above = (Rung(after=after, level=number) for number, after in enumerate(sorted(levels), 2))
    return (*warnings, Rung(share=BREACH_SHARE, level=1), *above)


@dataclass(frozen=True)
class Mark:
    """A rung, and when it is reached."""

    at: datetime
    rung: Rung


@dataclass(frozen=True)
class Segment:
    """A stretch of a case's time. Each begins where the one before ends: together they are all of it."""

    start: datetime
    end: datetime | None
    owner: Owner
    reason: str
    """Why it was this owner's time: a step, or a reason code."""
    opened_by: str
    closed_by: str | None = None

    def length(self, until: datetime) -> timedelta:
        """Return how long it has lasted by a time."""
        end = until if self.end is None else min(self.end, until)
        return max(end - self.start, timedelta(0))


class SlaClock:
    """A budget that runs from the complete file, through segments of which some do not count."""

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
        self._extensions: list[timedelta] = []
        self._rungs = tuple(rungs)
        self._calendar = calendar or AllHours()
        self._pauses = dict(pauses or {})
        self._segments: list[Segment] = []
        self._started_at: datetime | None = None
        self._reached = 0
        self._budget = self._given()

    # -- What happens ----------------------------------------------------------------------------

    def start(self, at: datetime) -> None:
        """Begin to count at the time the file was complete; a clock is started once."""
        if self._started_at is not None:
            raise RuntimeError("the clock runs already")
        self._started_at = at
        self._budget = self._given()

    def count_by(self, calendar: Calendar) -> None:
        """Count by another calendar, from the start on; rungs that were reached stay reached."""
        self._calendar = calendar
        self._budget = self._given()

    def turn(self, owner: Owner, at: datetime, *, reason: str, by: str) -> None:
        """Let another's time begin; it begins no earlier than the time before it did."""
        if self._segments:
            last = self._segments[-1]
            at = max(at, last.start)
            self._segments[-1] = replace(last, end=at, closed_by=by)
        self._segments.append(Segment(start=at, end=None, owner=owner, reason=reason, opened_by=by))

    def extend(self, by: timedelta) -> None:
        """Give the case more time, or less; rungs that were reached stay reached."""
        self._extensions.append(by)
        self._budget = self._given()

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
        return tuple(self._segments)

    @property
    def due_at(self) -> datetime | None:
        """When the budget ends; None before the clock runs, and during a pause without end."""
        return self._when(self._budget)

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
        totals: dict[Owner, timedelta] = {}
        for segment in self._segments:
            totals[segment.owner] = totals.get(segment.owner, timedelta(0)) + segment.length(until)
        return totals

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
        at = self._when((rung.share or BREACH_SHARE) * self._budget)
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
        is_late = self.is_running and self.elapsed(happened_at) > self._budget
        return SlaState.MISSED if is_late else SlaState.MET

    # -- Arithmetic ------------------------------------------------------------------------------

    def _given(self) -> timedelta:
        """Return the budget in counted time, with every extension.

        A working day is a day, not eight hours: what it holds is known once it is known which days.
        """
        given = self._promised.duration or timedelta(0)
        if self._promised.days is not None and self._started_at is not None:
            end = self._promised.due(self._calendar, self._started_at)
            given = self._calendar.between(self._started_at, end)
        for by in self._extensions:
            given = max(given + by, timedelta(0))
        return given

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

    def _running(self) -> Iterator[tuple[datetime, datetime | None]]:
        """Yield the stretches of time that count, in their order; the last one may have no end."""
        if self._started_at is None:
            return
        if not self._segments or self._started_at < self._segments[0].start:
            yield self._started_at, self._segments[0].start if self._segments else None
        waits: dict[Owner, int] = {}
        for segment in self._segments:
            if segment.end is not None and segment.end <= self._started_at:
                continue
            waits[segment.owner] = waits.get(segment.owner, 0) + 1
            start = self._counts_from(segment, self._started_at, waits[segment.owner])
            if start is not None and (segment.end is None or start < segment.end):
                yield start, segment.end

    def _counts_from(self, segment: Segment, started_at: datetime, wait: int) -> datetime | None:
        """Return from when on a segment counts, it being its owner's so-manieth; None when it never does."""
        start = max(segment.start, started_at)
        rule = self._pauses.get(segment.owner)
        if rule is None or (rule.times is not None and wait > rule.times):
            return start
        return None if rule.at_most is None else start + rule.at_most

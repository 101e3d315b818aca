"""Notices an edited calendar, and asks every open case that counts office time to count anew."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Final

import structlog

from gateways.ports.calendars import CalendarMarks, OpenClock
from gateways.ports.policies import PolicyShelf
from models.calendar import CalendarKind, CalendarPlan, WorkingTime
from models.calendar_policy import Calendars
from models.errors import Misconfigured
from models.messages import Recount
from models.policy import CityPolicy
from models.wib import wib_date

log = structlog.get_logger()

_SOME_TIME: Final = timedelta(minutes=1)


class Recounter:
    """Compares the calendars on the shelf with those by which the clocks count.

    A worker speaks up when it starts and when its own calendars change: one that has older policies at hand
    does not turn back what another has done.
    """

    def __init__(self, shelf: PolicyShelf, marks: CalendarMarks, clock: Callable[[], datetime]) -> None:
        """`shelf` is the one from which cases get their plans; `clock` tells when an edit is noted."""
        self._shelf = shelf
        self._marks = marks
        self._clock = clock
        self._seen: dict[str, str] = {}

    async def look(self) -> int:
        """Write the commands that edits make necessary; return how many.

        Costs a look at the files while nothing was edited. Raises EngineUnreachable.
        """
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        try:
            calendars = self._shelf.calendars()
        except Misconfigured as fault:
            log.warning("calendar.unreadable", what=str(fault))
            return 0
        return sum(self._renew(policy, calendars) for policy in self._shelf.cities())

    def _renew(self, policy: CityPolicy, calendars: Calendars) -> int:
        working_time = calendars.working_time(policy.code)
        digest = digest_of(working_time)
        if self._seen.get(policy.code) == digest:
            return 0
        now = self._clock()
        asked = None
        try:
            working_time.add(now, _SOME_TIME)
        except Misconfigured as fault:  # a clock that counts by it would stop its case
            log.warning("calendar.not_taken_over", city=policy.code, what=str(fault))
        else:
            asked = self._marks.renew(policy.code, digest, now, _recounts(policy, calendars, digest, now))
        self._seen[policy.code] = digest
        if asked is not None:
            log.info("calendar.changed", city=policy.code, cases=asked)
        return asked or 0


def digest_of(calendar: WorkingTime) -> str:
    """Return what is equal for calendars that count alike."""
    plan = CalendarPlan(
        kind=CalendarKind.OFFICE,
        hours=calendar.hours,
        holidays=tuple(sorted(calendar.holidays)),
        extra_days=dict(sorted(calendar.extra_days.items())),
    )
    return sha256(plan.model_dump_json().encode()).hexdigest()


def _recounts(
    policy: CityPolicy, calendars: Calendars, digest: str, now: datetime
) -> Callable[[OpenClock], Recount | None]:
    """Return what makes the command for a case; None for one that does not count office time.

    A clock that has not started gets the calendar too: its plan was read before the edit. How it will count
    is known by its track. The command's id names the edit, which may bring back an earlier calendar.
    """

    @cache
    def plan(since: date) -> CalendarPlan:
        return calendars.plan(policy.code, CalendarKind.OFFICE, since)

    def recount(clock: OpenClock) -> Recount | None:
        counts = clock.counts or policy.tracks[clock.case.track].sla.counts
        if counts is not CalendarKind.OFFICE and not clock.may_change:
            return None
        return Recount(
            command_id=f"recount-{now:%Y%m%dT%H%M%S}-{digest[:8]}-{clock.case.case_number}",
            calendar=plan(wib_date(clock.case.received_at)),
        )

    return recount

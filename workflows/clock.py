"""The clock of a running case: starts it, tells its marks, judges the end."""

import asyncio
from datetime import datetime

from temporalio import workflow

from models.case import SlaState
from models.messages import AlertKind, CasePlan, EventKind
from workflows.alarm import Alarm
from workflows.progress import Progress
from workflows.sla import Mark, SlaClock, keep_time


class CaseClock:
    """Joins the arithmetic of `SlaClock` with the state, the ledger events and the alerts of a case.

    A case that changes its track gets another clock; the old one's timer ends and can tell nothing more.
    """

    def __init__(self, progress: Progress, alarm: Alarm) -> None:
        """Begin without a budget; `set` gives one."""
        self._progress = progress
        self._alarm = alarm
        self._clock: SlaClock | None = None
        self._generation = 0
        self._keepers: list[asyncio.Task[None]] = []
        self._is_over = False

    def set(self, plan: CasePlan) -> None:
        """Hold the case to this plan from now on, with a clock that does not run yet."""
        self._clock = SlaClock(plan.budget, plan.warn_at)
        self._generation += 1

    @property
    def has_plan(self) -> bool:
        """Whether it is known what the case is held to."""
        return self._clock is not None

    @property
    def is_running(self) -> bool:
        """Whether the file was complete at some time."""
        return self._clock is not None and self._clock.is_running

    @property
    def is_broken(self) -> bool:
        """Whether a timekeeper ended by an error."""
        return any(keeper.done() and keeper.exception() is not None for keeper in self._keepers)

    def start(self, at: datetime) -> None:
        """Begin to count at the time the file was complete."""
        clock = self._present()
        clock.start(at)
        self._progress.move(due_at=clock.due_at)
        self._progress.note(EventKind.SLA_STARTED, at=at)
        keeper = keep_time(clock, self._tell, lambda: self._is_over or self._clock is not clock)
        self._keepers.append(asyncio.create_task(keeper))

    def restart(self, plan: CasePlan, at: datetime) -> None:
        """Begin anew under another plan; a file that is not complete yet waits for that as before."""
        was_running = self.is_running
        self.set(plan)
        self._progress.move(due_at=None, sla_state=SlaState.ON_TRACK, escalation_level=0, detected_at=None)
        if was_running or plan.complete_at is not None:
            self.start(at)

    async def stop(self) -> None:
        """End the pending timer. An error of the clock comes out here, not in silence."""
        self._is_over = True
        for keeper in self._keepers:
            await keeper

    def settle(self, happened_at: datetime) -> SlaState:
        """Judge the end, and note a breach that no timer came to tell.

        The timer and the last answer may arrive together; then the timekeeper never saw its mark. An
        answer that happened in time and was told late is in time. A case whose plan was never read
        promised nothing.
        """
        if self._clock is None:
            return SlaState.MET
        clock = self._clock
        if (mark := clock.reach(happened_at)) is not None and mark.is_breach:
            self._pass(mark)
        return clock.settle(happened_at)

    async def _tell(self, mark: Mark) -> None:
        self._pass(mark)
        await self._progress.publish()

    def _pass(self, mark: Mark) -> None:
        """Note a mark and begin to tell people."""
        now = workflow.now()
        if mark.is_breach:
            self._progress.move(sla_state=SlaState.BREACHED, escalation_level=mark.level, detected_at=now)
            late = int((now - mark.at).total_seconds())
            self._progress.note(EventKind.SLA_BREACHED, {"detected_late_seconds": late}, at=mark.at)
        else:
            self._progress.move(sla_state=SlaState.AT_RISK)
            self._progress.note(EventKind.SLA_WARNED, {"percent": mark.percent}, at=mark.at)
        kind = AlertKind.SLA_BREACH if mark.is_breach else AlertKind.SLA_WARNING
        self._alarm.raise_(kind, f"sla:{self._generation}:{mark.percent}", self._progress.state)

    def _present(self) -> SlaClock:
        if self._clock is None:
            raise RuntimeError("the case has no plan yet")
        return self._clock

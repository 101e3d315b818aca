"""The clock of a running case: starts it, turns it, tells its rungs, judges the end.

The arithmetic is in `models/sla.py`; this is the thin loop that sleeps in Temporal, with one timer at a time.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow

from models.calendar import AllHours, Calendar, CalendarKind, CalendarPlan
from models.case import SlaState, Step, WaitingOn
from models.messages import CasePlan, EventKind
from models.roles import MACHINE
from models.rungs import Mark, ladder
from models.sla import SlaClock
from models.turns import OWNER, Owner, PauseRule
from workflows.alarm import Alarm
from workflows.patience import Patience
from workflows.progress import Progress
from workflows.telling import Telling

_STEP_RUNGS: Final = ladder(())
ARMS_AGAIN: Final = "armed-again"
"""Patch: a clock is armed again by whatever makes a late case one that is not late, not by `extend` alone."""
KEEPS_TIMES: Final = "until-is-kept"
"""Patch: `extend` until a time promises that time; before, it added the time from the due time until then."""


class CaseClock:
    """Joins the arithmetic with state, ledger events and alerts: one clock for the case, one for its step.

    A case that changes its track gets another clock; what was told of the old one stays told. Alerts are told
    once in a generation of the clock: another track begins one, and so does whatever makes a late case one
    that is not late.
    """

    def __init__(self, progress: Progress, alarm: Alarm) -> None:
        """Begin without a budget, in the office's time; `hold_to` gives a budget."""
        self._progress = progress
        self._telling = Telling(progress, alarm)
        self._plan: CasePlan | None = None
        self._clock: SlaClock | None = None
        self._step: SlaClock | None = None
        self._owner: Owner | None = None
        self._is_parked = False
        self._owner_since: tuple[datetime, str, str] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._armed: datetime | None = None
        self._due: datetime | None = None
        self._is_over = False
        self._changed_at: datetime | None = None
        """When what the case is held to was last changed: nobody was warned of that before."""
        self.patience = Patience(progress, alarm)

    # -- What happens ----------------------------------------------------------------------------

    def hold_to(self, plan: CasePlan) -> None:
        """Hold the case to this plan from now on, with a clock that does not run yet."""
        self._plan = plan
        self.patience.rule = plan.patience
        self._telling.begin_generation()
        self._clock = SlaClock(
            plan.budget,
            ladder(plan.warn_at, plan.levels),
            calendar=plan.calendar.calendar(),
            pauses=plan.pauses,
        )
        if self._owner is not None and self._owner_since is not None:
            at, reason, by = self._owner_since
            self._clock.turn(self._owner, at, reason=reason, by=by)
        if plan.patience is not None:
            self._keep()

    @property
    def has_plan(self) -> bool:
        """Whether it is known what the case is held to."""
        return self._plan is not None

    @property
    def is_running(self) -> bool:
        """Whether the file was complete at some time."""
        return self._clock is not None and self._clock.is_running

    @property
    def is_broken(self) -> bool:
        """Whether the loop ended by an error."""
        return self._keeper is not None and self._keeper.done() and self._keeper.exception() is not None

    def start(self, at: datetime) -> None:
        """Begin to count at the time the file was complete."""
        self._present().start(at)
        counts = CalendarKind.ALL_HOURS if self._plan is None else self._plan.calendar.kind
        self._progress.note(EventKind.SLA_STARTED, {"counts": counts}, at=at)
        self._show()
        self._keep()

    def restart(self, plan: CasePlan, at: datetime) -> None:
        """Begin anew under another plan; a file that is not complete yet waits for that as before."""
        was_running = self.is_running
        self.hold_to(plan)
        self._changed_at = workflow.now()
        if was_running or plan.complete_at is not None:
            self.start(at)
        self._show()

    def turn(
        self, waiting_on: WaitingOn, *, reason: str, by: str = MACHINE, at: datetime | None = None
    ) -> None:
        """Let it be another's turn, now unless `at` says since when."""
        self._progress.move(waiting_on=waiting_on)
        self.patience.judge()
        if not self._is_parked:
            self._give_turn(OWNER[waiting_on], at or workflow.now(), reason, by)
        self._show()

    def park(self, at: datetime, *, reason: str) -> None:
        """Let it be the outage's time until `release`, whoever the case waits for meanwhile."""
        self._is_parked = True
        self._give_turn(Owner.OUTAGE, at, reason, MACHINE)
        self._show()

    def release(self, at: datetime, *, reason: str, by: str) -> None:
        """Let it be the turn again of whom the case waits for, who was not waited for meanwhile."""
        self._is_parked = False
        self._progress.move(since=workflow.now())
        self.patience.judge()
        self._give_turn(OWNER[self._progress.state.waiting_on], at, reason, by)
        self._show()

    def _give_turn(self, owner: Owner, at: datetime, reason: str, by: str) -> None:
        at = min(at, workflow.now())
        if owner is not self._owner:
            if self._owner is not None:
                was = {"owner": owner, "was": self._owner, "reason": reason, "by": by}
                self._progress.note(EventKind.SLA_TURNED, was, at=at)
            self._owner, self._owner_since = owner, (at, reason, by)
            for clock in (self._clock, self._step):
                if clock is not None:
                    clock.turn(owner, at, reason=reason, by=by)

    def enter_step(self, step: Step, at: datetime) -> None:
        """Give the step the budget that the plan has for it."""
        budget = None if self._plan is None else self._plan.steps.get(step)
        self._step = None
        if budget is not None and self._owner is not None:
            self._step = SlaClock(budget, _STEP_RUNGS, calendar=self._calendar(), pauses=self._pauses())
            self._step.turn(self._owner, at, reason=step, by=MACHINE)
            self._step.start(at)
        self._show()

    def leave_step(self) -> None:
        """Count the step's budget no more: it was answered."""
        self._step = None

    def extend(self, by: timedelta | None, until: datetime | None, at: datetime) -> None:
        """Give the case more time, or less, by so much or until a time that no pause moves from `at` on."""
        clock = self._present()
        if until is None:
            clock.extend(by or timedelta(0))
        elif workflow.patched(KEEPS_TIMES):
            clock.end_at(until, at)
        elif clock.due_at is not None:
            clock.extend(clock.counted(clock.due_at, until))
        self._changed_at = at
        self._arm_again(is_old_way=clock.due_at is not None)
        self._show()

    def forecast(self, by: timedelta | None, until: datetime | None) -> datetime | None:
        """Return when the case would be due after `extend`; nothing is done."""
        return self._present().moved(by, until, workflow.now()).due_at

    @property
    def due_if_resumed(self) -> datetime | None:
        """When the case is due if nothing pauses its clock from now on."""
        return self._present().due_if_resumed(workflow.now())

    def count_by(self, calendar: CalendarPlan) -> None:
        """Count by an edited calendar, from the start on; a clock that counts by another kind goes on."""
        if self._plan is None or self._plan.calendar.kind is not calendar.kind:
            return
        self._plan = self._plan.model_copy(update={"calendar": calendar})
        self._changed_at = workflow.now()
        for clock in (self._clock, self._step):
            if clock is not None:
                clock.count_by(self._calendar())
        self._show()

    def stop_climbing(self) -> None:
        """Tell no higher level: somebody has taken charge."""
        self._present().stop_climbing()

    async def stop(self) -> None:
        """End the pending timer. An error of the clock comes out here, not in silence."""
        self._is_over = True
        if self._keeper is not None:
            await self._keeper

    def settle(self, happened_at: datetime) -> tuple[SlaState, dict[str, str | int]]:
        """Judge the end; return it with the minutes of each owner.

        A breach that no timer came to tell is noted: the timer and the last answer may arrive together. An
        answer that happened in time and was told late is in time.
        """
        clock = self._clock
        if clock is None:
            return SlaState.MET, {}  # it never became known what the case is held to
        marks = clock.reach(happened_at)
        if any(mark.rung.is_breach for mark in marks):
            self._pass(marks)
        minutes: dict[str, str | int] = {
            f"{owner}_minutes": round(spent / timedelta(minutes=1))
            for owner, spent in clock.totals(happened_at).items()
        }
        return clock.settle(happened_at), minutes

    # -- The loop ----------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        """Wait from rung to rung and tell each, until `stop`.

        The end is a condition and not a cancellation of this task: the SDK swallows a cancellation that comes
        together with the result that the task waits for.
        """
        while not self._is_over:
            self._due = self._next_look()
            self._armed = _first(self._due, self.patience.ends_at)
            if self._armed is None:
                await workflow.wait_condition(self._must_look_again)
                continue
            wait = self._armed - workflow.now()
            if wait > timedelta(0):
                with suppress(TimeoutError):
                    await workflow.wait_condition(
                        self._must_look_again, timeout=wait, timeout_summary=self._name_of_next()
                    )
            if workflow.now() >= self._armed and not self._has_ended():
                await self._look()

    def _has_ended(self) -> bool:
        return self._is_over

    def _must_look_again(self) -> bool:
        """Tell whether the timer is set wrong; one that is only too early for a wait goes on."""
        end = self.patience.ends_at
        is_sooner = end is not None and (self._armed is None or end < self._armed)
        return self._is_over or is_sooner or self._next_look() != self._due

    def _next_look(self) -> datetime | None:
        """Return when something is due next: a rung of the case or its step, or the end of a pause."""
        now = workflow.now()
        looks = [clock.next_mark() for clock in (self._clock, self._step) if clock is not None]
        times = [mark.at for mark in looks if mark is not None]
        if self._clock is not None and (end := self._clock.pause_ends_at(now)) is not None:
            times.append(end)
        return min(times, default=None)

    def _name_of_next(self) -> str:
        mark = self._present().next_mark()
        if self._armed != self._due:
            return f"Batas menunggu {self._progress.state.step}"
        if mark is None or mark.at != self._armed:
            return f"SLA {self._progress.state.step}"
        return "SLA breach" if mark.rung.is_breach else f"SLA {mark.rung.name}"

    async def _look(self) -> None:
        """Tell what is due by now."""
        now = workflow.now()
        self._pass(self._present().reach(now))
        if self._step is not None and self._step.reach(now):
            self._telling.step_overdue()
        self.patience.lose(now)
        self._show()
        await self._progress.publish()

    def _pass(self, marks: list[Mark]) -> None:
        """Tell of the rungs that were passed."""
        self._telling.note(marks, since=self._changed_at)
        self._show()
        self._telling.alert(marks)

    def _arm_again(self, *, is_old_way: bool = False) -> None:
        """Begin a generation when the breach was told and the case is not late any more.

        This is the one place that decides it, for whatever moved the due time: an extension, an edited
        calendar, a wait that is told late. A due time that is not known lies ahead.
        """
        clock, now = self._clock, workflow.now()
        if clock is None or not clock.is_breached or clock.is_due(now):
            return
        if is_old_way or workflow.patched(ARMS_AGAIN):
            self._telling.begin_generation()
            clock.rearm(now)

    # -- What is seen ------------------------------------------------------------------------------

    def _show(self) -> None:
        """Bring due time and SLA state in line with the clock."""
        clock = self._clock
        if clock is None or not clock.is_running:
            return
        self._arm_again()
        now = workflow.now()
        due_at = clock.due_at
        state = SlaState.AT_RISK if clock.is_warned else SlaState.ON_TRACK
        if clock.is_breached and (due_at is None or due_at <= now):
            state = SlaState.BREACHED
        elif clock.is_paused(now):
            state = SlaState.PAUSED
        self._progress.move(due_at=due_at, sla_state=state)

    def _calendar(self) -> Calendar:
        return AllHours() if self._plan is None else self._plan.calendar.calendar()

    def _pauses(self) -> dict[Owner, PauseRule]:
        return {} if self._plan is None else self._plan.pauses

    def _keep(self) -> None:
        """Begin to watch the time, once."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_time())

    def _present(self) -> SlaClock:
        if self._clock is None:
            raise RuntimeError("the case has no plan yet")
        return self._clock


def _first(*times: datetime | None) -> datetime | None:
    """Return the earliest; None when there is none."""
    return min((time for time in times if time is not None), default=None)

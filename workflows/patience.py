"""How long a running case waits for the same before it is called stuck; the step goes on all the same."""

from datetime import datetime, timedelta

from models.case import CaseHealth, WaitingOn
from models.messages import AlertKind, EventKind
from models.standstill import SLOW, TOO_OFTEN, StuckRule, loses_patience_at, waits_for
from workflows.alarm import Alarm
from workflows.progress import Progress


class Patience:
    """Joins the rule with state, ledger events and alerts. The case's clock asks when it ends."""

    def __init__(self, progress: Progress, alarm: Alarm) -> None:
        """Begin without a rule: a case that began before there was one is never called stuck by it."""
        self._progress = progress
        self._alarm = alarm
        self._has_begun = False
        self._told: tuple[WaitingOn, datetime] | None = None
        self.rule: StuckRule | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When the case has waited too long; None while it does not wait."""
        return loses_patience_at(self._progress.state, self.rule) if self._has_begun and self.rule else None

    def judge(self) -> None:
        """Bring health in line with whom the case waits for since when; what stands still stays so."""
        self._has_begun = True
        state = self._progress.state
        if state.trouble in SLOW and (state.waiting_on, state.since) != self._told:
            self._progress.move(health=CaseHealth.OK, trouble=None)
        state = self._progress.state
        is_fine = state.health is CaseHealth.OK
        if self.rule is not None and is_fine and state.attempt > self.rule.attempts:
            self._progress.move(health=CaseHealth.STUCK, trouble=TOO_OFTEN)

    def lose(self, now: datetime) -> None:
        """Call the case stuck and tell people, if it has waited too long by now."""
        end, state = self.ends_at, self._progress.state
        if end is None or end > now:
            return
        trouble = waits_for(state.waiting_on)
        self._told = (state.waiting_on, state.since)
        self._progress.move(health=CaseHealth.STUCK, trouble=trouble)
        minutes = int((now - state.since) / timedelta(minutes=1))
        self._progress.note(EventKind.STEP_WAITS_LONG, {"trouble": trouble, "minutes": minutes})
        key = f"{trouble}:{state.step}:{state.attempt}"
        self._alarm.raise_(AlertKind.CASE_STUCK, key, self._progress.state, trouble)

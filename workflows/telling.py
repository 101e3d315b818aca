"""What is told of the rungs of a clock: noted in the ledger and raised as alerts, once in each generation."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow

from models.messages import AlertKind, EventKind
from models.rungs import Mark
from workflows.alarm import Alarm
from workflows.progress import Progress


class Telling:
    """Tells rungs that were passed. The generation is a part of each alert's key."""

    def __init__(self, progress: Progress, alarm: Alarm) -> None:
        """Begin before the first generation."""
        self._progress = progress
        self._alarm = alarm
        self._generation = 0

    def begin_generation(self) -> None:
        """Let nobody count as told: what comes is told anew, from the first level on."""
        self._generation += 1
        self._progress.move(escalation_level=0, detected_at=None)

    def note(self, marks: Sequence[Mark], *, since: datetime | None) -> None:
        """Note what was passed, and the level that it leads to.

        `since` is when what the case is held to was last changed: nobody was warned of that before.
        """
        now = workflow.now()
        for mark in marks:
            if mark.rung.is_breach:
                self._progress.move(detected_at=now)
                late = int((now - mark.at).total_seconds())
                self._progress.note(EventKind.SLA_BREACHED, {"detected_late_seconds": late}, at=mark.at)
            elif mark.rung.share is not None:
                facts = {"percent": int(mark.rung.name)}
                self._progress.note(EventKind.SLA_WARNED, facts, at=max(mark.at, since or mark.at))
        level = max((mark.rung.level for mark in marks), default=0)
        self._progress.move(escalation_level=max(self._progress.state.escalation_level, level))

    def alert(self, marks: Sequence[Mark]) -> None:
        """Begin to tell of the newest warning, or of each level; the state is what people are told."""
        if not marks:
            return
        state, key = self._progress.state, f"sla:{self._generation}"
        reached = [mark.rung for mark in marks if mark.rung.level]
        if not reached:
            self._alarm.raise_(AlertKind.SLA_WARNING, f"{key}:{marks[-1].rung.name}", state)
        for rung in reached:  # one alert each: judged again at a later hour, none is told twice
            at_level = state.model_copy(update={"escalation_level": rung.level})
            self._alarm.raise_(AlertKind.SLA_BREACH, f"{key}:{rung.name}", at_level, levels=(rung.level,))

    def step_overdue(self) -> None:
        """Tell that the present step has used up its own budget."""
        state = self._progress.state
        self._progress.note(EventKind.STEP_OVERDUE)
        key = f"step:{self._generation}:{state.step}:{state.attempt}"
        self._alarm.raise_(AlertKind.STEP_OVERDUE, key, state)

"""Office time beside the due time of a case whose clock counts all hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateways.ports.policies import PolicyShelf
from models.calendar import CalendarKind
from models.case import CaseState
from models.errors import Misconfigured
from models.messages import CaseEvent, EventKind


def office_left(
    state: CaseState, history: Sequence[CaseEvent], shelf: PolicyShelf, now: datetime
) -> timedelta | None:
    """Return the office's working time from now until the case is due.

    None for a case that is over or not due, for a clock that counts office time itself, and where hours or
    holidays are not known.
    """
    if state.due_at is None or state.outcome is not None:
        return None
    try:
        if _counts(state, history, shelf) is not CalendarKind.ALL_HOURS:
            return None
        calendars = shelf.calendars()
        if not calendars.covers(now, state.due_at):
            return None
        return calendars.working_time(state.case.city).between(now, state.due_at)
    except Misconfigured:
        return None


def _counts(state: CaseState, history: Sequence[CaseEvent], shelf: PolicyShelf) -> CalendarKind:
    """Return how the clock counts: as it told when it started, otherwise as the track's policy says."""
    started = [event.facts for event in history if event.kind is EventKind.SLA_STARTED]
    if started and "counts" in started[-1]:
        return CalendarKind(str(started[-1]["counts"]))
    return shelf.city(state.case.city).tracks[state.case.track].sla.counts

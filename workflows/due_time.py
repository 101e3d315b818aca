"""What is asked of a due time: more time or less, by so much or until a time, and what may not be asked."""

from datetime import timedelta
from typing import Final

from temporalio import workflow

from models.case import CaseState
from models.messages import Extend, Shorten
from workflows.inbox import refused
from workflows.sla import CaseClock

_FARTHEST: Final = timedelta(days=3650)
"""A due time later than this from now is refused: what a workflow counts with must never overflow."""


def require_later(clock: CaseClock, command: Extend) -> None:
    """Refuse what is not more time, or is more than a date can hold.

    In a pause the due time that is shown holds all of the pause that there may be. More time is what ends
    later than the case would be due if the pause ended now.
    """
    _require_one(clock, command)
    if command.by is not None and command.by <= timedelta(0):
        raise refused("an extension gives more time: less is an order of its own, `shorten`")
    due_at = clock.due_if_resumed
    if command.until is not None and due_at is not None and command.until <= due_at:
        raise refused("an extension ends after the present due time: less is an order of its own, `shorten`")
    due_at = clock.forecast(command.by, command.until)
    if due_at is not None and due_at > workflow.now() + _FARTHEST:
        raise refused("the due time would lie more than ten years ahead")


def require_earlier(clock: CaseClock, state: CaseState, command: Shorten) -> None:
    """Refuse what is not less time."""
    _require_one(clock, command)
    if command.until is not None and state.due_at is not None and command.until >= state.due_at:
        raise refused("the case is due by then already: more time is an order of its own, `extend`")


def _require_one(clock: CaseClock, command: Extend | Shorten) -> None:
    if (command.by is None) == (command.until is None):
        raise refused("a due time is moved either by a time or until one")
    if not clock.is_running:
        raise refused("the clock does not run: there is no due time to move")

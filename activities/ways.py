"""How a step of an outside system is worked: by people, by machine, or by whoever is first."""

from collections.abc import Callable
from enum import StrEnum

import structlog

from gateways.ports.desk import Desk
from gateways.ports.outages import Guard
from models.answers import Answer
from models.errors import NeedsPerson, SystemDown, Unavailable
from models.messages import GiveAnswer, StepAsk, StepReply
from models.outage import System

log = structlog.get_logger()


class Mode(StrEnum):
    """Who works an outside system; a setting for each system."""

    DESK = "desk"
    HTTP = "http"
    BOTH = "both"
    """Machine and people; the first valid answer wins."""


class Way:
    """Asks the machine, the desk or both for the answer to a step.

    A step that the machine fails for good lies on the desk from then on, and the error goes on to the
    workflow, which calls for a person. An effect has one bearer: the machine leaves it to people while one of
    them has it in hand, and they cannot claim it while the machine is at it.
    """

    def __init__(self, mode: Mode, desk: Desk, guard: Guard | None = None) -> None:
        """`mode` is the system's setting; `guard` knows whether the system is down."""
        self._mode = mode
        self._desk = desk
        self._guard = guard

    def reply(
        self, ask: StepAsk, by_machine: Callable[[StepAsk], Answer], *, has_effect: bool = False
    ) -> StepReply:
        """Return the answer, or none while people have it. Raises what `by_machine` raises.

        Raises SystemDown instead of calling while an outage is open, and when a call finds the system down;
        people may do the step meanwhile.
        """
        given = self._desk.given(ask) if self._mode is Mode.HTTP else self._desk.open(ask)
        if given is not None or self._mode is Mode.DESK:
            return reply_of(given)
        try:
            return self._asked(ask, by_machine, has_effect=has_effect)
        except SystemDown as error:
            if has_effect and self._mode is Mode.BOTH:
                self._desk.leave_to_people(ask, error.code)
            raise
        except NeedsPerson as error:
            trouble = error.code
            self._desk.leave_to_people(ask, trouble)
            log.warning("step.left_to_people", case_number=ask.case_number, step=ask.step, trouble=trouble)
            raise

    def _asked(self, ask: StepAsk, by_machine: Callable[[StepAsk], Answer], *, has_effect: bool) -> StepReply:
        if self._guard is not None:
            self._guard.require_up()
        if has_effect and not self._desk.take_for_machine(ask):
            return reply_of(None)
        try:
            return StepReply(answer=by_machine(ask))
        except Unavailable as error:
            is_of_system = error.system == System.of(ask.step)
            if is_of_system and self._guard is not None and self._guard.is_down():
                raise SystemDown(error.system) from None
            raise


def reply_of(given: GiveAnswer | None) -> StepReply:
    """Return a person's answer as the step's; none when nobody gave one yet."""
    return StepReply(answer=None) if given is None else StepReply(answer=given.answer, given=given)

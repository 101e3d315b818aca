"""Answers that outside systems push: checked, written to the ledger and returned to be delivered."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from desk.opened import opened_at
from gateways.ports.desk import DeskBook
from gateways.ports.ledger import Registry
from gateways.ports.policies import PolicyShelf
from models.answers import Answer, Approved
from models.asked import Asked
from models.case import CaseState, Step
from models.desk import Command, CommandKind, Completion, DeskItem, ItemKind, PortalReceipt
from models.errors import Erased, NotFound, WrongState
from models.events import EventRefused, EventResult, EventSource, PushedAnswer, PushedEvent
from models.messages import GiveAnswer
from models.reasons import PARTY_OF, Reasons
from models.references import folded
from models.roles import MACHINE
from workflows import options

_STEPS: Final = list(Step)
_TRIES: Final = 3
"""A desk item may pass to another hand between looking and writing."""


class PushedAnswers:
    """Takes what an outside system says of a case, as `OfficeWork.answer` takes it of an officer.

    Nobody's claim stands in its way: the institution's own word is first-hand.
    """

    def __init__(
        self, registry: Registry, book: DeskBook, shelf: PolicyShelf, clock: Callable[[], datetime]
    ) -> None:
        """Hold the ports; `clock` tells when a command was given."""
        self._registry = registry
        self._book = book
        self._shelf = shelf
        self._clock = clock

    def given_before(self, source: EventSource, event: PushedEvent) -> Command | None:
        """Return the command that this event became when it came before. Raises EventRefused."""
        try:
            return self._book.given(_command_id(source, event), _asked(source, event))
        except Erased:
            return None  # what it said cannot be compared any more, and the case is over
        except WrongState:
            raise EventRefused(EventResult.CONFLICT, ("id",)) from None

    def take(self, source: EventSource, event: PushedEvent) -> Command | None:
        """Write the answer down; None for a case that is over. Raises EventRefused."""
        for _ in range(_TRIES):
            state = self._state(source, event)
            attempt = self._attempt(event.data, state)
            answer = _answer(event.data, self._shelf.reasons())
            occurred_at = self._occurred_at(event, attempt, state)
            if state.outcome is not None:
                return None
            try:
                return self._give(source, event, (attempt, answer, occurred_at), state)
            except WrongState:
                continue
        raise EventRefused(EventResult.CONFLICT)

    def _state(self, source: EventSource, event: PushedEvent) -> CaseState:
        try:
            state = self._registry.case(event.subject)
        except NotFound:
            raise EventRefused(EventResult.UNKNOWN_CASE, ("subject",)) from None
        if source.cities and state.case.city not in source.cities:
            raise EventRefused(EventResult.UNKNOWN_CASE, ("subject",))
        if PARTY_OF[event.data.step] is not source.party:
            raise EventRefused(EventResult.NOT_THEIRS, ("data.step",))
        return state

    def _attempt(self, said: PushedAnswer, state: CaseState) -> int:
        """Return which attempt is meant: the newest in which the case has reached the step."""
        has_reached = _STEPS.index(said.step) <= _STEPS.index(state.step)
        newest = state.attempt if has_reached else state.attempt - 1
        attempt = said.attempt or newest
        if not 1 <= attempt <= newest:
            raise EventRefused(EventResult.NOT_OPEN, ("data.step",))
        return attempt

    def _occurred_at(self, event: PushedEvent, attempt: int, state: CaseState) -> datetime:
        """Return when the answer happened: not before its step was opened, whatever the sender says.

        It is taken all the same: an officer may have told the step before it too late.
        """
        now = self._clock()
        at = event.time or now
        if at > now + options.CLOCK_SKEW or at < state.case.received_at:
            raise EventRefused(EventResult.MALFORMED, ("time",))
        return min(max(at, opened_at(self._registry, state.case, event.data.step, attempt)), now)

    def _give(
        self,
        source: EventSource,
        event: PushedEvent,
        said: tuple[int, Answer, datetime],
        state: CaseState,
    ) -> Command:
        attempt, answer, occurred_at = said
        number, step = state.case.case_number, event.data.step
        is_present = (step, attempt) == (state.step, state.attempt)
        item = self._open_item(number, step, attempt) if is_present else None
        receipt = self._receipt(event, attempt, occurred_at) if is_present else None
        command_id = _command_id(source, event)
        whose = None if item is None else item.assignee
        message = GiveAnswer(
            command_id=command_id,
            step=step,
            attempt=attempt,
            answer=answer,
            receipt=None if receipt is None else f"receipt:{item.id if item else command_id}",
            actor=source.id,
            role=None,
            in_place_of=None if whose == MACHINE else whose,
            occurred_at=occurred_at,
        )
        command = Command(number, message, source.id, None, self._clock())
        return self._book.give(
            Completion(
                command,
                _asked(source, event),
                item=None if item is None else item.id,
                expects=whose,
                receipt=receipt,
            )
        )

    def _open_item(self, number: str, step: Step, attempt: int) -> DeskItem | None:
        """Return the work that the answer finishes; None where only a machine was asked."""
        of_step = (ItemKind.ANSWER, step, attempt)
        items = self._book.items(case_number=number)
        return next((item for item in items if (item.kind, item.step, item.attempt) == of_step), None)

    def _receipt(self, event: PushedEvent, attempt: int, occurred_at: datetime) -> PortalReceipt | None:
        """Return the reference to keep; None when there is none, or it is kept already."""
        reference = event.data.reference
        if reference is None:
            return None
        before = self._book.receipt(event.subject, attempt)
        if before is None:
            return PortalReceipt(reference, occurred_at, None)
        if folded(before.reference) != folded(reference):
            raise EventRefused(EventResult.CONFLICT, ("data.reference",))
        return None


def _command_id(source: EventSource, event: PushedEvent) -> str:
    return f"event-{source.digest(event.id)[:40]}"


def _asked(source: EventSource, event: PushedEvent) -> Asked:
    told = event.model_dump(mode="json", include={"data"})
    told["time"] = None if event.time is None else event.time.astimezone(UTC)
    return Asked.of(event.subject, CommandKind.ANSWER, source.id, told, event.data.step)


def _answer(said: PushedAnswer, reasons: Reasons) -> Answer:
    if said.decision == "approved":
        return Approved()
    is_fixable = said.decision == "returned"
    if said.reason not in reasons.for_step(said.step, fixable=is_fixable):
        raise EventRefused(EventResult.UNKNOWN_REASON, ("data.reason",))
    return reasons.returned(said.reason) if is_fixable else reasons.final(said.reason)

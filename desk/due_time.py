"""Orders that move a due time: one gives time, within what the city gives at once, another takes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter

from desk.order import Order
from desk.orders import Hand, Orders
from desk.words import words
from models.case import CaseState, SlaState
from models.desk import Command, CommandKind
from models.errors import BadInput, Finding
from models.messages import Extend, Shorten
from models.roles import Act, Officer
from models.wib import wib_clock

_SHORTEST: Final = timedelta(minutes=1)
_TIME: Final = TypeAdapter(timedelta)
_LESS: Final = "less time is an order of its own: `shorten`"


@dataclass(frozen=True)
class Move:
    """By how much a due time is moved, or to which time; exactly one of both is right."""

    by: timedelta | None = None
    """More time for an extension, less for a shortening: above zero for both."""
    until: datetime | None = None


class DueTimes(Orders):
    """Moves due times; see `Orders` for the errors."""

    def extend(self, hand: Hand, case_number: str, reason: str, move: Move) -> Command:
        """Give a case more time, by so much or until a time; the reason stays in the ledger."""
        order = self._moved(hand, Act.EXTEND, case_number, CommandKind.EXTEND, reason, move)
        if order.before is not None:
            return order.before
        note = words("--reason", reason)
        at_most = self._shelf.city(order.state.case.city).extend_at_most
        _require(_faults_of_more(move, order.state, at_most, self._clock()))
        command_id = hand.id_for("extend")
        message = Extend(command_id=command_id, by=move.by, until=move.until, actor=order.officer.id)
        return self._give(order, message, note=note)

    def require_length(self, officer: Officer, by: timedelta) -> None:
        """Refuse for many cases what no city of the officer gives; each case is then looked at alone."""
        _require(_faults_of_length(by, max(self._shelf.city(one).extend_at_most for one in officer.cities)))

    def shorten(self, hand: Hand, case_number: str, reason: str, move: Move) -> Command:
        """Take time from a case; the reason stays in the ledger."""
        order = self.require_shortening(hand, case_number, reason, move)
        if order.before is not None:
            return order.before
        command_id = hand.id_for("shorten")
        message = Shorten(command_id=command_id, by=move.by, until=move.until, actor=order.officer.id)
        return self._give(order, message, note=words("--reason", reason))

    def require_shortening(self, hand: Hand, case_number: str, reason: str, move: Move) -> Order:
        """Refuse what `shorten` would refuse, before it is told what would become of the due time."""
        order = self._moved(hand, Act.SHORTEN, case_number, CommandKind.SHORTEN, reason, move)
        if order.before is None:
            words("--reason", reason)
            _require(_faults_of_less(move, order.state))
        return order

    def _moved(  # noqa: PLR0913, PLR0917 - what makes an order one
        self, hand: Hand, act: Act, case_number: str, kind: CommandKind, reason: str, move: Move
    ) -> Order:
        said = {"by": move.by, "until": move.until, "reason": reason.strip()}
        return self._order(hand, act, case_number, kind, **said)


def _faults_of_more(move: Move, state: CaseState, at_most: timedelta, now: datetime) -> list[Finding]:
    faults = _faults_of_any(move)
    if move.by is not None:
        faults += _faults_of_length(move.by, at_most)
    if move.until is None:
        return faults
    # In a pause the due time that is shown holds all of the pause that there may be; the case knows better.
    is_known = state.due_at is not None and state.sla_state is not SlaState.PAUSED
    if move.until <= now:
        faults.append(Finding("--until", "does not lie in the future", f"give the new due time; {_LESS}"))
    elif is_known and state.due_at is not None and move.until <= state.due_at:
        faults.append(Finding("--until", "does not lie after the present due time", _LESS))
    if move.until > max(state.due_at or now, now) + at_most:
        faults.append(Finding("--until", "is too much at once", _much(at_most)))
    return faults


def _faults_of_length(by: timedelta, at_most: timedelta) -> list[Finding]:
    if by < _SHORTEST:
        return [Finding("--by", "is no more time", f"give PT1M or longer; {_LESS}")]
    return [Finding("--by", "is too much at once", _much(at_most))] if by > at_most else []


def _much(at_most: timedelta) -> str:
    return f"the city gives {_TIME.dump_python(at_most, mode='json')} at most with one order"


def _faults_of_less(move: Move, state: CaseState) -> list[Finding]:
    faults = _faults_of_any(move)
    more = "more time is an order of its own: `extend`"
    if move.by is not None and move.by < _SHORTEST:
        faults.append(Finding("--by", "is no time to take", f"give PT1M or longer; {more}"))
    if move.until is not None and state.due_at is not None and move.until >= state.due_at:
        faults.append(Finding("--until", "does not lie before the present due time", more))
    came = state.case.received_at.replace(microsecond=0)  # as it is shown, and can be typed
    if move.until is not None and move.until < came:
        rule = f"lies before the case, which came at {wib_clock(came)} WIB"
        faults.append(
            Finding("--until", rule, "give a later one, in WIB; one that has passed makes the case late")
        )
    return faults


def _faults_of_any(move: Move) -> list[Finding]:
    if (move.by is None) == (move.until is None):
        return [Finding("--by", "or --until: exactly one is needed", "for example --by PT4H")]
    return []


def _require(faults: list[Finding]) -> None:
    if faults:
        raise BadInput(faults)

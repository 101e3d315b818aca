"""Does to one case what was ordered for many, by the same checks and commands. Satisfies `BulkHands`."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from desk.due_time import Move
from desk.orders import Hand
from gateways.ports.alerts import AlertChannel
from gateways.ports.outages import Outages
from gateways.ports.policies import PolicyShelf
from models.bulk import Bulk, BulkItem, ItemResult, ItemVerdict, Operation
from models.case import CaseHealth, CaseState
from models.desk import Command
from models.errors import EngineUnreachable, NotStuck, Unavailable, WrongState
from models.messages import Alert, AlertKind
from models.outage import System
from models.roles import Act
from runtime import adapters
from runtime.adapters import Office
from runtime.delivery import Delivery
from workflows.search_attributes import COLUMNS

_COLUMNS: Final = {column.key.name: column for column in COLUMNS}
_FIRST_LEVEL: Final = 1
_DONE: Final = ItemVerdict(ItemResult.DONE)


def seen(value: object) -> str | int | None:
    """Return the value of a search attribute as it is kept: a time to the second, a list not at all."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value if isinstance(value, str | int) else None


def changes(before: Mapping[str, str | int | None], state: CaseState) -> list[str]:
    """Return what a filter looked at and is not so any more, as `CaseHealth stuck -> ok`."""
    now = {name: seen(_COLUMNS[name].read(state)) for name in before}
    return [f"{name} {before[name]} -> {value}" for name, value in now.items() if value != before[name]]


class CaseHands:
    """Works one case: looks whether it is still as the filter saw it, then gives and delivers the command."""

    def __init__(
        self,
        office: Office,
        outages: Outages,
        channel: AlertChannel,
        delivery: Delivery,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports and the way to the workflows."""
        self._work = adapters.work(office)
        self._registry, self._book, self._shelf = office.registry, office.book, office.shelf
        self._outages, self._channel, self._delivery, self._clock = outages, channel, delivery, clock

    async def work(self, bulk: Bulk, item: BulkItem) -> ItemVerdict:
        """Do what was ordered and say what became of it. Raises Unavailable when the ledger is away."""
        try:
            done = await asyncio.to_thread(self._give, bulk, item)
            if isinstance(done, ItemVerdict):
                return done
            kept = await self._delivery.deliver(done)
        except EngineUnreachable:
            raise Unavailable("ledger", "database cannot be used now") from None
        return _DONE if kept is None else ItemVerdict(ItemResult.UNDELIVERED, kept.words)

    def _give(self, bulk: Bulk, item: BulkItem) -> Command | ItemVerdict:
        """Return the command that is in the ledger now, or what became of the case without one."""
        before = self._book.command(bulk.command_id(item.case_number))
        if before is not None:
            return before  # it was given before a worker was killed: what it changed is no reason against it
        state = self._registry.case(item.case_number)
        if bulk.operation is Operation.ESCALATE and (told := self._told(bulk, item.case_number)) is not None:
            return _escalated(told, self._shelf)
        if state.outcome is not None:
            return ItemVerdict(ItemResult.CHANGED, f"over: {state.outcome}")
        if moved := changes(item.seen, state):
            return ItemVerdict(ItemResult.CHANGED, "; ".join(moved))
        self._work.gate.officer(bulk.actor, Act.BULK, state.case)
        return self._operate(bulk, state)

    def _operate(self, bulk: Bulk, state: CaseState) -> Command | ItemVerdict:
        number = state.case.case_number
        hand = Hand(bulk.actor, bulk.command_id(number))
        match bulk.operation:
            case Operation.RETRY:
                return self._retry(hand, number)
            case Operation.WITHDRAW:
                return self._work.withdraw(hand, number, bulk.reason)
            case Operation.EXTEND:
                move = Move(by=timedelta(seconds=bulk.by_seconds or 0))
                return self._work.extend(hand, number, bulk.reason, move)
            case Operation.RELEASE:
                self._require_releasable(state)
                return self._work.retry(hand, number)
            case Operation.REASSIGN:
                return self._reassign(hand, number, bulk.to or "")
            case Operation.ESCALATE:
                return self._escalate(bulk, state)

    def _retry(self, hand: Hand, number: str) -> Command | ItemVerdict:
        try:
            return self._work.retry(hand, number)
        except NotStuck as error:
            return ItemVerdict(ItemResult.NOT_STUCK, error.waits)

    def _require_releasable(self, state: CaseState) -> None:
        """Raise WrongState unless the case is parked for a system that is back."""
        system = System.of(state.step)
        if state.health is not CaseHealth.PARKED:
            raise WrongState("the case is not parked")
        if any(outage.system is system for outage in self._outages.present()):
            raise WrongState(f"the outage of {system} is open: end it (`starter.py outage end {system}`)")

    def _reassign(self, hand: Hand, number: str, to: str) -> ItemVerdict:
        """Give every open piece of work of the case to an officer; what he has already stays with him."""
        items = self._book.items(case_number=number)
        if not items:
            raise WrongState("nothing lies on the desk")
        for item in items:
            if item.assignee != to:
                self._work.assign(hand, item.id, to)
        return _DONE

    # -- Escalation --------------------------------------------------------------------------------

    def _escalate(self, bulk: Bulk, state: CaseState) -> ItemVerdict:
        """Tell the next level of the city's ladder now, until somebody there acknowledges."""
        case, ladder = state.case, self._shelf.city(state.case.city).ladder
        told = (level for alert in self._registry.alerts(case.case_number) for level in alert.levels)
        level = max((_FIRST_LEVEL, state.escalation_level, *told)) + 1
        if level > len(ladder.levels):
            raise WrongState("the highest level was told already")
        alert = Alert(
            key=_key(bulk, case.case_number),
            city=case.city,
            case_number=case.case_number,
            kind=AlertKind.CASE_STUCK,
            level=level,
            step=state.step,
            kecamatan=case.kecamatan,
            due_at=state.due_at,
            raised_at=self._clock(),
            detail=state.trouble or "escalated",
            levels=(level,),
        )
        self._channel.send(alert)
        return _escalated(alert, self._shelf)

    def _told(self, bulk: Bulk, number: str) -> Alert | None:
        """Return the alert that this order raised already."""
        key = _key(bulk, number)
        return next((alert for alert in self._registry.alerts(number) if alert.key == key), None)


def _escalated(alert: Alert, shelf: PolicyShelf) -> ItemVerdict:
    level = shelf.city(alert.city).ladder.levels[alert.level - 1]
    return ItemVerdict(ItemResult.DONE, f"level {alert.level}: {level.role}")


def _key(bulk: Bulk, number: str) -> str:
    return f"{number}:escalated:{bulk.id}"

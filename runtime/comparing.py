"""Looks how a case stands in ledger and Temporal, and what brings both together; changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports.recovery import RecoveryBook
from models.errors import EngineUnreachable, NotFound
from models.recovery import NOT_IN_A_STORY, Finding, Loss, Remedy, Told
from models.stuck_groups import RUNNING_CASES
from runtime.case_story import uploads_of_runs, whole_story
from runtime.namespace import OwnNamespace
from runtime.temporal import UNREACHABLE, birth_of
from workflows import options

_LOOKS: Final = 3
"""How often a case is looked at that tells something at this moment, before it counts as not told."""


class Comparison:
    """What ledger and Temporal say of a case."""

    def __init__(self, book: RecoveryBook, namespace: OwnNamespace, clock: Callable[[], datetime]) -> None:
        """Hold the port and the way to Temporal."""
        self._book, self._namespace, self._clock = book, namespace, clock

    async def look(self, case_number: str) -> Finding:
        """Return what is to be done with a case. Raises NotFound, EngineUnreachable or AnotherLedger."""
        told = await asyncio.to_thread(self._book.told, case_number)
        client = await self._namespace.client()
        seen = await _described(client, case_number)
        remedy = self._remedy(told, seen)
        if remedy is None:
            return await self._compared(client, told)
        if remedy in {Remedy.START, Remedy.RESTART}:
            return Finding(case_number, remedy, await _uploads_that_may_be(client, told))
        return Finding(case_number, remedy)

    async def agrees(self, case_number: str) -> bool:
        """Tell whether both tell the same of a case, as far as Temporal says. Raises as `look`."""
        return (await self._looked(case_number)).remedy in {Remedy.NOTHING, Remedy.UNKNOWN}

    async def _looked(self, case_number: str) -> Finding:
        """Look until a case at work has not told something between asking it and reading the ledger."""
        for _ in range(_LOOKS):
            found = await self.look(case_number)
            if found.remedy is not Remedy.TELL:
                break
        return found

    async def lost(self) -> AsyncIterator[Finding]:
        """Yield what is to be done with each open case, the next due first, also where that is nothing.

        Then with those that ended after the ledger was put back and before anybody recovered them.
        """
        for numbers in (self._book.open_cases, self._book.cases_with_gaps):
            for case_number in await asyncio.to_thread(numbers):
                yield await self._looked(case_number)

    async def astray(self) -> AsyncIterator[Finding]:
        """Yield what runs in Temporal and is over in the ledger, unknown to it, or another case's."""
        client = await self._namespace.client()
        query = f'{RUNNING_CASES} AND TaskQueue="{self._namespace.task_queue}"'
        try:
            running = {one.id: birth_of(one.raw_info.memo) async for one in client.list_workflows(query)}
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None
        for case_number, birth in sorted(running.items()):
            try:
                told = await asyncio.to_thread(self._book.told, case_number)
            except NotFound:
                told = None
            if told is None or told.state.case.birth != birth:  # who applies anew is somebody whom it knew
                yield Finding(case_number, Remedy.END, await _uploads(client, case_number, birth))
            elif await self._is_over(client, told):
                yield Finding(case_number, Remedy.END)

    async def _is_over(self, client: Client, told: Told) -> bool:
        """Tell whether a case that runs is over in the ledger, and not a moment ago."""
        if (closed_at := told.state.closed_at) is None:
            return False
        seen = await _described(client, told.state.case.case_number)
        is_past = self._clock() - closed_at > options.WATCH_ENDED_AFTER
        return seen is not None and (is_past or _is_behind(seen, told))

    @staticmethod
    def _remedy(told: Told, seen: WorkflowExecutionDescription | None) -> Remedy | None:
        """Return what follows from how Temporal has a case; None where its story must be compared."""
        case = told.state.case
        if told.state.outcome is not None:
            can_tell = told.has_gap and seen is not None and seen.run_id == told.run
            return None if can_tell else Remedy.NOTHING
        if seen is None:
            return Remedy.START if told.is_started else Remedy.NOTHING
        if birth_of(seen.raw_info.memo) != case.birth:
            return Remedy.RENUMBER if told.run is None else Remedy.NOTHING
        if seen.run_id in told.earlier_runs or _is_behind(seen, told):
            return Remedy.RESTART
        return None if _has_a_story(seen) else Remedy.START

    async def _compared(self, client: Client, told: Told) -> Finding:
        """Return what follows from what the case tells now."""
        number = told.state.case.case_number
        story = await whole_story(client, number)
        if story is None:
            return Finding(number, Remedy.UNKNOWN)
        is_forgetful = told.is_beyond(story.run, story.place) and story.state != told.state
        lost = {loss for event in story.events for loss in told.lost(event)}
        if story.state.outcome is None:
            others = await _uploads_of_runs(client, told, but=story.run)
            lost |= {Loss.RECEIPT} if others - told.begun else set()
            if is_forgetful or lost:
                clock = tuple(command for event in story.events for command in told.lost_of_clock(event))
                return Finding(number, Remedy.RESTART, story.uploads | others, tuple(sorted(lost)), clock)
        is_whole = (story.run, story.upto) == (told.run, told.last_seq) and not told.has_gap
        if is_whole and story.state == told.state:
            return Finding(number, Remedy.NOTHING)
        return Finding(number, Remedy.TELL, lost=tuple(sorted(lost & NOT_IN_A_STORY)))


async def _uploads_of_runs(client: Client, told: Told, *, but: str | None = None) -> frozenset[int]:
    """Return the attempts at the upload that a case's runs may have begun. Raises EngineUnreachable.

    A ledger that was never put back knows of them itself.
    """
    if not told.is_put_back:
        return frozenset()
    case = told.state.case
    return await _uploads(client, case.case_number, case.birth, but=but)


async def _uploads_that_may_be(client: Client, told: Told) -> frozenset[int]:
    """Return the attempts at the upload of a case whose story nobody knows whole. Raises EngineUnreachable.

    Where it may have gone on after the copy was made, whoever does the first one looks into the portal.
    """
    known = told.begun | await _uploads_of_runs(client, told)
    return frozenset({1}) if told.may_have_gone_on and not known else known


async def _uploads(
    client: Client, case_number: str, birth: str | None, *, but: str | None = None
) -> frozenset[int]:
    try:
        return await uploads_of_runs(client, case_number, birth, but=but)
    except (RPCError, RuntimeError):
        raise EngineUnreachable(UNREACHABLE) from None


def _has_a_story(seen: WorkflowExecutionDescription) -> bool:
    """Tell whether a case goes on, or came to its end; one that was terminated did neither."""
    return seen.status in {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED}


def _is_behind(seen: WorkflowExecutionDescription, told: Told) -> bool:
    """Tell whether Temporal forgot of a run what that run has told the ledger."""
    return seen.run_id == told.run and seen.history_length < told.task


async def _described(client: Client, case_number: str) -> WorkflowExecutionDescription | None:
    """Return how Temporal has a case; None when it has not. Raises EngineUnreachable."""
    try:
        return await client.get_workflow_handle(case_number).describe(rpc_timeout=options.START_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise EngineUnreachable(UNREACHABLE) from None
    except RuntimeError:
        raise EngineUnreachable(UNREACHABLE) from None

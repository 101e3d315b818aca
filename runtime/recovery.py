"""Brings ledger and Temporal together again, case by case. Looking changes nothing."""

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

from gateways.ports.alerts import AlertChannel
from gateways.ports.ledger import Ledger
from gateways.ports.recovery import RecoveryBook
from models.errors import EngineUnreachable, NotFound
from models.messages import EVENTS_AT_MOST
from models.recovery import NOT_IN_A_STORY, Finding, Remedy, Told
from models.stuck_groups import RUNNING_CASES
from runtime.case_story import FIRST_SEQ, asked, whole_story
from runtime.delivery import Delivery
from runtime.namespace import OwnNamespace
from runtime.starting import CaseStarter
from runtime.temporal import UNREACHABLE, birth_of
from workflows import options

_CLOCK_RUNS_WITHIN: Final = 30.0
_LOOK_EVERY: Final = 0.2


class Recovery:
    """Looks how a case stands in both, and mends it."""

    def __init__(  # noqa: PLR0913 - one port each
        self,
        book: RecoveryBook,
        ledger: Ledger,
        channel: AlertChannel,
        namespace: OwnNamespace,
        *,
        delivery: Delivery,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports and the ways to Temporal."""
        self._book, self._ledger, self._channel = book, ledger, channel
        self._namespace, self._delivery, self._clock = namespace, delivery, clock
        self._start = CaseStarter(namespace)

    # -- Looking -----------------------------------------------------------------------------------

    async def look(self, case_number: str) -> Finding:
        """Return what is to be done with a case. Raises NotFound, EngineUnreachable or AnotherLedger."""
        told = await asyncio.to_thread(self._book.told, case_number)
        client = await self._namespace.client()
        seen = await _described(client, case_number)
        remedy = self._remedy(told, seen)
        return Finding(case_number, remedy) if remedy is not None else await self._compared(client, told)

    async def lost(self) -> AsyncIterator[Finding]:
        """Yield what is to be done with each open case, the next due first, also where that is nothing.

        Then with those that ended after the ledger was put back and before anybody recovered them.
        """
        for numbers in (self._book.open_cases, self._book.cases_with_gaps):
            for case_number in await asyncio.to_thread(numbers):
                yield await self.look(case_number)

    async def astray(self) -> AsyncIterator[Finding]:
        """Yield what runs in Temporal and is over in the ledger, unknown to it, or another case's."""
        client = await self._namespace.client()
        query = f'{RUNNING_CASES} AND TaskQueue="{self._namespace.task_queue}"'
        try:
            running = {one.id: birth_of(one.raw_info.memo) async for one in client.list_workflows(query)}
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None
        for case_number, birth in sorted(running.items()):
            if await self._is_astray(client, case_number, birth):
                yield Finding(case_number, Remedy.END)

    async def _is_astray(self, client: Client, case_number: str, birth: str | None) -> bool:
        try:
            told = await asyncio.to_thread(self._book.told, case_number)
        except NotFound:
            return True
        if told.state.case.birth != birth:
            return True
        if (closed_at := told.state.closed_at) is None:
            return False
        seen = await _described(client, case_number)
        is_over = self._clock() - closed_at > options.WATCH_ENDED_AFTER
        return seen is not None and (is_over or _is_behind(seen, told))

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
        if story.state.outcome is None and (is_forgetful or lost):
            clock = tuple(command for event in story.events for command in told.lost_of_clock(event))
            return Finding(number, Remedy.RESTART, story.uploads, tuple(sorted(lost)), clock)
        is_whole = (story.run, story.upto) == (told.run, told.last_seq) and not told.has_gap
        if is_whole and story.state == told.state:
            return Finding(number, Remedy.NOTHING)
        return Finding(number, Remedy.TELL, lost=tuple(sorted(lost & NOT_IN_A_STORY)))

    # -- Mending -----------------------------------------------------------------------------------

    async def mend(self, finding: Finding) -> str:
        """Do what is to be done, and say what was; safe to repeat. Raises WrongState where it is not."""
        number = finding.case_number
        match finding.remedy:
            case Remedy.START:
                return await self._begin_anew(number)
            case Remedy.RESTART:
                for attempt in finding.uploads:  # whoever does them again looks into the portal first
                    await asyncio.to_thread(self._ledger.begin_submission, number, attempt)
                await asyncio.to_thread(self._book.keep, finding.clock)
                return await self._begin_anew(number)
            case Remedy.TELL:
                await asyncio.to_thread(self._book.mark_started, number, self._clock())
                return await self._tell(number)
            case Remedy.RENUMBER:
                case = await asyncio.to_thread(self._book.renumber, number, self._clock())
                await self._start(case)
                await asyncio.to_thread(self._book.mark_started, case.case_number, self._clock())
                return f"goes on as {case.case_number}"
            case Remedy.END:
                await self._end(number)
                return "ended in Temporal"
            case Remedy.NOTHING | Remedy.UNKNOWN:
                return finding.remedy.words

    async def _begin_anew(self, number: str) -> str:
        told = await asyncio.to_thread(self._book.told, number)
        await self._start.again(told.state.case)
        await asyncio.to_thread(self._book.mark_started, number, self._clock())
        commands = await asyncio.to_thread(self._book.given_to_clock, number)
        if not commands:
            return "begun anew"
        if not await self._clock_runs(number, told):
            return f"begun anew; {len(commands)} extension(s) or charge(s) must be given again by hand"
        refused = 0
        for command in commands:
            refused += not await self._delivery.give_again(command)
        by_hand = f"; {refused} of them must be given by hand" if refused else ""
        return f"begun anew, with {len(commands)} extension(s) or charge(s){by_hand}"

    async def _clock_runs(self, number: str, before: Told) -> bool:
        """Wait until the new run has told when the case is due; False when it does not come to it."""
        deadline = asyncio.get_running_loop().time() + _CLOCK_RUNS_WITHIN
        while asyncio.get_running_loop().time() < deadline:
            now = await asyncio.to_thread(self._book.told, number)
            if now.run != before.run and now.state.due_at is not None:
                return True
            await asyncio.sleep(_LOOK_EVERY)
        return False

    async def _tell(self, number: str) -> str:
        """Tell the ledger the whole story again, and its end; what it has already stays as it is."""
        client, since = await self._namespace.client(), FIRST_SEQ
        while True:
            record = await asked(client, number, since)
            if record is None:
                raise EngineUnreachable("no worker answers for the case: nothing more was told")
            await asyncio.to_thread(self._ledger.record, record)
            if record.state.outcome is None:
                for alert in record.alerts:  # one that the ledger has is not told again
                    await asyncio.to_thread(self._channel.send, alert)
            since += EVENTS_AT_MOST
            if since > record.upto:
                return "told again"

    async def _end(self, number: str) -> None:
        client = await self._namespace.client()
        try:
            await client.get_workflow_handle(number).terminate(
                reason="starter.py recover --astray", rpc_timeout=options.START_RPC_TIMEOUT
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
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

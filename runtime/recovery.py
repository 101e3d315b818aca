"""Brings ledger and Temporal together again, case by case."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from temporalio.service import RPCError, RPCStatusCode

from gateways.ports.alerts import AlertChannel
from gateways.ports.ledger import Ledger
from gateways.ports.recovery import RecoveryBook
from models.errors import EngineUnreachable
from models.messages import EVENTS_AT_MOST
from models.recovery import Finding, Remedy, Told
from runtime.case_story import FIRST_SEQ, asked
from runtime.delivery import Delivery
from runtime.namespace import OwnNamespace
from runtime.starting import CaseStarter
from runtime.temporal import UNREACHABLE
from workflows import options

_CLOCK_RUNS_WITHIN: Final = 30.0
_LOOK_EVERY: Final = 0.2


class Recovery:
    """Does with a case what a comparison found is to be done."""

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

    async def mend(self, finding: Finding) -> str:
        """Do what is to be done, and say what was; safe to repeat. Raises WrongState where it is not."""
        number = finding.case_number
        match finding.remedy:
            case Remedy.START | Remedy.RESTART:
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

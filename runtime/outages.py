"""Keeps outages: asks whether a system is back, tells people, parks the cases that need it, releases them."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from gateways.ports.alerts import AlertChannel
from gateways.ports.lineage import LineageBook
from gateways.ports.outages import Outages, Probe
from models.errors import ReactivationError, Unavailable
from models.messages import Accepted, Alert, AlertKind, Park, Release
from models.outage import Outage, System, parked_for
from models.roles import MACHINE
from models.stuck_groups import RUNNING_CASES
from models.wib import wib_text
from runtime.interceptor import failure_of
from workflows import options

log = structlog.get_logger()

_TOLD_FOR: Final = timedelta(days=1)
"""How long after its end people are still told of an outage, should no worker have been there before."""
_IN_THE_AIR: Final = 10
"""How many cases are asked to park at a time."""
_BATCH: Final = 50
"""How many cases are released before the other duties come round again."""


class Cases:
    """Tells workflows that a system went down or came back, and knows which still wait for one."""

    def __init__(self, client: Client, book: LineageBook) -> None:
        """`client` is connected to the ledger's namespace; `book` knows the birth marks of cases."""
        self._client = client
        self._book = book

    async def tell(self, case_number: str, name: str, message: Park | Release) -> bool:
        """Send an update; False when nobody answers. A case whom it does not concern refuses, and is fine."""
        births = await asyncio.to_thread(self._book.births, [case_number])
        try:
            await self._client.get_workflow_handle(case_number).execute_update(
                name,
                message.model_copy(update={"birth": births.get(case_number)}),
                id=f"{name}-{uuid.uuid4()}",
                result_type=Accepted,
                rpc_timeout=options.COMMAND_RPC_TIMEOUT,
            )
        except WorkflowUpdateFailedError:
            return True
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCError, RuntimeError):
            return False
        return True

    async def parked(self, system: System) -> list[str]:
        """Return the cases that Temporal lists as parked for a system; none when it does not answer.

        What the ledger was told of a release is lost to the workflow when Temporal dies in that moment.
        """
        query = f'{RUNNING_CASES} AND CaseTrouble="{parked_for(system)}"'
        try:
            return [found.id async for found in self._client.list_workflows(query, limit=_BATCH)]
        except (RPCError, RuntimeError):
            return []


class OutageKeeper:
    """One look after the other; several workers may keep outages at the same time."""

    def __init__(  # noqa: PLR0913 - one port each
        self,
        outages: Outages,
        probes: Mapping[System, Probe],
        cases: Cases,
        channel: AlertChannel,
        *,
        cities: Sequence[str],
        clock: Callable[[], datetime],
        probe_every: timedelta,
    ) -> None:
        """`probes` has the systems that a machine works; an outage of another one only a person can end."""
        self._outages, self._probes, self._cases, self._channel = outages, probes, cases, channel
        self._cities, self._clock, self._probe_every = cities, clock, probe_every
        self._told: set[tuple[int, bool]] = set()

    async def round(self) -> bool:
        """Do what is due; True when there is more of it. Raises Unavailable when the ledger is away."""
        await asyncio.to_thread(self._probe_and_tell)
        down = {outage.system: outage for outage in await asyncio.to_thread(self._outages.present)}
        for outage in down.values():
            await self._park(outage)
        is_more = False
        for system in System:
            if system not in down:
                is_more |= await self._release(system)
        return is_more

    def _probe_and_tell(self) -> None:
        for outage in self._outages.present():
            if outage.opened_by == MACHINE and self._is_back(outage.system):
                now = self._clock()
                self._outages.end(outage.system, MACHINE, until=now, now=now)
                log.warning("outage.ended", system=outage.system.value, by=MACHINE)
        for outage in self._outages.since(self._clock() - _TOLD_FOR):
            if (outage.id, outage.is_open) not in self._told:
                self._tell(outage)
                self._told.add((outage.id, outage.is_open))

    def _is_back(self, system: System) -> bool:
        """Ask the system, unless somebody did in this interval."""
        probe = self._probes.get(system)
        if probe is None or not self._outages.may_probe(system, self._clock(), self._probe_every):
            return False
        try:
            probe.probe()
        except Unavailable:
            log.info("outage.probed", system=system.value, is_back=False)
            return False
        return True

    def _tell(self, outage: Outage) -> None:
        """Raise the alert of an outage that began, or that is over; the same key is told once."""
        words = [f"Sejak: {wib_text(outage.since)}"]
        if outage.until is not None:
            words.append(f"Sampai: {wib_text(outage.until)}")
        for city in self._cities:
            opened = f"outage:{city}:{outage.system}:{outage.id}"
            if outage.closed_at is not None:
                self._channel.close(opened)
            alert = Alert(
                key=opened if outage.is_open else f"{opened}:over",
                city=city,
                kind=AlertKind.OUTAGE_OPENED if outage.is_open else AlertKind.OUTAGE_CLOSED,
                raised_at=outage.closed_at or outage.opened_at,
                detail=outage.system,
                words="\n".join(words),
            )
            self._channel.send(alert)

    async def _park(self, outage: Outage) -> None:
        """Set aside every case that waits for the system and does not know yet."""
        waiting = await asyncio.to_thread(self._outages.to_park, outage.system)
        gate = asyncio.Semaphore(_IN_THE_AIR)

        async def park(case_number: str) -> None:
            async with gate:
                await self._cases.tell(case_number, "park", Park(system=outage.system, since=outage.since))

        await asyncio.gather(*map(park, waiting))
        if waiting:
            log.info("outage.parked", system=outage.system.value, cases=len(waiting))

    async def _release(self, system: System) -> bool:
        """Take up parked cases, one after the other; True when there are more."""
        parked = await asyncio.to_thread(self._outages.to_release, system)
        if not parked:
            parked = await self._cases.parked(system)
        batch = parked[:_BATCH]
        for case_number in batch:
            if not await self._cases.tell(
                case_number, "release", Release(system=system, until=self._clock())
            ):
                return False  # nobody serves cases now; the next look finds them again
            await asyncio.sleep(options.RELEASE_EVERY.total_seconds())
        if batch:
            log.info("outage.released", system=system.value, cases=len(batch), left=len(parked) - len(batch))
        return len(parked) > len(batch)


async def keep_outages_for_ever(keeper: OutageKeeper) -> None:
    """Look round after round. Ends only by cancellation, or an error of our code."""
    while True:
        try:
            is_more = await keeper.round()
        except ReactivationError as error:
            log.warning("outages.not_kept", what=failure_of(error).message)
            is_more = False
        if not is_more:
            await asyncio.sleep(options.OUTAGES_EVERY.total_seconds())

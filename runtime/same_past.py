"""Do ledger, key store, Temporal and anchors belong to the same past? If not, no number is given out.

A store that was put back from a copy does not say so. But each knows something of the others: the key store
and the anchors how far the ledger was, Temporal which cases began and with which birth marks, the ledger how
far the key store had counted and which cases Temporal began last.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from gateways.ledger_access import utc_now
from gateways.ports.audit import Anchors
from gateways.ports.lineage import LineageBook
from gateways.ports.vault import Vault
from models.case import CaseRef
from models.errors import EngineUnreachable, Misconfigured, NumbersHeld
from models.lineage import Discord, Held, Lineage, Past, Witnessed, ledger_of
from models.stuck_groups import CASES, utc
from runtime import adapters
from runtime.adapters import Office
from runtime.namespace import OwnNamespace
from runtime.settings import Settings
from runtime.temporal import UNREACHABLE, birth_of
from workflows import options

log = structlog.get_logger()

_LOOKED_AT: Final = 500
"""How many of the cases that began last are compared; one that the ledger does not know is enough."""
_BEGUN_LAST: Final = 3
"""How many of the cases that the ledger began last Temporal must all have lost."""
_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of a door and of Temporal may differ."""


class SamePast:
    """Compares the stores. What does not answer is not judged."""

    def __init__(
        self,
        book: LineageBook,
        vault: Vault,
        namespace: OwnNamespace,
        anchors: Anchors | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports; `anchors` is None where none are kept, `clock` tells since when it is so."""
        self._book, self._vault = book, vault
        self._namespace, self._anchors, self._clock = namespace, anchors, clock

    @classmethod
    def of(cls, settings: Settings, office: Office, namespace: OwnNamespace) -> "SamePast":
        """Return the comparison for an installation."""
        anchors = adapters.anchors(settings.anchors)
        return cls(office.lineage, office.vault, namespace, anchors, utc_now)

    async def look(self) -> Held | None:
        """Return why no number is given out, which holds for everybody from now on; None when all is well.

        Raises EngineUnreachable when the ledger does not answer, AnotherLedger for another's namespace.
        """
        lineage = await asyncio.to_thread(self._book.lineage)
        if lineage.held is not None:
            return lineage.held
        found = await asyncio.to_thread(self._beside_temporal, lineage)
        if found is None:
            with suppress(EngineUnreachable, TimeoutError):
                async with asyncio.timeout(options.GLANCE_WITHIN.total_seconds()):
                    found = await self._in_temporal(lineage, await self._namespace.client())
        if found is None:
            return None
        held = Held(self._clock(), found)
        await asyncio.to_thread(self._book.hold, held)
        log.error("numbers.held", because=found.value)
        return held

    async def require(self) -> None:
        """Raise NumbersHeld unless the stores belong together; otherwise as `look`."""
        if (held := await self.look()) is not None:
            raise NumbersHeld(held)

    def bear_witness(self) -> None:
        """Let ledger and key store note how far the other one is."""
        tick = self._vault.witness(self._book.past())
        if tick is not None:
            self._book.remember(tick)

    def _beside_temporal(self, lineage: Lineage) -> Discord | None:
        past = self._book.past()
        with suppress(EngineUnreachable):
            noted = self._vault.witnessed(past.ledger)
            if noted is not None and self._knows_less(past, noted):
                return Discord.LEDGER_OLDER
            if (0 if noted is None else noted.tick) < lineage.keys_tick:
                return Discord.KEYS_OLDER
        with suppress(Misconfigured):
            if any(self._is_unknown(*one) for one in self._anchored(lineage)):
                return Discord.LEDGER_OLDER
        return None

    def _knows_less(self, past: Past, noted: Witnessed) -> bool:
        """Tell whether the key store noted what the ledger does not know of itself."""
        then = noted.past
        if then.generation != past.generation:
            return then.generation > past.generation
        is_behind = any(value > past.numbers.get(name, 0) for name, value in then.numbers.items())
        return is_behind or self._is_unknown(then.entries, then.head)

    def _is_unknown(self, entry: int, head: str) -> bool:
        """Tell whether the chain has not, or has another, entry under this number."""
        return entry > 0 and self._book.hash_of(entry) != head

    def _anchored(self, lineage: Lineage) -> Iterator[tuple[int, str]]:
        """Yield the last anchor of this life of the ledger."""
        last = None
        for _, anchor in () if self._anchors is None else self._anchors.read():
            if anchor is not None and (lineage.began_at is None or anchor.at >= lineage.began_at):
                last = anchor
        if last is not None:
            yield last.number, last.hash

    async def _in_temporal(self, lineage: Lineage, client: Client) -> Discord | None:
        """Compare with what Temporal began last. Raises EngineUnreachable."""
        try:
            if await self._has_strangers(lineage, client):
                return Discord.LEDGER_OLDER
            if await self._has_lost(lineage, client):
                return Discord.TEMPORAL_OLDER
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None
        return None

    async def _has_strangers(self, lineage: Lineage, client: Client) -> bool:
        """Tell whether Temporal began cases of this ledger that the ledger does not know.

        Only those are looked at that began about when the ledger registered its last case, or later.
        """
        newest = await asyncio.to_thread(self._book.newest_registration)
        times = [at for at in (newest and newest - _SKEW, lineage.began_at) if at is not None]
        since = f' AND StartTime > "{utc(max(times))}"' if times else ""
        began: dict[str, str | None] = {}
        async for found in client.list_workflows(f"{CASES}{since}", limit=_LOOKED_AT):
            began[found.id] = birth_of(found.raw_info.memo)
        ours = {
            number: birth for number, birth in began.items() if ledger_of(birth) in {None, lineage.ledger}
        }
        known = await asyncio.to_thread(self._book.births, ours.keys())
        return any(number not in known or known[number] != birth for number, birth in ours.items())

    async def _has_lost(self, lineage: Lineage, client: Client) -> bool:
        """Tell whether Temporal knows none of the cases that the ledger began last."""
        last = await asyncio.to_thread(self._book.begun_last, lineage.began_at, _BEGUN_LAST)
        return bool(last) and not any([await _is_there(client, case) for case in last])


async def _is_there(client: Client, case: CaseRef) -> bool:
    try:
        await client.get_workflow_handle(case.case_number).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True

"""Do ledger, key store, Temporal and anchors belong to the same past? If not, no number is given out.

A store that was put back from a copy does not say so. But each knows something of the others: key store,
Temporal and anchors how far the ledger was, Temporal which cases began and with which birth marks, and the
ledger how far key store and Temporal had counted.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from gateways.ports.audit import Anchors
from gateways.ports.lineage import LineageBook
from gateways.ports.vault import Vault
from models.errors import EngineUnreachable, LaterLife, Misconfigured, NumbersHeld
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
_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
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
        self._told: dict[str, int] | None = None
        """The numbers that Temporal noted last, as far as this process knows."""

    @classmethod
    def of(cls, settings: Settings, office: Office, namespace: OwnNamespace) -> "SamePast":
        """Return the comparison for an installation."""
        anchors = adapters.anchors(settings.anchors)
        return cls(office.lineage, office.vault, namespace, anchors, office.clock)

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
                    found = await self._in_temporal(lineage)
        if found is None:
            return None
        return await self._hold(found)

    async def _hold(self, because: Discord) -> Held:
        held = Held(self._clock(), because)
        await asyncio.to_thread(self._book.hold, held)
        log.error("numbers.held", because=because.value)
        return held

    async def require(self) -> None:
        """Raise NumbersHeld unless the stores belong together; otherwise as `look`."""
        if (held := await self.look()) is not None:
            raise NumbersHeld(held)

    async def bear_witness(self) -> None:
        """Let key store and Temporal note how far the ledger is, and the ledger how far they have counted.

        Temporal notes numbers only, and not each entry of the audit chain: that would be a long history.
        """
        before = await asyncio.to_thread(self._book.lineage)
        if before.held is not None:
            return  # what an older copy is must not cover what is known of the newer one
        past = await asyncio.to_thread(self._book.past)
        with suppress(EngineUnreachable):  # once it has noted this life, an earlier one is not seen any more
            noted = await asyncio.to_thread(self._vault.witnessed, before.ledger)
            if _tick(noted, before) < before.keys_tick:
                await self._hold(Discord.KEYS_OLDER)
                return
        keys = await asyncio.to_thread(self._vault.witness, past)
        temporal = None
        if past.numbers != self._told:
            temporal = await self._namespace.note(past)
            self._told = None if temporal is None else past.numbers
        for tick, known, older in (
            (keys, before.keys_tick, Discord.KEYS_OLDER),
            (temporal, before.temporal_tick, Discord.TEMPORAL_OLDER),
        ):
            if tick is not None and tick < known:  # it was put back while we were at work
                await self._hold(older)
                return
        await asyncio.to_thread(partial(self._book.remember, keys=keys, temporal=temporal))

    def _beside_temporal(self, lineage: Lineage) -> Discord | None:
        with suppress(EngineUnreachable):
            noted = self._vault.witnessed(lineage.ledger)  # before the ledger, which goes on meanwhile
            if self._knows_less(self._book.past(), noted):
                return Discord.LEDGER_OLDER
            if _tick(noted, lineage) < lineage.keys_tick or self._vault.missing(self._book.newest_keys()):
                return Discord.KEYS_OLDER
        with suppress(Misconfigured):
            if any(self._is_unknown(*one) for one in self._anchored(lineage)):
                return Discord.LEDGER_OLDER
        return None

    def _knows_less(self, past: Past, noted: Witnessed | None) -> bool:
        """Tell whether another store noted what the ledger does not know of itself."""
        if noted is None:
            return False
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

    async def _in_temporal(self, lineage: Lineage) -> Discord | None:
        """Compare with what Temporal noted, and with the cases it began last. Raises EngineUnreachable."""
        try:
            client, claim = await self._namespace.client(), await self._namespace.claim()
        except LaterLife:
            return Discord.LEDGER_OLDER
        noted = None if claim is None else claim.noted
        past = await asyncio.to_thread(self._book.past)
        if await asyncio.to_thread(self._knows_less, past, noted):
            return Discord.LEDGER_OLDER
        try:
            if await self._has_strangers(lineage, client):
                return Discord.LEDGER_OLDER
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None
        return Discord.TEMPORAL_OLDER if _tick(noted, lineage) < lineage.temporal_tick else None

    async def _has_strangers(self, lineage: Lineage, client: Client) -> bool:
        """Tell whether Temporal began cases of this ledger that the ledger does not know.

        Only those are looked at that began about when the ledger registered its last case, or later.
        """
        newest = await asyncio.to_thread(self._book.newest_registration)
        times = (newest and newest - _SKEW, lineage.began_at)
        since = max((at for at in times if at is not None), default=_EVER)
        began: dict[str, str | None] = {}
        query = f'{CASES} AND StartTime >= "{utc(since)}"'
        async for found in client.list_workflows(query, limit=_LOOKED_AT):
            if found.start_time > since:  # filters take no part of a second
                began[found.id] = birth_of(found.raw_info.memo)
        ours = {
            number: birth for number, birth in began.items() if ledger_of(birth) in {None, lineage.ledger}
        }
        known = await asyncio.to_thread(self._book.births, ours.keys())
        return any(number not in known or known[number] != birth for number, birth in ours.items())


def _tick(noted: Witnessed | None, lineage: Lineage) -> int:
    """Return how often a store has noted this life of the ledger; an earlier one does not count."""
    return 0 if noted is None or noted.past.generation < lineage.generation else noted.tick

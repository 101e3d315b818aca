"""Going on after a store was put back: what is known of the numbers, and where they go on."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from gateways.ports.lineage import LineageBook
from gateways.ports.recovery import RecoveryBook
from gateways.ports.vault import Vault
from models.case import CASE_NUMBER_PATTERN
from models.errors import EngineUnreachable
from models.lineage import NUMBERS_SKIPPED, Claim, Held, Lineage
from models.recovery import Series, Standing
from models.stuck_groups import CASES
from runtime.namespace import OwnNamespace
from runtime.same_past import SamePast
from runtime.temporal import UNREACHABLE

_PARTS: Final = 4
"""Of a case number: `PBI`, city, year, sequence."""


class Restoring:
    """Looks at what every store knows, and begins another life of the ledger beyond that."""

    def __init__(  # noqa: PLR0913 - one port each
        self,
        book: LineageBook,
        recovery: RecoveryBook,
        vault: Vault,
        namespace: OwnNamespace,
        *,
        past: SamePast,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports."""
        self._book, self._recovery, self._vault = book, recovery, vault
        self._namespace, self._past, self._clock = namespace, past, clock

    async def look(self) -> Standing:
        """Return what is known. Raises EngineUnreachable unless every store says what it knows."""
        held, client, claim = (
            await self._past.look(),
            await self._namespace.client_of_any_life(),
            await self._namespace.claim(),
        )
        temporal = await _numbers_in(client, claim)
        generation = 0 if claim is None else claim.generation
        return await asyncio.to_thread(self._standing, held, temporal, generation)

    async def go_on(self, standing: Standing, *, by: str) -> Lineage:
        """Begin another life of the ledger: every number that was known, and some more, counts as given.

        Who was erased is erased again. Whose key is lost gets another one: what was sealed stays unreadable,
        but his case can be ended, and he can apply anew. Whether numbers go on says what is returned.
        """
        await asyncio.to_thread(self._mend_keys)
        await asyncio.to_thread(
            lambda: self._book.begin_generation(
                standing.next_numbers(NUMBERS_SKIPPED), after=standing.generation, by=by, now=self._clock()
            )
        )
        await self._namespace.take()
        await self._past.bear_witness()
        await self._past.look()
        return await asyncio.to_thread(self._book.lineage)

    def _standing(self, held: Held | None, temporal: dict[str, int], in_temporal: int) -> Standing:
        ledger = self._book.past()
        noted = self._vault.witnessed(ledger.ledger)
        keys, in_keys = ({}, 0) if noted is None else (noted.past.numbers, noted.past.generation)
        missing = set[str]().union(*map(self._vault.missing, self._recovery.key_ids()))
        lost = missing | self._recovery.unopened()
        names = sorted(ledger.numbers.keys() | keys.keys() | temporal.keys())
        return Standing(
            held=held,
            generation=max(ledger.generation, in_keys, in_temporal),
            series=tuple(
                Series(name, ledger.numbers.get(name, 0), keys.get(name, 0), temporal.get(name, 0))
                for name in names
            ),
            people_without_key=len(lost),
            cases_without_key=tuple(self._recovery.unreadable(lost)),
            keys_of_erased=len(self._back_again()),
        )

    def _back_again(self) -> set[str]:
        """Return the keys of people who were erased that an older copy of the key store brought back."""
        erased = set(self._recovery.erased_key_ids())
        return erased - self._vault.destroyed(erased).keys() - self._vault.missing(erased)

    def _mend_keys(self) -> None:
        self._vault.give_up(self._recovery.unopened(), self._clock())
        for ids in self._recovery.key_ids():
            self._vault.renew(self._vault.missing(ids), self._clock())
        for key_id in self._back_again():
            self._vault.destroy(key_id, self._clock())


async def _numbers_in(client: Client, claim: Claim | None) -> dict[str, int]:
    """Return the last number of each series that Temporal knows, of any ledger's cases."""
    numbers = {} if claim is None or claim.noted is None else dict(claim.noted.past.numbers)
    try:
        async for found in client.list_workflows(CASES):
            if re.fullmatch(CASE_NUMBER_PATTERN, found.id):
                _, city, year, sequence = found.id.split("-", _PARTS - 1)
                name = f"case:{city}:{year}"
                numbers[name] = max(numbers.get(name, 0), int(sequence))
    except (RPCError, RuntimeError):
        raise EngineUnreachable(UNREACHABLE) from None
    return numbers

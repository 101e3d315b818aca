"""Starts the cases of a list: some at a time, and never far behind what is registered."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from gateways.ports.lists import Imports
from intake.intake import StartCase
from models.case import CaseRef
from models.errors import EngineUnreachable
from workflows import options

_MOST_BATCHES: Final = 2
"""Batches whose cases are registered and not started. The sweep of a worker must not come upon them: it looks
for cases that have waited longer than these take."""


class Starting:
    """Starts cases while the next ones are registered, and notes which are started."""

    def __init__(self, start: StartCase, imports: Imports, told: Callable[[int], None]) -> None:
        """`told` hears of rows whose cases are started."""
        self._start = start
        self._imports = imports
        self._told = told
        self._lanes = asyncio.Semaphore(options.STARTS_IN_FLIGHT)
        self._batches: deque[asyncio.Task[None]] = deque()
        self._away: EngineUnreachable | None = None
        self.started = 0

    async def add(self, cases: Sequence[CaseRef], *, rows: int) -> None:
        """Start the cases of so many rows as well; wait when too many are waiting.

        Raises EngineUnreachable.
        """
        self._batches.append(asyncio.create_task(self._batch(cases, rows)))
        while len(self._batches) > _MOST_BATCHES:
            await self._next()

    async def finish(self) -> None:
        """Wait until every case is started. Raises EngineUnreachable."""
        while self._batches:
            await self._next()

    async def abandon(self) -> None:
        """Stop where it is; what was started is noted, and the sweep of a worker starts the others."""
        for batch in self._batches:
            batch.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)
        self._batches.clear()

    async def _next(self) -> None:
        await self._batches[0]
        self._batches.popleft()

    async def _batch(self, cases: Sequence[CaseRef], rows: int) -> None:
        """Start cases, and note in one go which were."""
        started: list[str] = []
        try:
            answers = await asyncio.gather(
                *(self._one(case, started) for case in cases), return_exceptions=True
            )
        finally:
            self.started += len(started)
            if started:
                await asyncio.to_thread(self._imports.mark_started, started)
        for failure in answers:
            if failure is not None:
                raise failure
        self._told(rows)

    async def _one(self, case: CaseRef, started: list[str]) -> None:
        async with self._lanes:
            await self._begin(case)
        started.append(case.case_number)

    async def _begin(self, case: CaseRef) -> None:
        """Start a case; what Temporal does not take at once is tried again, unless it is away for all."""
        for pause in (*options.START_AGAIN_AFTER, None):
            if self._away is not None:
                raise self._away
            try:
                return await self._start(case)
            except EngineUnreachable as error:
                if pause is None:
                    self._away = error
                    raise
                await asyncio.sleep(pause.total_seconds())
        return None

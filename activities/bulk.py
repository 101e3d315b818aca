"""Do what was ordered for many cases, a page at a time; what was done before is not done again."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from temporalio import activity

from gateways.ports.bulk import BulkBook, BulkHands
from models.bulk import Bulk, BulkItem, BulkPage, BulkProgress, ItemResult, ItemVerdict
from models.errors import ReactivationError, TryAgain

log = structlog.get_logger()

_BEAT_SECONDS: Final = 3
IN_FLIGHT: Final = 8
"""How many cases are worked at a time; more only waits for the database."""


class BulkWork:
    """Works the cases of an order one by one."""

    def __init__(self, book: BulkBook, hands: BulkHands, clock: Callable[[], datetime]) -> None:
        """Hold the ports; `clock` tells when a case had its turn."""
        self._book, self._hands, self._clock = book, hands, clock

    @activity.defn
    async def work_page(self, page: BulkPage) -> BulkProgress:
        """Work the next cases and return how far the order is. Raises Unavailable while the ledger is away.

        A case whose result could not be written has its turn again: its command is the same command.
        """
        bulk = await asyncio.to_thread(self._book.bulk, page.bulk_id)
        items = await asyncio.to_thread(self._book.left, page.bulk_id, page.size)
        lanes = asyncio.Semaphore(IN_FLIGHT)

        async def work(item: BulkItem) -> None:
            async with lanes:
                verdict = await self._verdict(bulk, item)
                now = self._clock()
                await asyncio.to_thread(self._book.settle, bulk.id, item.case_number, verdict, now)
            facts = {} if verdict.detail is None else {"detail": verdict.detail}
            log.info(
                "bulk.item",
                bulk=bulk.id,
                operation=bulk.operation.value,
                by=bulk.actor,
                case_number=item.case_number,
                result=verdict.result.value,
                **facts,
            )

        beating = asyncio.create_task(_beat())
        try:
            async with asyncio.TaskGroup() as group:
                for item in items:
                    group.create_task(work(item))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            beating.cancel()
        return await asyncio.to_thread(self._book.progress, page.bulk_id)

    async def _verdict(self, bulk: Bulk, item: BulkItem) -> ItemVerdict:
        try:
            return await self._hands.work(bulk, item)
        except TryAgain:
            raise
        except ReactivationError as error:
            return ItemVerdict(ItemResult.REFUSED, f"{type(error).__name__}: {error}")
        except Exception as error:
            log.exception("bulk.item_failed", bulk=bulk.id, case_number=item.case_number)
            return ItemVerdict(ItemResult.FAILED, type(error).__name__)


async def _beat() -> None:
    """Show that this process lives, also while it waits for a case that nobody answers for."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(_BEAT_SECONDS)

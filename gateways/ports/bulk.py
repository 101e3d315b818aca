"""Orders for many cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from models.bulk import Bulk, BulkItem, BulkProgress, Chosen, ItemVerdict
from models.page import Page


class BulkBook(Protocol):
    """Orders for many cases. Raises EngineUnreachable, in a worker Unavailable, when the database is away."""

    def keep(self, bulk: Bulk, chosen: Sequence[Chosen]) -> None:
        """Write an order and its cases, all or nothing, before anything is done."""
        ...

    def bulk(self, bulk_id: str) -> Bulk:
        """Return an order. Raises NotFound."""
        ...

    def latest(self, limit: int = 50) -> Page[Bulk]:
        """Return the orders, the newest first."""
        ...

    def left(self, bulk_id: str, limit: int) -> list[BulkItem]:
        """Return the next cases that had no turn yet."""
        ...

    def settle(self, bulk_id: str, case_number: str, verdict: ItemVerdict, at: datetime) -> None:
        """Write down what became of a case."""
        ...

    def items(self, bulk_id: str) -> list[BulkItem]:
        """Return every case of an order in its turn, with what is known of it now."""
        ...

    def progress(self, bulk_id: str) -> BulkProgress:
        """Return how far an order is."""
        ...


class BulkHands(Protocol):
    """Does what was ordered to one case."""

    async def work(self, bulk: Bulk, item: BulkItem) -> ItemVerdict:
        """Do it, once however often it is called, and say what became of it.

        Raises Unavailable when it is to be tried again, any other of our errors when the case refuses.
        """
        ...

"""An order for many cases: page after page until each had its turn, whatever happens to workers meanwhile."""

import asyncio

from temporalio import workflow

from activities.bulk import BulkWork
from models.bulk import BulkOrder, BulkPage, BulkProgress
from workflows import options


@workflow.defn
class BulkOperation:
    """Works an order to its end. A cancel request stops it with the page under way; it can be begun again."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._progress = BulkProgress()

    @workflow.query(description="How far the order is.")
    def progress(self) -> BulkProgress:
        """Return how many cases had their turn, and what became of them."""
        return self._progress

    @workflow.run
    async def run(self, order: BulkOrder) -> BulkProgress:
        """Work page after page; the ledger knows which cases are left."""
        page = BulkPage(bulk_id=order.bulk_id, size=options.BULK_PAGE)
        while True:
            self._progress = await workflow.execute_activity_method(
                BulkWork.work_page, page, **options.named(options.BULK, f"{order.operation}: berikutnya")
            )
            workflow.set_current_details(f"**{order.operation}** ({order.actor}): {self._progress.words}")
            if workflow.cancellation_reason() is not None:
                raise asyncio.CancelledError  # the SDK swallows one that comes together with a page's result
            if not self._progress.left:
                return self._progress
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(order)

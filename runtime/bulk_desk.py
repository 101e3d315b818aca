"""Where bulk operations are rehearsed, begun, followed and resumed."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from temporalio.client import WorkflowExecution
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports.bulk import BulkBook
from models.bulk import Bulk, BulkOrder, BulkProgress, Chosen, Filter
from models.case import Track
from models.errors import BadInput, EngineUnreachable, Finding
from models.stuck_groups import RUNNING_CASES
from models.wib import WIB
from runtime.bulk_hands import seen
from runtime.namespace import OwnNamespace
from runtime.temporal import UNREACHABLE
from workflows import options
from workflows.bulk import BulkOperation
from workflows.search_attributes import COLUMNS

_LAST: Final = "9999"
_PAGE: Final = 1000


@dataclass(frozen=True)
class Found:
    """A case that a filter finds, with what stands beside it in the list."""

    chosen: Chosen
    city: str
    kecamatan: str
    track: str
    due_at: str

    @property
    def place(self) -> tuple[bool, str, str]:
        """Its turn: emergencies first, then the next due."""
        return self.track != Track.EMERGENCY, self.due_at, self.chosen.case_number


def new_id(now: datetime) -> str:
    """Return an id that sorts by time, for example `20260213-150412-9f3a`."""
    return f"{now.astimezone(WIB):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class BulkDesk:
    """Asks Temporal which cases a filter finds, and begins the workflow of an order that is in the ledger."""

    def __init__(self, namespace: OwnNamespace, book: BulkBook) -> None:
        """Hold the way to Temporal and the orders."""
        self._namespace, self._book = namespace, book

    async def find(self, chosen_by: Filter) -> list[Found]:
        """Return the cases that a filter finds, in their turn. Raises BadInput when it is none."""
        client = await self._namespace.client()
        with _in_plain_words():
            listed = client.list_workflows(chosen_by.query, page_size=_PAGE)
            found = [_found(execution, chosen_by) async for execution in listed]
        return sorted(found, key=lambda one: one.place)

    async def running(self) -> int:
        """Return how many cases run."""
        client = await self._namespace.client()
        with _in_plain_words():
            return (await client.count_workflows(RUNNING_CASES)).count

    async def begin(self, bulk: Bulk) -> None:
        """Start the order's workflow, or leave the one alone that runs. Raises EngineUnreachable."""
        client = await self._namespace.take()
        with _in_plain_words():
            await client.start_workflow(
                BulkOperation.run,
                BulkOrder(bulk_id=bulk.id, operation=bulk.operation, actor=bulk.actor),
                id=f"bulk-{bulk.id}",
                task_queue=self._namespace.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=f"bulk {bulk.operation} - {bulk.actor}",
                rpc_timeout=options.START_RPC_TIMEOUT,
            )

    async def follow(self, bulk_id: str, show: Callable[[BulkProgress], None]) -> BulkProgress:
        """Show the progress until each case had its turn; leaving earlier does not stop the order."""
        while True:
            progress = await asyncio.to_thread(self._book.progress, bulk_id)
            show(progress)
            if not progress.left:
                return progress
            await asyncio.sleep(options.BULK_SHOWN_EVERY.total_seconds())


def _found(execution: WorkflowExecution, chosen_by: Filter) -> Found:
    there = execution.typed_search_attributes
    values = {column.key.name: seen(there.get(column.key)) for column in COLUMNS}
    return Found(
        Chosen(execution.id, {name: values[name] for name in sorted(chosen_by.mentions)}),
        city=str(values["City"]),
        kecamatan=str(values["Kecamatan"]),
        track=str(values["CaseTrack"]),
        due_at=str(values["SlaDueAt"] or _LAST),
    )


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            fix = "try it in the list of the Web UI first"
            raise BadInput([Finding("--where", "is no filter that Temporal understands", fix)]) from None
        raise EngineUnreachable(UNREACHABLE) from None
    except RuntimeError:  # a lazy client that cannot connect
        raise EngineUnreachable(UNREACHABLE) from None

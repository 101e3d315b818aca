"""An order for many cases on a real server: every case has its turn, whatever happens meanwhile."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from activities.bulk import IN_FLIGHT, BulkWork
from models.bulk import Bulk, BulkItem, BulkOrder, BulkProgress, Chosen, ItemResult, ItemVerdict, Operation
from models.errors import NotAllowed, Unavailable
from models.page import Page
from runtime.interceptor import ErrorMapping
from tests.sandbox import strict_runner
from workflows import options
from workflows.bulk import BulkOperation

TOTAL = 2 * options.BULK_PAGE + 7
ORDER = BulkOrder(bulk_id="b-1", operation=Operation.RETRY, actor="boss")
BULK = Bulk("b-1", Operation.RETRY, "-", "boss", datetime(2026, 3, 2, tzinfo=UTC), "portal pulih")


class FakeBook:
    """An order in memory."""

    def __init__(self) -> None:
        self.verdicts: dict[str, ItemVerdict] = {}
        self.numbers = [f"PBI-3674-2026-{number:06d}" for number in range(1, TOTAL + 1)]

    def keep(self, bulk: Bulk, chosen: Sequence[Chosen]) -> None:
        raise NotImplementedError

    def bulk(self, bulk_id: str) -> Bulk:
        return BULK

    def latest(self, limit: int = 50) -> Page[Bulk]:
        return Page([BULK], 1)

    def left(self, bulk_id: str, limit: int) -> list[BulkItem]:
        return [item for item in self.items(bulk_id) if item.result is None][:limit]

    def settle(self, bulk_id: str, case_number: str, verdict: ItemVerdict, at: datetime) -> None:
        self.verdicts[case_number] = verdict

    def items(self, bulk_id: str) -> list[BulkItem]:
        found = ((number, self.verdicts.get(number)) for number in self.numbers)
        return [BulkItem(number, {}, None if one is None else one.result) for number, one in found]

    def progress(self, bulk_id: str) -> BulkProgress:
        results = [item.result for item in self.items(bulk_id)]
        return BulkProgress.of({result: results.count(result) for result in results})


class FakeHands:
    """Hands that remember whom they worked, and do as they are told with some."""

    def __init__(self) -> None:
        self.worked: list[str] = []
        self.before: Callable[[str], None] = lambda number: None

    async def work(self, bulk: Bulk, item: BulkItem) -> ItemVerdict:
        self.before(item.case_number)
        self.worked.append(item.case_number)
        await asyncio.sleep(0)
        return ItemVerdict(ItemResult.DONE)


class Trial:
    """An order, and workers that come and go."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self.client, self.queue = environment.client, uuid.uuid4().hex
        self.book, self.hands = FakeBook(), FakeHands()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Worker]:
        work = BulkWork(self.book, self.hands, lambda: datetime.now(UTC))
        worker = Worker(
            self.client,
            task_queue=self.queue,
            workflows=[BulkOperation],
            activities=[work.work_page],
            interceptors=[ErrorMapping()],
            workflow_runner=strict_runner(),
        )
        async with worker:
            yield worker

    async def begin(self) -> WorkflowHandle[BulkOperation, BulkProgress]:
        return await self.client.start_workflow(
            BulkOperation.run, ORDER, id=f"bulk-{self.queue}", task_queue=self.queue
        )


async def test_every_case_has_its_turn_once(environment: WorkflowEnvironment) -> None:
    """A case that refuses and one that our code cannot work are told, and hold up nobody."""
    trial = Trial(environment)
    refusing, failing = trial.book.numbers[3], trial.book.numbers[60]

    def before(number: str) -> None:
        if number == refusing:
            raise NotAllowed("boss: not his area")
        if number == failing:
            raise ValueError("NIK 3674065203859001 of Siti")

    trial.hands.before = before
    async with trial.serving():
        handle = await trial.begin()
        progress = await handle.result()
        assert await handle.query(BulkOperation.progress) == progress
    assert progress.results == {"done": TOTAL - 2, "refused": 1, "failed": 1}
    assert sorted(trial.hands.worked) == sorted(set(trial.book.numbers) - {refusing, failing})
    assert trial.book.verdicts[refusing].detail == "NotAllowed: boss: not his area"
    assert trial.book.verdicts[failing].detail == "ValueError"
    history = await handle.fetch_history()
    assert len(history.events) < 40
    assert "Siti" not in history.to_json()
    replayer = Replayer(
        workflows=[BulkOperation], data_converter=pydantic_data_converter, workflow_runner=strict_runner()
    )
    await replayer.replay_workflow(history)


async def test_a_worker_that_stops_in_the_middle_loses_nothing(environment: WorkflowEnvironment) -> None:
    """The next one takes the page up again; only what was in the air can have a second turn."""
    trial = Trial(environment)
    reached = asyncio.Event()
    work = trial.hands.work

    async def until_the_end_of_the_process(bulk: Bulk, item: BulkItem) -> ItemVerdict:
        if len(trial.hands.worked) < 20:
            return await work(bulk, item)
        reached.set()
        return await asyncio.Future()

    trial.hands.work = until_the_end_of_the_process  # type: ignore[method-assign]
    async with trial.serving():
        handle = await trial.begin()
        await reached.wait()
    trial.hands.work = work  # type: ignore[method-assign]
    done_by_the_first = len(trial.book.verdicts)
    assert 0 < done_by_the_first < TOTAL
    async with trial.serving():
        progress = await handle.result()
    assert progress.results == {"done": TOTAL}
    assert len(trial.hands.worked) <= TOTAL + IN_FLIGHT


async def test_a_ledger_that_is_away_is_waited_for(environment: WorkflowEnvironment) -> None:
    """The page is tried again, and no case is told wrong."""
    trial = Trial(environment)
    faults = iter([True, True])

    def before(number: str) -> None:
        if next(faults, False):
            raise Unavailable("ledger", "database does not answer")

    trial.hands.before = before
    async with trial.serving():
        handle = await trial.begin()
        assert (await handle.result()).results == {"done": TOTAL}
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    assert kinds.count(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == 3


async def test_an_order_is_stopped_and_taken_up_again(environment: WorkflowEnvironment) -> None:
    """A cancel request leaves the pages that did not begin alone; the same order, begun again, finds them."""
    trial = Trial(environment)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(bulk: Bulk, item: BulkItem) -> ItemVerdict:
        reached.set()
        await go_on.wait()
        return ItemVerdict(ItemResult.DONE)

    trial.hands.work = slowly  # type: ignore[method-assign]
    async with trial.serving():
        handle = await trial.begin()
        await reached.wait()
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert trial.book.progress("b-1").left == TOTAL
        go_on.set()
        assert (await (await trial.begin()).result()).results == {"done": TOTAL}

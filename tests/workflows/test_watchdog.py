"""The watchdog on a real Temporal and a real ledger: code that fails, cases that are lost or astray."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert
from temporalio import workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from gateways.channels import OutboxAndLog
from gateways.ledger_access import utc_now
from gateways.policy_folder import PolicyFolder
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_audit import SqlAudit
from gateways.sql_ledger import SqlLedger
from gateways.sql_lineage import SqlLineage
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_watch import SqlWatch
from models.errors import EngineUnreachable
from models.messages import AlertKind
from models.outbox import AlertState, Sent
from models.tables import case_events, cases, counters
from runtime.adapters import Watching
from runtime.engine import TemporalEngine
from runtime.namespace import OwnNamespace
from runtime.settings import Settings
from runtime.temporal import BIRTH, connect
from runtime.watchdog import WATCHDOG, Watchdog
from tests.ledger.builders import a_closing, a_new_case, a_record, an_alert, an_event
from tests.ledgers import a_ledger
from tests.vaults import a_vault
from workflows.search_attributes import DUE_AT

ROOT = Path(__file__).resolve().parents[2]
MINUTE = timedelta(minutes=1)
BROKEN = "Rusak"
"""The kecamatan whose cases meet the fault in the code."""


@workflow.defn(name="Reactivation")
class Faulty:
    """A case whose code fails for some."""

    @workflow.run
    async def run(self, kecamatan: str) -> None:
        """Fail, or wait for ever."""
        if kecamatan == BROKEN:
            raise RuntimeError("a fault in the code")
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="Reactivation")
class Mended:
    """The same after the fault was mended."""

    @workflow.run
    async def run(self, kecamatan: str) -> None:
        """Wait for ever."""
        await workflow.wait_condition(lambda: False)


async def none_held() -> None:
    """Say that numbers are given out."""


class House:
    """A ledger, cases of a task queue of its own, and a watchdog whose clock may run ahead."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.settings = Settings(task_queue=uuid.uuid4().hex)
        self.sql = a_ledger(folder)
        with self.sql.begin() as connection:  # numbers that no other test on this server has
            first = random.randrange(100_000, 900_000, 10)
            connection.execute(insert(counters).values(name="case:3674:2026", value=first))
        self.ahead = timedelta(0)
        self.ledger, self.registry = SqlLedger(self.sql, a_vault()), SqlRegistry(self.sql, a_vault())
        self.outbox, self.book, self.watch = (
            SqlOutbox(self.sql, self.now),
            SqlAlertBook(self.sql),
            SqlWatch(self.sql),
        )
        shelf = PolicyFolder(ROOT / "policies")
        self.channel = OutboxAndLog(self.outbox, shelf, utc_now)
        self.watching = Watching(self.watch, self.channel, shelf)
        self.watch_over(client)

    def watch_over(self, client: Client) -> None:
        """Start a watchdog over what this client reaches."""
        self.temporal = TemporalEngine(OwnNamespace.over(client, self.settings, SqlLineage(self.sql)))
        self.dog = Watchdog(self.temporal, self.watching, self.now, held=none_held, unreadable=set)

    def now(self) -> datetime:
        """Tell the watchdog's time."""
        return utc_now() + self.ahead

    async def case(self, kecamatan: str = "Pamulang") -> str:
        """Register a case and start it; return its number."""
        case = self.registry.register(a_new_case()).case
        await self.start(case.case_number, kecamatan, birth=case.birth)
        self.registry.mark_started(case.case_number)
        return case.case_number

    async def start(
        self,
        number: str,
        kecamatan: str = "Pamulang",
        kind: str = "Reactivation",
        birth: str | None = None,
        due_at: datetime | None = None,
    ) -> None:
        """Start a workflow that gives its tasks little time: an attempt that failed ends with that."""
        shown = [] if due_at is None else [SearchAttributePair(DUE_AT, due_at)]
        await self.client.start_workflow(
            kind,
            kecamatan,
            id=number,
            task_queue=self.settings.task_queue,
            task_timeout=timedelta(seconds=1),
            memo={} if birth is None else {BIRTH: birth},
            search_attributes=TypedSearchAttributes(shown),
        )

    async def terminate(self, *numbers: str) -> None:
        """End workflows as an administrator does who means well."""
        for number in numbers:
            await self.client.get_workflow_handle(number).terminate()

    @asynccontextmanager
    async def serving(self, code: type) -> AsyncIterator[None]:
        """Run a worker with this code."""
        async with Worker(
            self.client,
            task_queue=self.settings.task_queue,
            workflows=[code],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            await until(self._is_polled)
            yield

    async def _is_polled(self) -> bool:
        return await self.temporal.workers() > 0

    async def until_listed(self, *numbers: str) -> None:
        """Wait until Temporal lists these workflows as running and no other."""

        async def asked() -> bool:
            return (await self.temporal.running()).keys() == set(numbers)

        await until(asked)

    async def until_attempt(self, number: str, holds: Callable[[int], bool]) -> None:
        """Wait until a workflow's task is at such an attempt; 0 for none to do."""

        async def asked() -> bool:
            return holds((await self.temporal.look([number]))[number].attempts)

        await until(asked)

    async def round(self, ahead: timedelta = MINUTE) -> set[tuple[AlertKind, str]]:
        """Send all alerts, seal all rows, go a round so much later, and return what is open.

        That is its kind, and the case or what else it is about.
        """
        self.ahead += ahead
        now = self.now()
        while SqlAudit(self.sql).seal(now):
            pass
        self.outbox.sent([Sent(one.id, None) for one in self.outbox.lease(now, now)], now)
        assert await self.dog.round(MINUTE)
        opened = [entry.alert for entry in self.book.entries(state=AlertState.OPEN)]
        return {(alert.kind, alert.case_number or str(alert.detail)) for alert in opened}


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition; fails after fifteen seconds."""
    async with asyncio.timeout(15):
        while not await holds():
            await asyncio.sleep(0.05)


@pytest.fixture
def house(environment: WorkflowEnvironment, tmp_path: Path) -> Iterator[House]:
    """Give the house."""
    made = House(environment.client, tmp_path)
    yield made
    made.sql.dispose()


async def test_every_trouble_is_told_once_and_taken_back_when_it_is_mended(house: House) -> None:
    """Code that fails, cases terminated or forgotten, one that runs on, a breach in silence, a strange id."""
    failing, calm, lost = await house.case(BROKEN), await house.case(), await house.case()
    breached, over = await house.case(), await house.case()
    unstarted = house.registry.register(a_new_case()).case
    forgotten = unstarted.case_number
    house.registry.mark_started(forgotten)
    by_hand = "3674061203850001"
    await house.start(by_hand)
    await house.start("digest", kind="DailyDigest")
    for number in (breached, over):
        case = house.registry.case(number).case
        house.ledger.record(a_closing(case) if number == over else a_record(case, an_event(2)))
    at_once = {(AlertKind.TASK_FAILING, failing), *((AlertKind.CASE_LOST, one) for one in (lost, forgotten))}
    later = {
        (AlertKind.CASE_ASTRAY, over),
        (AlertKind.CASE_ASTRAY, "1-id-tak-dikenal"),
        (AlertKind.BREACH_UNTOLD, breached),
    }

    async with house.serving(Faulty):
        await house.until_attempt(failing, lambda attempt: attempt >= 3)
        await house.terminate(lost)
        await house.until_listed(failing, calm, breached, over, by_hand)
        assert await house.round() == at_once
        assert await house.round(15 * MINUTE) == at_once | later
        told = len(house.book.entries())
        assert await house.round() == at_once | later
        assert len(house.book.entries()) == told

    async with house.serving(Mended):
        await house.until_attempt(failing, lambda attempt: attempt == 0)
        await house.terminate(over, by_hand)
        await house.start(forgotten, birth=unstarted.birth)
        await reset(house.client, lost)
        breach = an_alert(house.registry.case(breached).case).model_copy(update={"raised_at": utc_now()})
        house.channel.send(breach)
        await house.until_listed(failing, calm, breached, lost, forgotten)
        assert await house.round() == {(AlertKind.SLA_BREACH, breached)}
    assert house.watch.heartbeat(WATCHDOG) is not None


async def test_a_case_that_is_deleted_from_the_ledger_is_told_with_its_breach(house: House) -> None:
    """At once, by what Temporal says of it; one that is due later is astray only."""
    late, later = (house.registry.register(a_new_case()).case.case_number for _ in range(2))
    due_at = datetime.now(UTC).replace(microsecond=0)
    await house.start(late, due_at=due_at)
    await house.start(later, due_at=due_at + timedelta(days=1))
    with house.sql.begin() as connection:
        for table in (case_events, cases):
            connection.execute(delete(table).where(table.c.case_number.in_([late, later])))
    await house.until_listed(late, later)
    assert await house.round() == {
        (AlertKind.BREACH_ASTRAY, late),
        *((AlertKind.CASE_ASTRAY, one) for one in (late, later)),
    }
    [alert] = [one.alert for one in house.book.entries() if one.alert.kind is AlertKind.BREACH_ASTRAY]
    assert (alert.city, alert.due_at) == ("3674", due_at)


async def test_that_nobody_works_is_told_until_a_worker_comes(house: House) -> None:
    """To both cities, after a second look."""
    assert await house.round() == set()
    assert await house.round() == {(AlertKind.NO_WORKER, "worker")}
    assert len(house.book.entries()) == 2
    async with house.serving(Mended):
        assert await house.round() == set()


async def test_that_temporal_is_away_is_told_and_ends_no_round(house: House) -> None:
    """The ledger is watched on, and the heart beats."""
    house.watch_over(
        await connect(house.settings, lazy=True, environment={"TEMPORAL_ADDRESS": "127.0.0.1:1"})
    )
    case = house.registry.register(a_new_case()).case
    house.ledger.record(a_record(case, an_event(2)))
    await house.round()
    assert await house.round(5 * MINUTE) == {
        (AlertKind.NO_WORKER, "temporal"),
        (AlertKind.BREACH_UNTOLD, case.case_number),
    }
    with pytest.raises(EngineUnreachable):
        await house.temporal.running()


async def test_a_case_on_a_task_queue_that_nobody_asks_is_lost(house: House) -> None:
    """It is open in Temporal and yet runs nowhere: the installation asks another queue since."""
    number = await house.case()
    house.settings = house.settings.model_copy(update={"task_queue": uuid.uuid4().hex})
    house.watch_over(house.client)
    async with house.serving(Mended):
        assert await house.round() == {(AlertKind.CASE_LOST, number)}


async def reset(client: Client, number: str) -> None:
    """Let a workflow begin anew from its start, as `temporal workflow reset` does."""
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=number),
            workflow_task_finish_event_id=4,
            reason="lost",
            request_id=uuid.uuid4().hex,
        )
    )

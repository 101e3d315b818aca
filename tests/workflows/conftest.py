"""A real dev server with a virtual clock for each case, and a worker on fakes."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from activities.ways import Mode
from gateways.policy_folder import PolicyFolder
from gateways.ports.policies import PolicyShelf
from models.case import CaseRef, CaseState
from models.messages import CaseEvent, EventKind
from models.outage import System
from models.projection import COMPARED, Line, contradictions
from runtime.adapters import Modes, Outside
from runtime.interceptor import ErrorMapping
from runtime.own_cases import OwnCases
from runtime.stack import temporal_binary
from tests.builders import a_dossier
from tests.fakes import (
    FakeBpjs,
    FakeChannel,
    FakeDesk,
    FakeDocuments,
    FakeFigures,
    FakeGuard,
    FakeKemensos,
    FakeLedger,
    FakeSiksNg,
)
from tests.sandbox import strict_runner
from worker import WORKFLOWS, activities_of
from workflows import search_attributes
from workflows.queues import queue_of
from workflows.reactivation import Reactivation

ROOT = Path(__file__).resolve().parents[2]

BY_MACHINE = Modes(has_officers=False, siks_ng=Mode.HTTP, kemensos=Mode.HTTP, bpjs=Mode.HTTP)
BY_HAND = Modes()

Handle = WorkflowHandle[Reactivation, CaseState]

WITHIN_SECONDS = 30.0
"""How long a case is waited for: a machine with other work is slow, and who waits goes on at once."""
_SERVER = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="20ms"',
)
"""A timer that is due at once, as it is after a jump of the clock, fires by default up to a second later."""


@asynccontextmanager
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    """Run a dev server on which each case has a clock of its own, moved by the test alone."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        dev_server_existing_path=temporal_binary(),
        data_converter=pydantic_data_converter,
        search_attributes=[column.key for column in search_attributes.COLUMNS],
        dev_server_log_level="error",
        dev_server_extra_args=[word for value in _SERVER for word in ("--dynamic-config-value", value)],
    ) as started:
        yield started


@pytest.fixture(scope="session")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    """One dev server for all tests."""
    async with dev_server() as started:
        yield started


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server that jumps from timer to timer; it has one clock for all cases, so each test has its own."""
    beside = Path(sys.executable).with_name("temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(beside) if beside.exists() else shutil.which("temporal-test-server"),
        data_converter=pydantic_data_converter,
    ) as environment:
        types = {column.key.name: int(column.key.indexed_value_type) for column in search_attributes.COLUMNS}
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace="default", search_attributes=types)  # type: ignore[arg-type]
        )
        yield environment


@dataclass
class Bench:
    """A worker on fakes, and the hands to start and watch cases."""

    environment: WorkflowEnvironment
    task_queue: str
    ledger: FakeLedger = field(default_factory=FakeLedger)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    siks_ng: FakeSiksNg = field(default_factory=FakeSiksNg)
    kemensos: FakeKemensos = field(default_factory=FakeKemensos)
    desk: FakeDesk = field(default_factory=FakeDesk)
    figures: FakeFigures = field(default_factory=FakeFigures)
    modes: Modes = BY_MACHINE
    shelf: PolicyShelf = field(default_factory=lambda: PolicyFolder(ROOT / "policies"))
    guards: dict[System, FakeGuard] = field(
        default_factory=lambda: {system: FakeGuard(system) for system in System}
    )
    handles: list[Handle] = field(default_factory=list)
    bpjs: FakeBpjs = field(init=False)
    channel: FakeChannel = field(init=False)

    def __post_init__(self) -> None:
        self.bpjs = FakeBpjs(self.ledger, self.kemensos)
        self.channel = FakeChannel(self.ledger)

    def outside(self) -> Outside:
        """Return the fakes as the worker's adapters."""
        return Outside(
            ledger=self.ledger,
            documents=self.documents,
            shelf=self.shelf,
            siks_ng=self.siks_ng,
            kemensos=self.kemensos,
            bpjs=self.bpjs,
            alerts=self.channel,
            figures=self.figures,
            desk=self.desk,
            modes=self.modes,
            guards=self.guards,
        )

    async def start(
        self,
        case: CaseRef,
        *,
        kinds: tuple[str, ...] = ("facility_letter",),
        need: str = "emergency",
        memo: Mapping[str, str] | None = None,
    ) -> Handle:
        """Put the case's dossier into the ledger and start its workflow."""
        self.ledger.dossiers[case.case_number] = a_dossier(case, kinds=kinds, need=need)
        handle = await self.environment.client.start_workflow(
            Reactivation.run,
            case,
            id=case.case_number,
            task_queue=self.task_queue,
            search_attributes=search_attributes.initial(case),
            memo=memo,
        )
        self.handles.append(handle)
        return handle

    @asynccontextmanager
    async def serving(
        self,
        max_cached_workflows: int = 1000,
        *,
        stories: bool = True,
        activities: bool = True,
        patches: Container[str] | None = None,
    ) -> AsyncIterator[None]:
        """Run a worker on the fakes; one for activities alone or without them lets a test part the two.

        With `patches` only these are in force.
        """
        all_of, own = activities_of(self.outside()), OwnCases(self.ledger)
        with ThreadPoolExecutor(32) as threads:
            cases = Worker(
                self.environment.client,
                task_queue=self.task_queue,
                workflows=WORKFLOWS if stories else [],
                activities=all_of.own,
                no_remote_activities=not activities,
                activity_executor=threads,
                interceptors=[ErrorMapping(), own],
                workflow_runner=strict_runner(),
                max_cached_workflows=max_cached_workflows,
                patch_activation_callback=lambda asked: patches is None or asked.patch_id in patches,
            )
            systems = [
                Worker(
                    self.environment.client,
                    task_queue=queue_of(system, self.task_queue),
                    activities=[activity],
                    activity_executor=threads,
                    interceptors=[ErrorMapping(), own],
                )
                for system, activity in all_of.of_system.items()
                if activities
            ]
            async with AsyncExitStack() as serving:
                for worker in (cases, *systems):
                    await serving.enter_async_context(worker)
                yield

    async def until(self, handle: Handle, holds: Callable[[CaseState], bool]) -> CaseState:
        """Wait until the case's state is as expected; fails after `WITHIN_SECONDS`."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not holds(state := await handle.query(Reactivation.state)):
                await asyncio.sleep(0.02)
        return state

    async def at_rest(self, handle: Handle) -> None:
        """Wait until only timers are pending: a clock without a worker moves only then."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while (seen := (await handle.describe()).raw_description).pending_activities or seen.HasField(
                "pending_workflow_task"
            ):
                await asyncio.sleep(0.02)

    async def forward(self, handle: Handle, by: timedelta) -> None:
        """Move this case's clock."""
        await self.environment.fast_forward(handle, by)


@pytest.fixture
async def stopped_bench(environment: WorkflowEnvironment) -> Bench:
    """Fakes and a task queue, and no worker yet."""
    return Bench(environment, task_queue=uuid.uuid4().hex)


async def require_sound(bench: Bench) -> None:
    """Fail unless every case replays, is as its events say, and no error has escaped into its tasks."""
    for number, state in bench.ledger.states.items():
        assert _contradictions(state, bench.ledger.events[number].values()) == [], number
    replayer = Replayer(
        workflows=[Reactivation], data_converter=pydantic_data_converter, workflow_runner=strict_runner()
    )
    for handle in bench.handles:
        history = await handle.fetch_history()
        kinds = {event.event_type for event in history.events}
        assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds, (
            "an error escaped into the workflow task"
        )
        await replayer.replay_workflow(history)


def _contradictions(state: CaseState, events: Iterable[CaseEvent]) -> list[str]:
    """Return where a state says otherwise than its events, as `audit verify` compares them."""

    def text(value: object) -> str | None:
        if value is None:
            return None
        return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)

    registered = Line(EventKind.CASE_REGISTERED, text(state.case.received_at) or "", None, None, {})
    told = sorted(events, key=lambda event: event.seq)
    story = [Line(one.kind, text(one.at) or "", text(one.step), text(one.attempt), one.facts) for one in told]
    row = {name: text(getattr(state, name, None)) for name in COMPARED}
    row |= {"track": state.case.track, "received_at": registered.at}
    return list(contradictions(row, [registered, *story]))


@asynccontextmanager
async def proven(bench: Bench) -> AsyncIterator[Bench]:
    """Run a worker; afterwards every case must replay, and no error may have escaped into its tasks."""
    async with bench.serving():
        yield bench
        # A worker that stops in the middle of a local activity may hang (sdk-core, seen on 1.35).
        for handle in bench.handles:
            await bench.at_rest(handle)
    await require_sound(bench)


@pytest.fixture
async def bench(stopped_bench: Bench) -> AsyncIterator[Bench]:
    """A proven worker, with machines at every step."""
    async with proven(stopped_bench):
        yield stopped_bench


@pytest.fixture
async def office(stopped_bench: Bench) -> AsyncIterator[Bench]:
    """A proven worker, with people at every step."""
    stopped_bench.modes = BY_HAND
    async with proven(stopped_bench):
        yield stopped_bench

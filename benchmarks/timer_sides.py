"""The two sides of `timer_lateness`: real cases that nobody works on, and bare workflows that sleep."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import Select, bindparam, func, select
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from benchmarks.bench import FLOOR_QUEUE, Bench
from benchmarks.timer_floor import Sleeper
from gateways.policy_folder import PolicyFolder
from models.alert_tables import alerts
from models.case import Track
from models.errors import EngineUnreachable, Misconfigured
from models.messages import AlertKind, EventKind
from models.tables import case_events, cases
from runtime import adapters
from runtime.namespace import OwnNamespace
from runtime.processes import Child
from runtime.stack import Stack
from runtime.starting import CaseStarter

READ_AT_ONCE = 20
"""Histories that are read at the same time."""
LOOK_EVERY = 0.1
"""Seconds between two looks whether a workflow has set its timer."""
ARMED_WITHIN = 60.0
"""Seconds that this may take."""
EVENTS_OF_A_SLEEPER = 5
"""Length of its history once its timer is set."""

_ON_DESK = select(func.count()).where(
    case_events.c.case_number == bindparam("number"), case_events.c.kind == EventKind.STEP_ON_DESK
)
_BREACH_ALERTS = select(func.count()).where(alerts.c.kind == AlertKind.SLA_BREACH)
_ALERTED = select(alerts.c.case_number).where(alerts.c.kind == AlertKind.SLA_BREACH)
_BREACHED = select(cases.c.case_number, cases.c.due_at, cases.c.detected_at, case_events.c.recorded_at).where(
    case_events.c.case_number == cases.c.case_number, case_events.c.kind == EventKind.SLA_BREACHED
)


@dataclass(frozen=True)
class Deadline:
    """What became of one deadline."""

    due: datetime
    fired: datetime
    """When Temporal fired the timer."""
    noticed: datetime
    """When the workflow saw it: `workflow.now()` of that task, which a case keeps as `detected_at`."""
    written: datetime
    """When it could be seen: the wall time of the ledger's event, or the end of the bare workflow."""


@dataclass(frozen=True)
class Outcome:
    """What became of all deadlines of one measurement."""

    deadlines: list[Deadline]
    lost: int
    """Workflows whose deadline was not told, or only half."""
    twice: int
    """Workflows whose deadline was told more than once."""


class Side(Protocol):
    """Something that has deadlines."""

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids of Temporal's server, the worker and the watchdog."""
        ...

    async def arm(self, due: datetime) -> str:
        """Begin a workflow with this deadline; return its id when its timer is set."""
        ...

    async def told(self) -> int:
        """Count the deadlines that were told since the stack came up."""
        ...

    async def outcome(self, ids: Collection[str]) -> Outcome:
        """Return what became of these workflows."""
        ...


class BareSide:
    """Workflows that sleep until they are due, and end."""

    def __init__(self, bench: Bench) -> None:
        """Use the worker that serves the floor."""
        self._client = bench.client
        self.pids = _pids(bench.stack, bench.floor)
        self._due: dict[str, datetime] = {}

    async def arm(self, due: datetime) -> str:
        """Begin a sleeper."""
        handle = await self._client.start_workflow(
            Sleeper.run, due, id=str(uuid.uuid4()), task_queue=FLOOR_QUEUE
        )

        async def sleeps() -> bool:
            return (await handle.describe()).history_length >= EVENTS_OF_A_SLEEPER

        await _until(sleeps)
        self._due[handle.id] = due
        return handle.id

    async def told(self) -> int:
        """Count the sleepers that ended."""
        query = f"WorkflowType = '{Sleeper.__name__}' AND ExecutionStatus = 'Completed'"
        return (await self._client.count_workflows(query)).count

    async def outcome(self, ids: Collection[str]) -> Outcome:
        """Read it from the histories."""
        ended = [
            Deadline(
                self._due[id_],
                _fired(events),
                _last(events, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED),
                _time(events[-1]),
            )
            for id_, events in (await _histories(self._client, ids)).items()
            if events[-1].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
        ]
        return Outcome(ended, lost=len(ids) - len(ended), twice=0)


class EngineSide:
    """Cases that lie on an officer's desk while their time runs out.

    They were received so long ago that the city's budget ends at the deadline. The policy is the one in
    `policies/`; warnings are told when the case opens, because their time has passed, and higher levels an
    hour after the breach or later.
    """

    def __init__(self, bench: Bench) -> None:
        """Use the stack's own worker. Raises Misconfigured when the budget is not a plain duration."""
        settings = bench.stack.settings
        self._bench = bench
        namespace = OwnNamespace.over(bench.client, settings, adapters.lineage(settings))
        self._start = CaseStarter(namespace)
        self.pids = _pids(bench.stack, bench.stack.worker)
        budget = PolicyFolder(settings.policies_dir).city("3674").tracks[Track.EMERGENCY].sla.budget.duration
        if budget is None:
            raise Misconfigured("this benchmark needs a budget in hours")
        self._budget: timedelta = budget

    async def arm(self, due: datetime) -> str:
        """Register a case and start it; it has its timer before it lies on the desk."""
        case = self._bench.register(due - self._budget)
        await self._start(case)

        async def is_on_desk() -> bool:
            return self._count(_ON_DESK, number=case.case_number) > 0

        await _until(is_on_desk)
        return case.case_number

    async def told(self) -> int:
        """Count the alerts of breaches, which come after the ledger's events."""
        return self._count(_BREACH_ALERTS)

    async def outcome(self, ids: Collection[str]) -> Outcome:
        """Read it from the ledger, and from the histories when the timers fired."""
        with self._bench.ledger.connect() as connection:
            breaches = connection.execute(_BREACHED).all()
            alerted = Counter(connection.execute(_ALERTED).scalars())
        breached = Counter(row.case_number for row in breaches)
        rows = {row.case_number: row for row in breaches}
        histories = await _histories(self._bench.client, [id_ for id_ in ids if id_ in rows])
        return Outcome(
            [
                Deadline(rows[id_].due_at, _fired(events), rows[id_].detected_at, rows[id_].recorded_at)
                for id_, events in histories.items()
            ],
            lost=sum(not (breached[id_] and alerted[id_]) for id_ in ids),
            twice=sum(breached[id_] > 1 or alerted[id_] > 1 for id_ in ids),
        )

    def _count(self, query: Select[int], **values: str) -> int:
        with self._bench.ledger.connect() as connection:
            found: int = connection.execute(query, values).scalar_one()
        return found


def _pids(stack: Stack, worker: Child) -> Mapping[str, int]:
    return {"server": stack.temporal.pid, "worker": worker.pid, "watchdog": stack.watchdog.pid}


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what other processes do. Raises EngineUnreachable."""
    deadline = time.monotonic() + ARMED_WITHIN
    while not await holds():
        if time.monotonic() > deadline:
            raise EngineUnreachable("a workflow did not set its timer: see the logs in .local/bench-timers")
        await asyncio.sleep(LOOK_EVERY)


async def _histories(client: Client, ids: Collection[str]) -> dict[str, Sequence[HistoryEvent]]:
    gate = asyncio.Semaphore(READ_AT_ONCE)

    async def one(id_: str) -> Sequence[HistoryEvent]:
        async with gate:
            return (await client.get_workflow_handle(id_).fetch_history()).events

    return dict(zip(ids, await asyncio.gather(*map(one, ids)), strict=True))


def _fired(events: Sequence[HistoryEvent]) -> datetime:
    return _last(events, EventType.EVENT_TYPE_TIMER_FIRED)


def _last(events: Sequence[HistoryEvent], kind: EventType.ValueType) -> datetime:
    return _time(next(event for event in reversed(events) if event.event_type == kind))


def _time(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(UTC)

"""What Temporal says of cases and workers, for whoever watches over them."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from models.errors import EngineUnreachable
from runtime.settings import Settings
from runtime.temporal import UNREACHABLE
from runtime.visibility import pollers
from workflows.reactivation import Reactivation
from workflows.search_attributes import DUE_AT

_IN_FLIGHT: Final = 20
"""How many calls are in the air at a time; more only adds waiting."""
_PROBLEMS: Final = (
    'TemporalReportedProblems IN ("category=WorkflowTaskFailed","category=WorkflowTaskTimedOut")'
)


@dataclass(frozen=True)
class Seen:
    """How a case stands in Temporal itself, not in its lists."""

    is_running: bool
    """Whether it is open, on the task queue that our workers ask for work."""
    attempts: int
    """Which attempt its present workflow task is; 0 when it has none to do."""


class Engine(Protocol):
    """Temporal, as it is watched. Every call raises EngineUnreachable when it does not answer."""

    async def workers(self) -> int:
        """Return how many workers ask for work."""
        ...

    async def running(self) -> Mapping[str, datetime]:
        """Return the ids of the cases that Temporal lists as running, and when each run began.

        The list lags behind by a second or two.
        """
        ...

    async def reported(self) -> Collection[str]:
        """Return the ids of the cases whose code Temporal lists as failing, a minute after it began to."""
        ...

    async def overdue(self, now: datetime) -> Mapping[str, datetime]:
        """Return the ids of the running cases whose due time has passed, and when each was due.

        As Temporal lists them; by no answer of the ledger.
        """
        ...

    async def look(self, ids: Collection[str]) -> Mapping[str, Seen]:
        """Return how each of these cases stands at this moment."""
        ...


class TemporalEngine:
    """The cases of one task queue, as Temporal has them."""

    def __init__(self, client: Client, settings: Settings) -> None:
        """`client` may be lazy; whatever runs on another task queue is not ours."""
        self._client = client
        self._settings = settings
        self._ours = f'WorkflowType="{Reactivation.__name__}" AND TaskQueue="{settings.task_queue}"'

    async def workers(self) -> int:
        """Return how many workers ask for work."""
        return len(await pollers(self._client, self._settings))

    async def running(self) -> Mapping[str, datetime]:
        """Return the ids of the cases that Temporal lists as running, and when each run began."""
        return {one.id: one.start_time for one in await self._listed('ExecutionStatus="Running"')}

    async def reported(self) -> Collection[str]:
        """Return the ids of the cases whose code Temporal lists as failing."""
        return {one.id for one in await self._listed(f'ExecutionStatus="Running" AND {_PROBLEMS}')}

    async def overdue(self, now: datetime) -> Mapping[str, datetime]:
        """Return the ids of the running cases whose due time has passed, and when each was due."""
        passed = f'ExecutionStatus="Running" AND {DUE_AT.name} <= "{now.astimezone(UTC).isoformat()}"'
        listed = ((one.id, one.typed_search_attributes.get(DUE_AT)) for one in await self._listed(passed))
        return {one: due_at for one, due_at in listed if due_at is not None}

    async def look(self, ids: Collection[str]) -> Mapping[str, Seen]:
        """Return how each of these cases stands at this moment."""
        lanes = asyncio.Semaphore(_IN_FLIGHT)

        async def one(workflow_id: str) -> Seen:
            async with lanes:
                return await self._look(workflow_id)

        seen = await asyncio.gather(*map(one, ids))
        return dict(zip(ids, seen, strict=True))

    async def _listed(self, which: str) -> list[WorkflowExecution]:
        with _in_plain_words():
            return [one async for one in self._client.list_workflows(f"{self._ours} AND {which}")]

    async def _look(self, workflow_id: str) -> Seen:
        with _in_plain_words():
            try:
                description = await self._client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return Seen(is_running=False, attempts=0)
                raise
        is_open = description.status is WorkflowExecutionStatus.RUNNING
        is_ours = description.task_queue == self._settings.task_queue
        return Seen(is_open and is_ours, description.raw_description.pending_workflow_task.attempt)


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except (RPCError, RuntimeError):  # the latter from a lazy client that cannot connect
        raise EngineUnreachable(UNREACHABLE) from None

"""What Temporal says of cases and workers, for whoever watches over them."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from models.errors import EngineUnreachable
from models.stuck_groups import CASES
from runtime.namespace import OwnNamespace
from runtime.temporal import UNREACHABLE, birth_of
from runtime.visibility import pollers
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
    birth: str | None = None
    """Its birth mark."""


@dataclass(frozen=True)
class Running:
    """A case as Temporal lists it."""

    began_at: datetime
    """When the run began."""
    birth: str | None
    """Its birth mark; None for a case from before there were any."""
    due_at: datetime | None
    """When it is due, as far as it shows that."""


class Engine(Protocol):
    """Temporal, as it is watched. Every call raises EngineUnreachable when it does not answer."""

    async def workers(self) -> int:
        """Return how many workers ask for work."""
        ...

    async def running(self) -> Mapping[str, Running]:
        """Return the cases that Temporal lists as running, by their ids.

        The list lags behind by a second or two.
        """
        ...

    async def reported(self) -> Collection[str]:
        """Return the ids of the cases whose code Temporal lists as failing, a minute after it began to."""
        ...

    async def overdue(self, now: datetime) -> Mapping[str, Running]:
        """Return the cases that Temporal lists as running and past their due time, by their ids."""
        ...

    async def look(self, ids: Collection[str]) -> Mapping[str, Seen]:
        """Return how each of these cases stands at this moment."""
        ...


class TemporalEngine:
    """The cases of one task queue, as Temporal has them."""

    def __init__(self, namespace: OwnNamespace) -> None:
        """Whatever runs on another task queue than the namespace's is not ours."""
        self._namespace = namespace
        self._ours = f'{CASES} AND TaskQueue="{namespace.task_queue}"'

    async def workers(self) -> int:
        """Return how many workers ask for work."""
        return len(await pollers(await self._namespace.client(), self._namespace.settings))

    async def running(self) -> Mapping[str, Running]:
        """Return the cases that Temporal lists as running, by their ids."""
        return await self._listed('ExecutionStatus="Running"')

    async def reported(self) -> Collection[str]:
        """Return the ids of the cases whose code Temporal lists as failing."""
        return (await self._listed(f'ExecutionStatus="Running" AND {_PROBLEMS}')).keys()

    async def overdue(self, now: datetime) -> Mapping[str, Running]:
        """Return the cases that Temporal lists as running and past their due time, by their ids."""
        passed = f'{DUE_AT.name} <= "{now.astimezone(UTC).isoformat()}"'
        return await self._listed(f'ExecutionStatus="Running" AND {passed}')

    async def look(self, ids: Collection[str]) -> Mapping[str, Seen]:
        """Return how each of these cases stands at this moment."""
        lanes, client = asyncio.Semaphore(_IN_FLIGHT), await self._namespace.client()

        async def one(workflow_id: str) -> Seen:
            async with lanes:
                return await self._look(client, workflow_id)

        seen = await asyncio.gather(*map(one, ids))
        return dict(zip(ids, seen, strict=True))

    async def _listed(self, which: str) -> dict[str, Running]:
        client = await self._namespace.client()
        with _in_plain_words():
            found = client.list_workflows(f"{self._ours} AND {which}")
            return {
                one.id: Running(
                    one.start_time, birth_of(one.raw_info.memo), one.typed_search_attributes.get(DUE_AT)
                )
                async for one in found
            }

    async def _look(self, client: Client, workflow_id: str) -> Seen:
        with _in_plain_words():
            try:
                description = await client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return Seen(is_running=False, attempts=0)
                raise
        is_open = description.status is WorkflowExecutionStatus.RUNNING
        is_ours = description.task_queue == self._namespace.task_queue
        attempts = description.raw_description.pending_workflow_task.attempt
        return Seen(is_open and is_ours, attempts, birth_of(description.raw_info.memo))


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except (RPCError, RuntimeError):  # the latter from a lazy client that cannot connect
        raise EngineUnreachable(UNREACHABLE) from None

"""Whose time counts: that of the ledger's server, with which this machine's and Temporal's are compared."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import structlog
from sqlalchemy import URL, Engine
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, PollWorkflowTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from gateways.ledger_access import utc_now
from gateways.ledger_clock import TOLD_BEYOND, LedgerClock
from models.errors import EngineUnreachable, Misconfigured, ReactivationError
from runtime.own_ledger import open_ledger
from runtime.settings import Settings
from runtime.temporal import UNREACHABLE, connect
from workflows import options

log = structlog.get_logger()

_QUEUE: Final = "reaktivasi-clock"
"""A task queue on which there is never work."""
_ASK_FOR_WORK: Final = timedelta(seconds=10)
"""Temporal refuses to be asked with less patience."""
_LOOK_EVERY: Final = 0.05
_clocks: dict[URL, LedgerClock] = {}


def ledger_clock(engine: Engine) -> LedgerClock:
    """Return the clock of a ledger: one for a process, which asks once and tells once."""
    return _clocks.setdefault(engine.url, LedgerClock(engine, tell=tell_of_clock))


async def best_known(settings: Settings) -> datetime:
    """Return the ledger's time; this machine's while the ledger does not answer."""
    try:
        return await asyncio.to_thread(ledger_clock(open_ledger(settings)))
    except ReactivationError:
        return utc_now()


async def clocks_agree(settings: Settings) -> str:
    """Compare the ledger's clock with this machine's and with Temporal's, if that answers.

    Raises Misconfigured when one of them is more than a minute off, EngineUnreachable without a ledger.
    """
    clock = ledger_clock(open_ledger(settings))
    seen, faults = ["this machine agrees with the ledger's"], []
    if abs(ahead := clock.ahead) > TOLD_BEYOND:
        faults.append(f"this machine's is {apart(ahead)} the ledger's, which counts")
    try:
        temporals = await temporal_ahead(await connect(settings), clock)
    except EngineUnreachable:
        seen.append("Temporal's was not compared")
    else:
        seen.append("so does Temporal's")
        if abs(temporals) > TOLD_BEYOND:
            faults.append(f"Temporal's is {apart(temporals)} the ledger's")
    if faults:
        raise Misconfigured("; ".join(faults))
    return ", ".join(seen)


def tell_of_clock(ahead: timedelta) -> None:
    """Say once that this machine's clock is not the one that counts."""
    what = f"this machine's clock is {apart(ahead)} the ledger's, which counts: set this machine's clock"
    log.warning("clock.differs", what=what)


def apart(ahead: timedelta) -> str:
    """Return for example `32 days, 0:00:07 ahead of`, or `0:02:05 behind`."""
    words = str(timedelta(seconds=round(abs(ahead).total_seconds())))
    return f"{words} {'ahead of' if ahead > timedelta(0) else 'behind'}"


async def temporal_ahead(client: Client, clock: Callable[[], datetime]) -> timedelta:
    """Return how far Temporal's clock is ahead of `clock`. Raises EngineUnreachable.

    Temporal has no call for that. But it notes when somebody asks a task queue for work: so work is asked for
    on a queue that has none, and Temporal is asked when that was.
    """
    queue, me = TaskQueue(name=_QUEUE), f"clock-{uuid4()}"
    asking = asyncio.create_task(_ask_for_work(client, queue, me))
    try:
        async with asyncio.timeout(options.GLANCE_WITHIN.total_seconds()):
            while True:
                before = await asyncio.to_thread(clock)
                if (noted := await _noted(client, queue, me)) is not None:
                    return noted - before
                await asyncio.sleep(_LOOK_EVERY)
    except (RPCError, RuntimeError, TimeoutError):
        raise EngineUnreachable(UNREACHABLE) from None
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _ask_for_work(client: Client, queue: TaskQueue, me: str) -> None:
    wanted = PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=queue, identity=me)
    await client.workflow_service.poll_workflow_task_queue(wanted, timeout=_ASK_FOR_WORK)


async def _noted(client: Client, queue: TaskQueue, me: str) -> datetime | None:
    """Return when Temporal says that work was asked for; None before it noted it."""
    wanted = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=queue,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    pollers = (await client.workflow_service.describe_task_queue(wanted)).pollers
    found = (one.last_access_time.ToDatetime(UTC) for one in pollers if one.identity == me)
    return next(found, None)

"""What Temporal says of one case, asked with little patience: whoever wants to know sits at a terminal."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from models.case import CaseRef, city_of
from models.errors import EngineUnreachable, LaterLife, NoTemporal
from models.why import NOT_NAMED, OF_LATER_LIFE, UNKNOWN, Glance, PendingActivity
from runtime.comparing import Comparison
from runtime.engine import TemporalEngine
from runtime.namespace import OwnNamespace
from runtime.temporal import birth_of
from runtime.visibility import pollers
from workflows import options


async def glance(namespace: OwnNamespace, case: CaseRef) -> Glance:
    """Return what Temporal says of a case, or why it says nothing, as `UNKNOWN` when it is not in time.

    Raises AnotherLedger: what runs there is not ours to tell.
    """
    try:
        async with asyncio.timeout(options.GLANCE_WITHIN.total_seconds()):
            client = await namespace.client()
            workers = len(await pollers(client, namespace.settings))
            return await _described(client, case, workers)
    except NoTemporal:
        return NOT_NAMED
    except LaterLife:
        return OF_LATER_LIFE
    except (EngineUnreachable, RPCError, RuntimeError, TimeoutError):
        return UNKNOWN


async def compared(seen: Glance, case: CaseRef, comparison: Comparison) -> Glance:
    """Return the glance with whether the case tells another story than the ledger, as far as it answers."""
    if not seen.is_running or not seen.workers or seen.code_fails:
        return seen
    try:
        async with asyncio.timeout(options.GLANCE_WITHIN.total_seconds()):
            return replace(seen, tells_else=not await comparison.agrees(case.case_number))
    except (EngineUnreachable, TimeoutError):
        return seen


async def _described(client: Client, case: CaseRef, workers: int) -> Glance:
    try:
        description = await client.get_workflow_handle(case.case_number).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return Glance(answers=True, workers=workers)
        raise
    raw = description.raw_description
    if birth_of(description.raw_info.memo) != case.birth:
        return Glance(answers=True, is_known=True, is_anothers=True, workers=workers)
    return Glance(
        answers=True,
        is_known=True,
        is_running=description.status is WorkflowExecutionStatus.RUNNING,
        workers=workers,
        task_attempts=raw.pending_workflow_task.attempt,
        pending=tuple(map(_pending, raw.pending_activities)),
    )


def _pending(info: PendingActivityInfo) -> PendingActivity:
    is_waiting = info.HasField("next_attempt_schedule_time")
    failure = info.last_failure.application_failure_info.type if info.HasField("last_failure") else ""
    is_timeout = info.HasField("last_failure") and info.last_failure.HasField("timeout_failure_info")
    return PendingActivity(
        name=info.activity_type.name,
        attempt=info.attempt,
        next_at=info.next_attempt_schedule_time.ToDatetime(UTC) if is_waiting else None,
        error="Timeout" if is_timeout else failure or None,
    )


async def failing(namespace: OwnNamespace, cities: Collection[str]) -> Collection[str] | None:
    """Return the cases of these cities whose code Temporal lists as failing; None when it does not answer.

    Raises AnotherLedger, and NoTemporal where none is named.
    """
    try:
        async with asyncio.timeout(options.GLANCE_WITHIN.total_seconds()):
            reported = await TemporalEngine(namespace).reported()
    except NoTemporal:
        raise
    except (EngineUnreachable, TimeoutError):
        return None
    return [number for number in reported if city_of(number) in cities]

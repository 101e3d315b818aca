"""What Temporal must know before cases can be found, and who asks it for work."""

from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from models.errors import EngineUnreachable, Misconfigured
from runtime.clocks import best_known
from runtime.settings import Settings
from runtime.temporal import UNREACHABLE
from workflows import options, search_attributes

Column = search_attributes.Column[str] | search_attributes.Column[int] | search_attributes.Column[datetime]


async def missing_search_attributes(client: Client) -> Sequence[Column]:
    """Return the search attributes that the namespace lacks.

    Raises Misconfigured when one has another type there, EngineUnreachable when Temporal is away.
    """
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except (RPCError, RuntimeError):
        raise EngineUnreachable(UNREACHABLE) from None
    there = dict(known.custom_attributes) | dict(known.system_attributes)
    wrong = [
        column.declaration
        for column in search_attributes.COLUMNS
        if there.get(column.key.name, column.key.indexed_value_type) != column.key.indexed_value_type
    ]
    if wrong:
        raise Misconfigured(f"namespace {client.namespace} has another type for: {', '.join(wrong)}")
    return [column for column in search_attributes.COLUMNS if column.key.name not in there]


async def register_search_attributes(client: Client) -> Sequence[Column]:
    """Add the search attributes that the namespace lacks and return them. Safe to repeat.

    Adding one that exists with another type would silently do nothing, so types are compared first.
    """
    missing = await missing_search_attributes(client)
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={
                    column.key.name: IndexedValueType.ValueType(column.key.indexed_value_type)
                    for column in missing
                },
            )
        )
    return missing


async def pollers(client: Client, settings: Settings, *, build_id: str | None = None) -> Sequence[str]:
    """Return the identities of the workers that ask for work on the task queue. Raises EngineUnreachable.

    With `build_id` only those of that version count.

    Temporal lists a dead worker for minutes; who did not ask within `options.POLLS_WITHIN` is not counted.
    """
    try:
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=settings.task_queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
    except (RPCError, RuntimeError):
        raise EngineUnreachable(UNREACHABLE) from None
    oldest = await best_known(settings) - options.POLLS_WITHIN
    living = [one for one in answer.pollers if one.last_access_time.ToDatetime(UTC) >= oldest]
    return [one.identity for one in living if build_id in {None, one.deployment_options.build_id}]

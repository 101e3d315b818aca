"""Tells a case that is replayed in which manner it began: see `workflows/manner.py`, and when both go."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from workflows import options
from workflows.manner import MANNER, Manner

_EVENTS: Final = 100
"""How many events of a history are read: a case asks the office among the first."""

Look = Callable[[str, str], Manner]
"""Tells by workflow id and run id."""


class EarlierCases(Interceptor):
    """Given to the worker that runs cases."""

    def __init__(self, look: Look) -> None:
        """`look` is called from the threads that run workflows."""
        self._look = look

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        """Lend workflows the function."""
        input.unsafe_extern_functions[MANNER] = self._look
        return None


def looking_at(client: Client) -> Look:
    """Return what reads the beginning of a history from Temporal; call it where the client's loop runs."""
    loop = asyncio.get_running_loop()

    def look(workflow_id: str, run_id: str) -> Manner:
        asked = client.workflow_service.get_workflow_execution_history(
            GetWorkflowExecutionHistoryRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
                maximum_page_size=_EVENTS,
            ),
            timeout=options.LOOK_BACK_WITHIN,
        )
        return manner_of(asyncio.run_coroutine_threadsafe(asked, loop).result().history.events)

    return look


def manner_of(events: Iterable[HistoryEvent]) -> Manner:
    """Return the manner that a history shows; one that only has its plan yet may take any that begins so."""
    names = [name for event in events if (name := _local_activity(event)) is not None]
    if "open_case" not in names:
        return Manner.AT_ONCE
    return next((Manner(name) for name in names if name in set(Manner)), Manner.TWO_STEPS)


def _local_activity(event: HistoryEvent) -> str | None:
    marker = event.marker_recorded_event_attributes
    if marker.marker_name != "core_local_activity":
        return None
    return str(json.loads(marker.details["data"].payloads[0].data)["activity_type"])

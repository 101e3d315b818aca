"""Commands to a running case: withdraw it, take the waiting step again, tell it that papers came."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypedDict

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports import Registry
from models.case import CaseState
from models.errors import BadInput, EngineUnreachable, Finding, WrongState
from models.messages import PapersAdded, RetryStep, Withdraw
from runtime.temporal import UNREACHABLE
from workflows import options
from workflows.reactivation import Reactivation

UNKNOWN_RESULT = (
    "no worker answered in time; whether the command was taken is unknown. "
    "Look with `starter.py show`, or repeat the command: it takes effect once "
    "(is a worker up? see `starter.py doctor`)"
)


class _Delivery(TypedDict):
    """How an update is sent: under an id that makes it one, and not for ever."""

    id: str
    rpc_timeout: timedelta


def _delivery(command: Withdraw | RetryStep | PapersAdded) -> _Delivery:
    return {"id": command.command_id, "rpc_timeout": options.COMMAND_RPC_TIMEOUT}


class CaseCommands:
    """Sends commands as Temporal updates, and says in our words what came of them.

    Every command raises NotFound for an unknown case, WrongState for one that is over or cannot take it now,
    and EngineUnreachable when no answer came.
    """

    def __init__(self, client: Client, registry: Registry) -> None:
        """`registry` tells a case that never was from one that is over."""
        self._client = client
        self._registry = registry

    async def withdraw(self, case_number: str, reason: str, author: str, at: datetime) -> CaseState:
        """End the case; the reason, without which it raises BadInput, stays in the ledger."""
        if not reason.strip():
            raise BadInput([Finding("--reason", "is empty", "say why, in a few words")])
        handle = self._open_case(case_number)
        command = Withdraw(command_id=f"withdraw-{uuid.uuid4()}")
        self._registry.add_note(case_number, command.command_id, author, reason.strip(), at)
        with _in_plain_words(case_number):
            accepted = await handle.execute_update(Reactivation.withdraw, command, **_delivery(command))
        return accepted.state

    async def retry(self, case_number: str) -> CaseState:
        """Take the waiting step again."""
        handle = self._open_case(case_number)
        command = RetryStep(command_id=f"retry-{uuid.uuid4()}")
        with _in_plain_words(case_number):
            accepted = await handle.execute_update(Reactivation.retry_step, command, **_delivery(command))
        return accepted.state

    async def papers_added(self, case_number: str, count: int) -> CaseState:
        """Tell the case that papers are in the store; one that waits for papers goes on."""
        handle = self._open_case(case_number)
        command = PapersAdded(command_id=f"papers-{uuid.uuid4()}", count=count)
        with _in_plain_words(case_number):
            accepted = await handle.execute_update(Reactivation.papers_added, command, **_delivery(command))
        return accepted.state

    def _open_case(self, case_number: str) -> WorkflowHandle[Reactivation, CaseState]:
        state = self._registry.case(case_number)
        if state.outcome is not None:
            raise WrongState(f"{case_number} is over: {state.outcome}")
        return self._client.get_workflow_handle_for(Reactivation.run, case_number)


@contextmanager
def _in_plain_words(case_number: str) -> Iterator[None]:
    try:
        yield
    except WorkflowUpdateFailedError as refusal:
        words = refusal.cause.message if isinstance(refusal.cause, ApplicationError) else "refused"
        raise WrongState(f"{case_number}: {words}") from None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise EngineUnreachable(UNKNOWN_RESULT) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise WrongState(f"{case_number} has no running workflow (yet): see `starter.py show`") from None
        raise EngineUnreachable(UNREACHABLE) from None
    except RuntimeError:
        raise EngineUnreachable(UNREACHABLE) from None

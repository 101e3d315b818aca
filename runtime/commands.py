"""Commands to a running case: withdraw it, or take the step again that waits for a person."""

import uuid
from datetime import datetime

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports import Registry
from models.case import CaseState
from models.errors import BadInput, EngineUnreachable, Finding, WrongState
from models.messages import RetryStep, Withdraw
from runtime.temporal import UNREACHABLE
from workflows import options
from workflows.reactivation import Reactivation

UNKNOWN_RESULT = (
    "no worker answered in time; whether the command was taken is unknown. "
    "Look with `starter.py show`, or repeat the command: it takes effect once "
    "(is a worker up? see `starter.py doctor`)"
)


class CaseCommands:
    """Sends commands as Temporal updates, and says in our words what came of them."""

    def __init__(self, client: Client, registry: Registry) -> None:
        """`registry` tells a case that never was from one that is over."""
        self._client = client
        self._registry = registry

    async def withdraw(self, case_number: str, reason: str, author: str, at: datetime) -> CaseState:
        """End the case; the reason stays in the ledger, beside the command's id.

        Raises BadInput for an empty reason, NotFound, WrongState or EngineUnreachable.
        """
        if not reason.strip():
            raise BadInput([Finding("--reason", "is empty", "say why, in a few words")])
        self._require_open(case_number)
        command = Withdraw(command_id=f"withdraw-{uuid.uuid4()}")
        self._registry.add_note(case_number, command.command_id, author, reason.strip(), at)
        return await self._send(case_number, command)

    async def retry(self, case_number: str) -> CaseState:
        """Take the waiting step again. Raises NotFound, WrongState or EngineUnreachable."""
        self._require_open(case_number)
        return await self._send(case_number, RetryStep(command_id=f"retry-{uuid.uuid4()}"))

    def _require_open(self, case_number: str) -> None:
        state = self._registry.case(case_number)
        if state.outcome is not None:
            raise WrongState(f"{case_number} is over: {state.outcome}")

    async def _send(self, case_number: str, command: Withdraw | RetryStep) -> CaseState:
        handle = self._client.get_workflow_handle_for(Reactivation.run, case_number)
        try:
            if isinstance(command, Withdraw):
                accepted = await handle.execute_update(
                    Reactivation.withdraw,
                    command,
                    id=command.command_id,
                    rpc_timeout=options.COMMAND_RPC_TIMEOUT,
                )
            else:
                accepted = await handle.execute_update(
                    Reactivation.retry_step,
                    command,
                    id=command.command_id,
                    rpc_timeout=options.COMMAND_RPC_TIMEOUT,
                )
        except WorkflowUpdateFailedError as refusal:
            words = refusal.cause.message if isinstance(refusal.cause, ApplicationError) else "refused"
            raise WrongState(f"{case_number}: {words}") from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise EngineUnreachable(UNKNOWN_RESULT) from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise WrongState(
                    f"{case_number} has no running workflow (yet): see `starter.py show`"
                ) from None
            raise EngineUnreachable(UNREACHABLE) from None
        except RuntimeError:
            raise EngineUnreachable(UNREACHABLE) from None
        return accepted.state

"""Commands to a running case: withdraw it, or take the step again that waits for a person."""

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports import Registry
from models.case import CaseState
from models.errors import EngineUnreachable, WrongState
from models.messages import RetryStep, Withdraw
from runtime.temporal import UNREACHABLE
from workflows import options
from workflows.reactivation import Reactivation

UNKNOWN_RESULT = (
    "no worker answered in time; whether the command was taken is unknown. "
    "Repeat the same command, it takes effect once (is a worker up? see `starter.py doctor`)"
)


class CaseCommands:
    """Sends commands as Temporal updates, and says in our words what came of them."""

    def __init__(self, client: Client, registry: Registry) -> None:
        """`registry` tells a case that never was from one that is over."""
        self._client = client
        self._registry = registry

    async def withdraw(self, case_number: str, command_id: str) -> CaseState:
        """End the case. Raises NotFound, WrongState or EngineUnreachable."""
        return await self._send(case_number, Withdraw(command_id=command_id))

    async def retry(self, case_number: str, command_id: str) -> CaseState:
        """Take the waiting step again. Raises NotFound, WrongState or EngineUnreachable."""
        return await self._send(case_number, RetryStep(command_id=command_id))

    async def _send(self, case_number: str, command: Withdraw | RetryStep) -> CaseState:
        state = self._registry.case(case_number)
        if state.outcome is not None:
            raise WrongState(f"{case_number} is over: {state.outcome}")
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

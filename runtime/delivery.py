"""Brings commands from the ledger to their workflows: at once if somebody answers, otherwise later."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports.desk import DeskBook
from gateways.ports.ledger import Registry
from models.desk import Command, CommandResult
from models.errors import WrongState
from models.messages import Accepted
from workflows import options

LATE = "the step was answered before; this answer was recorded and changed nothing"


class _Sending(TypedDict):
    """How an update is sent: under an id that makes it one, and not for ever."""

    id: str
    rpc_timeout: timedelta


class Delivery:
    """Sends commands as Temporal updates and writes down what the workflow said.

    Sending again is safe: the update's id, and what the workflow remembers, make it one command.
    """

    def __init__(self, client: Client, registry: Registry, book: DeskBook) -> None:
        """`client` may be lazy; `registry` tells a case that is over from one that has not begun."""
        self._client = client
        self._registry = registry
        self._book = book

    async def deliver(self, command: Command) -> bool:
        """Send one command; False when nobody answered, and the sweep has to send it again.

        Raises WrongState when the workflow refused it or the step was answered before.
        """
        if command.result is None:
            result, said = await self._send(command)
            if result is None:
                return False
            await asyncio.to_thread(self._book.settle, command.command_id, result, said, datetime.now(UTC))
        else:
            result, said = command.result, command.said
        if result is not CommandResult.ACCEPTED:
            raise WrongState(f"{command.case_number}: {said or result}")
        return True

    async def sweep(self) -> int:
        """Send every command that was not delivered, the oldest first; return how many were settled."""
        settled, unanswered = 0, set[str]()
        for command in await asyncio.to_thread(self._book.undelivered):
            if command.case_number in unanswered:
                continue  # a case takes its commands in the order in which they were given
            try:
                is_settled = await self.deliver(command)
            except WrongState:
                is_settled = True
            settled += is_settled
            if not is_settled:
                unanswered.add(command.case_number)
        return settled

    async def _send(self, command: Command) -> tuple[CommandResult | None, str | None]:
        handle = self._client.get_workflow_handle(command.case_number)
        sending = _Sending(id=command.command_id, rpc_timeout=options.COMMAND_RPC_TIMEOUT)
        try:
            accepted = await handle.execute_update(
                command.kind, command.message, result_type=Accepted, **sending
            )
        except WorkflowUpdateFailedError as refusal:
            cause = refusal.cause
            words = cause.message if isinstance(cause, ApplicationError) else "refused"
            return CommandResult.REFUSED, words
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return None, None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and await self._is_over(command.case_number):
                return CommandResult.REFUSED, "the case is over"
            return None, None
        except RuntimeError:  # a lazy client that cannot connect
            return None, None
        is_late = accepted.is_late
        return (CommandResult.LATE, LATE) if is_late else (CommandResult.ACCEPTED, None)

    async def _is_over(self, case_number: str) -> bool:
        state = await asyncio.to_thread(self._registry.case, case_number)
        return state.outcome is not None

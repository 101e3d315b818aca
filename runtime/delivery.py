"""Brings commands from the ledger to their workflows: at once if somebody answers, otherwise later."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
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
from models.case import CaseState
from models.desk import Command, CommandResult
from models.errors import AnotherCase, EngineUnreachable, NoTemporal, NotRunning, WrongState
from models.messages import Accepted
from runtime.namespace import OwnNamespace
from runtime.starting import require_same
from runtime.visibility import pollers
from workflows import options

LATE = "the step was answered before; this answer was recorded and changed nothing"
_KEPT = ": the command is kept in the ledger, and reaches the case once it runs again"


class Undelivered(StrEnum):
    """Why a command lies in the ledger and no workflow took it yet, as it was found by asking."""

    NO_TEMPORAL = "no_temporal"
    TEMPORAL_AWAY = "temporal_away"
    NO_WORKER = "no_worker"
    NO_ANSWER = "no_answer"
    """A worker is there, and the case did not answer in time."""
    NOT_BEGUN = "not_begun"
    """The case is registered, and its workflow is not begun yet."""

    @property
    def words(self) -> str:
        """What an operator is told."""
        return _WORDS[self]


_WORDS = {
    Undelivered.NO_TEMPORAL: "no Temporal is named, no stack is here: `starter.py up`; a worker delivers it",
    Undelivered.TEMPORAL_AWAY: "Temporal does not answer; a worker delivers the command once it does",
    Undelivered.NO_WORKER: "no worker asks for work; the command is delivered once one does",
    Undelivered.NO_ANSWER: "the case did not answer in time; a worker delivers the command, or has done so",
    Undelivered.NOT_BEGUN: "the case is not begun yet; a worker begins it and delivers the command",
}


class _Sending(TypedDict):
    """How an update is sent: under an id that makes it one, and not for ever."""

    id: str
    rpc_timeout: timedelta


class Delivery:
    """Sends commands as Temporal updates and writes down what the workflow said.

    Sending again is safe: the update's id, and what the workflow remembers, make it one command. It bears the
    case's birth mark, so that no other case of the number takes it, and the time at which it was given.
    """

    def __init__(
        self, namespace: OwnNamespace, registry: Registry, book: DeskBook, clock: Callable[[], datetime]
    ) -> None:
        """`registry` tells a case that is over from one that has not begun; `clock` dates what was said."""
        self._namespace = namespace
        self._registry = registry
        self._book = book
        self._clock = clock

    async def deliver(self, command: Command) -> Undelivered | None:
        """Send one command; return why nobody took it, in which case the sweep sends it again.

        Raises WrongState when the workflow refused it or the step was answered before, NotRunning when
        Temporal does not run the case, AnotherCase when it runs another one under the number.
        """
        if command.result is None:
            sent = await self._send(command)
            if isinstance(sent, Undelivered):
                return sent
            result, said = sent
            await asyncio.to_thread(self._settle, command.command_id, result, said)
        else:
            result, said = command.result, command.said
        if result is not CommandResult.ACCEPTED:
            raise WrongState(f"{command.case_number}: {said or result}")
        return None

    async def give_again(self, command: Command) -> bool:
        """Give a new run of the case what an earlier one had taken; False when it was not taken."""
        sent = await self._send(command)
        return not isinstance(sent, Undelivered) and sent[0] is CommandResult.ACCEPTED

    async def sweep(self) -> int:
        """Send every command that was not delivered, the oldest first; return how many were settled."""
        settled, unanswered = 0, set[str]()
        for command in await asyncio.to_thread(self._book.undelivered):
            if command.case_number in unanswered:
                continue  # a case takes its commands in the order in which they were given
            try:
                is_settled = await self.deliver(command) is None
            except (NotRunning, AnotherCase):
                is_settled = False
            except WrongState:
                is_settled = True
            settled += is_settled
            if not is_settled:
                unanswered.add(command.case_number)
        return settled

    async def _send(self, command: Command) -> tuple[CommandResult, str | None] | Undelivered:
        number = command.case_number
        state = await asyncio.to_thread(self._registry.case, number)
        told = {"birth": state.case.birth, "given_at": command.given_at}
        message = command.message.model_copy(update=told)
        sending = _Sending(id=command.command_id, rpc_timeout=options.COMMAND_RPC_TIMEOUT)
        try:
            client = await self._namespace.client()
            handle = client.get_workflow_handle(number)
            accepted = await handle.execute_update(command.kind, message, result_type=Accepted, **sending)
        except WorkflowUpdateFailedError as refusal:
            cause = refusal.cause
            if isinstance(cause, ApplicationError) and cause.type == AnotherCase.__name__:
                await require_same(client, state.case)
            words = cause.message if isinstance(cause, ApplicationError) else "refused"
            return CommandResult.REFUSED, words
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return await self._who_is_missing(client)
        except RPCError as error:
            is_none = error.status is RPCStatusCode.NOT_FOUND
            return await self._of_none(number) if is_none else Undelivered.TEMPORAL_AWAY
        except (EngineUnreachable, RuntimeError) as away:  # the latter from a lazy client that cannot connect
            return Undelivered.NO_TEMPORAL if isinstance(away, NoTemporal) else Undelivered.TEMPORAL_AWAY
        return (CommandResult.LATE, LATE) if accepted.is_late else (CommandResult.ACCEPTED, None)

    def _settle(self, command_id: str, result: CommandResult, said: str | None) -> None:
        self._book.settle(command_id, result, said, self._clock())

    async def _of_none(self, number: str) -> tuple[CommandResult, str | None] | Undelivered:
        """Say what a command comes to whose case Temporal does not run. Raises NotRunning."""
        state: CaseState = await asyncio.to_thread(self._registry.case, number)
        if state.outcome is not None:
            return CommandResult.REFUSED, "the case is over"
        if not await asyncio.to_thread(self._registry.is_started, number):
            return Undelivered.NOT_BEGUN
        raise NotRunning(number, _KEPT)

    async def _who_is_missing(self, client: Client) -> Undelivered:
        try:
            workers = await pollers(client, self._namespace.settings)
        except EngineUnreachable:
            return Undelivered.TEMPORAL_AWAY
        return Undelivered.NO_ANSWER if workers else Undelivered.NO_WORKER

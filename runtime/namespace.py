"""The Temporal namespace of this ledger. Another ledger's is refused before anything is asked of it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports.lineage import LineageBook
from models.errors import AnotherLedger, EngineUnreachable, LaterLife
from models.lineage import Claim, Lineage, Past
from runtime.settings import Settings
from runtime.temporal import UNREACHABLE, connect
from workflows import options
from workflows.ledger_claim import CLAIM, CLAIM_ID, LedgerClaim

_SURE_FOR_SECONDS: Final = 10.0
"""How long what was asked is believed: a long process notices when the namespace goes to a later life."""
_TRIES: Final = 3


class OwnNamespace:
    """The way to Temporal, for a process that works on one ledger.

    A namespace serves the ledger that took it first. One that nobody took may be looked at, and nothing of
    ours is there.
    """

    def __init__(
        self, connecting: Callable[[], Awaitable[Client]], settings: Settings, book: LineageBook
    ) -> None:
        """`connecting` gives a connection, which may be lazy; `settings` name the task queue of the cases."""
        self._connecting = connecting
        self._book = book
        self.settings = settings
        self._client: Client | None = None
        self._asked_at: float | None = None

    @classmethod
    def of(cls, settings: Settings, book: LineageBook) -> "OwnNamespace":
        """Return the namespace that settings or the folder's stack name; nothing is connected yet."""
        return cls(lambda: connect(settings, lazy=True), settings, book)

    @classmethod
    def over(cls, client: Client, settings: Settings, book: LineageBook) -> "OwnNamespace":
        """Return the namespace at the other end of a connection."""

        async def connected() -> Client:
            return client

        return cls(connected, settings, book)

    @property
    def task_queue(self) -> str:
        """The one of the cases."""
        return self.settings.task_queue

    async def client(self) -> Client:
        """Return the connection, once the namespace has said whose it is.

        Raises EngineUnreachable, AnotherLedger when it serves another one, LaterLife when it serves one that
        this ledger is an older copy of.
        """
        client = await self._connected()
        if self._asked_at is None or monotonic() - self._asked_at > _SURE_FOR_SECONDS:
            claim = await self._claim(client)
            if claim is not None:
                self._require_own(client, claim, await asyncio.to_thread(self._book.lineage))
            self._asked_at = monotonic()
        return client

    async def client_of_any_life(self) -> Client:
        """Return the connection also where a later life of this ledger is served: for who puts one back.

        Raises EngineUnreachable, or AnotherLedger when it serves another one.
        """
        try:
            return await self.client()
        except LaterLife:
            return await self._connected()

    async def claim(self) -> Claim | None:
        """Return whom the namespace serves; None when nobody took it. Raises EngineUnreachable."""
        return await self._claim(await self._connected())

    async def take(self) -> Client:
        """Take the namespace for this ledger, unless it has it, and return the connection.

        Raises EngineUnreachable, AnotherLedger or LaterLife.
        """
        client, ours = await self._connected(), await asyncio.to_thread(self._book.lineage)
        for _ in range(_TRIES):
            claim = await self._claim(client)
            if claim is not None and not _is_before(claim, ours):
                break
            if await self._start(client, ours, replaces=claim is not None):
                return client
        if claim is not None:
            self._require_own(client, claim, ours)
        return client

    async def note(self, past: Past) -> int | None:
        """Have Temporal note how far the ledger is, and return how often that was done.

        None when that fails now, as without a worker.
        """
        try:
            client = await self.client()
            noted = await client.get_workflow_handle(CLAIM_ID).execute_update(
                LedgerClaim.note, past, rpc_timeout=options.START_RPC_TIMEOUT
            )
        except (EngineUnreachable, WorkflowUpdateFailedError, RPCError, RuntimeError):
            return None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return None
        return noted.tick

    async def _start(self, client: Client, ours: Lineage, *, replaces: bool) -> bool:
        """Take the namespace; False when somebody was faster."""
        claim = Claim(ledger=ours.ledger, generation=ours.generation)
        in_the_way = (
            WorkflowIDConflictPolicy.TERMINATE_EXISTING if replaces else WorkflowIDConflictPolicy.FAIL
        )
        try:
            await client.start_workflow(
                LedgerClaim.run,
                claim,
                id=CLAIM_ID,
                task_queue=self.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=in_the_way,
                memo={CLAIM: claim},
                static_summary=f"{ours.ledger}, {ours.generation}",
                rpc_timeout=options.START_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None
        return True

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await self._connecting()
        return self._client

    async def _claim(self, client: Client) -> Claim | None:
        """Return whom the namespace serves. One that was terminated holds nothing: it was given free."""
        try:
            found = await client.get_workflow_handle(CLAIM_ID).describe(rpc_timeout=options.START_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise EngineUnreachable(UNREACHABLE) from None
        except RuntimeError:  # a lazy client that cannot connect
            raise EngineUnreachable(UNREACHABLE) from None
        if found.status is not WorkflowExecutionStatus.RUNNING:
            return None
        claim: Claim | None = await found.memo_value(CLAIM, None, type_hint=Claim)
        return claim

    def _require_own(self, client: Client, claim: Claim, ours: Lineage) -> None:
        if claim.ledger != ours.ledger or claim.generation > ours.generation:
            place = f"namespace {client.namespace} at {client.service_client.config.target_host}"
            refused = LaterLife if claim.ledger == ours.ledger else AnotherLedger
            raise refused(place, (claim.ledger, claim.generation), ours)


def _is_before(claim: Claim, ours: Lineage) -> bool:
    """Tell whether a claim is of an earlier life of this ledger, which is over."""
    return claim.ledger == ours.ledger and claim.generation < ours.generation

"""Starts the workflow of a case, and never takes another's for it."""

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from models.case import CaseRef
from models.errors import AnotherCase, EngineUnreachable, NotRunning
from runtime.namespace import OwnNamespace
from runtime.temporal import BIRTH, UNREACHABLE, birth_of
from workflows import options, search_attributes
from workflows.manner import MANNER, Manner
from workflows.reactivation import Reactivation
from workflows.urgency import priority_of


class CaseStarter:
    """Starts the workflow of a registered case."""

    def __init__(self, namespace: OwnNamespace) -> None:
        """`namespace` is taken for the ledger with the first case, unless a worker took it before."""
        self._namespace = namespace

    async def __call__(self, case: CaseRef) -> None:
        """Start the case's workflow; one that runs already is left alone.

        Raises EngineUnreachable or AnotherLedger, AnotherCase when the number runs under another birth mark,
        and NotRunning when the case ran and is over in Temporal.
        """
        client = await self._namespace.take()
        try:
            await self._start(
                client, case, WorkflowIDReusePolicy.REJECT_DUPLICATE, WorkflowIDConflictPolicy.FAIL
            )
        except WorkflowAlreadyStartedError:
            await require_same(client, case)

    async def again(self, case: CaseRef) -> None:
        """Start the case's workflow anew, in place of one that ended or stands at an earlier point.

        Raises EngineUnreachable.
        """
        client = await self._namespace.take()
        await self._start(
            client, case, WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDConflictPolicy.TERMINATE_EXISTING
        )

    async def _start(
        self,
        client: Client,
        case: CaseRef,
        reuse: WorkflowIDReusePolicy,
        conflict: WorkflowIDConflictPolicy,
    ) -> None:
        try:
            await client.start_workflow(
                Reactivation.run,
                case,
                id=case.case_number,
                task_queue=self._namespace.task_queue,
                id_reuse_policy=reuse,
                id_conflict_policy=conflict,
                memo={MANNER: Manner.AT_ONCE} | ({} if case.birth is None else {BIRTH: case.birth}),
                search_attributes=search_attributes.initial(case),
                static_summary=f"{case.track} - {case.kecamatan}",
                priority=priority_of(case),
                rpc_timeout=options.START_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            raise
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None


async def require_same(client: Client, case: CaseRef) -> None:
    """Raise AnotherCase or NotRunning unless what has the case's number is the case, and runs."""
    try:
        found = await client.get_workflow_handle(case.case_number).describe(
            rpc_timeout=options.START_RPC_TIMEOUT
        )
    except (RPCError, RuntimeError):
        raise EngineUnreachable(UNREACHABLE) from None
    if (birth := birth_of(found.raw_info.memo)) != case.birth:
        raise AnotherCase(case.case_number, birth)
    if found.status is not WorkflowExecutionStatus.RUNNING:
        raise NotRunning(case.case_number, " any more")

"""Gathers what is judged, through public doors: registry, Temporal's lists, the institutions' counts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import httpx
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from gateways.sql_audit import SqlAudit
from gateways.sql_recovery import SqlRecovery
from models.case import CaseState, Outcome, Step
from models.errors import KeyLost
from models.messages import CaseEvent, EventKind
from runtime.case_story import uploads_of_runs
from runtime.sealing import faults
from tests.chaos.administrator import Administrator
from tests.chaos.clerk import Clerk
from tests.chaos.judge import CaseSeen, Evidence, Execution
from tests.chaos.people import STEMS
from tests.chaos.plan import Plan
from tests.e2e import leaks
from tests.e2e.office import Office
from workflows import search_attributes

_RESULTS_AT_ONCE = 16
_EVERYTHING = 100_000
Value = str | int | datetime


async def gather(
    office: Office, plan: Plan, clerk: Clerk, administrator: Administrator, received: Mapping[str, int]
) -> Evidence:
    """Return what is to be seen now. Raises EngineUnreachable."""
    seen, others = await asyncio.to_thread(_ledger, office, clerk)
    effects = {}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for system, url in office.stack.simulators.items():
            effects[system] = (await client.get(f"{url}/_sim/effects")).json()
    seen = tuple([await _with_all_runs(office, case, effects["siks_ng"]) for case in seen])
    expected = {case.number: expected_attributes(case.state) for case in seen}
    return Evidence(
        at=datetime.now(UTC),
        cases=seen,
        executions=await _executions(office),
        expected=expected,
        effects=effects,
        received=dict(received),
        strangers=others,
        caseless=tuple(str(place) for place in range(len(plan.fates)) if place not in clerk.cases),
        forgotten=frozenset(clerk.given) - expected.keys(),
        mixed=tuple(clerk.mixed),
        unmended=tuple(administrator.faults),
        older=administrator.older,
        undelivered=len(await asyncio.to_thread(office.book.undelivered)),
        unwritten=await asyncio.to_thread(_unwritten, office),
    )


async def _with_all_runs(office: Office, case: CaseSeen, handed_in: Mapping[str, int]) -> CaseSeen:
    """Return the case with what all of its runs asked for, where SIKS-NG has more than the ledger tells.

    A ledger that was put back twice holds the newest run's story, which goes on with an earlier one's upload.
    """
    of_case = {key for key in handed_in if key.startswith(f"{case.number}:")}
    if of_case <= {f"{case.number}:{Step.SIKS_NG_UPLOAD}:{attempt}" for attempt in case.asked}:
        return case
    others = await uploads_of_runs(office.client, case.number, case.state.case.birth)
    return replace(case, asked=case.asked | others)


def leaked(office: Office) -> tuple[str, ...]:
    """Search Temporal's database and every log for the people of the run."""
    places = leaks.files(office.stack.folder, but=("institutions.db",))
    return tuple(leaks.found(STEMS, places))


def _unwritten(office: Office) -> tuple[str, ...]:
    """Verify the audit: the chain, what no seal covers, and what was written past the engine."""
    audit = SqlAudit(office.engine)
    head = audit.head()
    found = faults(audit, 0 if head is None else head.number, None, lambda _: None)
    return tuple(f"{fault.table} {fault.key}: {fault.what}" for fault in found)


def _ledger(office: Office, clerk: Clerk) -> tuple[tuple[CaseSeen, ...], tuple[str, ...]]:
    registry = office.registry
    states = {state.case.case_number: state for state in registry.cases(limit=_EVERYTHING)}
    ends = {number: clerk.ends(place) for number, place in clerk.given.items()}
    for number in ends.keys() - clerk.cases.values():
        ends[number] |= {Outcome.WITHDRAWN}  # it could not be read any more, and its person applied anew
    recovery = SqlRecovery(office.engine, office.vault)
    histories = {number: registry.history(number) for number in states if number in ends}
    seen = tuple(
        CaseSeen(
            ends=ends[number],
            state=states[number],
            events=true_story(history),
            alerts=tuple(registry.alerts(number)),
            reference=_reference(office, number),
            submitted=recovery.told(number).submitted,
            asked=frozenset(
                event.attempt
                for event in history
                if event.kind is EventKind.STEP_OPENED
                and event.step is Step.SIKS_NG_UPLOAD
                and event.attempt is not None
            ),
            retold=sum(event.kind is EventKind.CASE_RETOLD for event in history),
        )
        for number, history in histories.items()
    )
    return seen, tuple(sorted(states.keys() - ends.keys()))


def _reference(office: Office, number: str) -> str | None:
    """Return what SIKS-NG calls the latest submission; None also where the person's key is lost."""
    try:
        return office.ledger.submission_reference(number)
    except KeyLost:
        return None


def true_story(history: Sequence[CaseEvent]) -> tuple[CaseEvent, ...]:
    """Return the registration and what the newest epoch tells, without the line that begins it."""
    begun = max((place for place, event in enumerate(history) if event.seq == 0), default=0)
    return (*history[:1], *history[begun + 1 :])


def expected_attributes(state: CaseState) -> dict[str, Value]:
    """Return what Temporal should show of a case in this state."""
    told: dict[str, Value] = {}
    for column in search_attributes.COLUMNS:
        if (value := column.read(state)) is not None:
            told[column.key.name] = value
    return told


async def _executions(office: Office) -> dict[str, Execution]:
    slots = asyncio.Semaphore(_RESULTS_AT_ONCE)

    async def result(workflow_id: str) -> CaseState:
        async with slots:
            handle = office.client.get_workflow_handle(workflow_id, result_type=CaseState)
            state: CaseState = await handle.result()
            return state

    listed: dict[str, WorkflowExecution] = {}
    async for one in office.client.list_workflows('WorkflowType="Reactivation"'):
        if one.id not in listed or listed[one.id].start_time < one.start_time:
            listed[one.id] = one  # `recover` began it anew
    over = [key for key, one in listed.items() if one.status is WorkflowExecutionStatus.COMPLETED]
    results = dict(zip(over, await asyncio.gather(*map(result, over)), strict=True))
    return {
        key: Execution(
            is_running=one.status is WorkflowExecutionStatus.RUNNING,
            attributes={
                pair.key.name: pair.value
                for pair in one.typed_search_attributes
                if isinstance(pair.value, Value)
            },
            result=results.get(key),
        )
        for key, one in listed.items()
    }

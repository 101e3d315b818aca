"""Each path that a workflow can take, walked by the present code on a real server: the tests' own cases."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Container
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from gateways.policy_folder import PolicyFolder
from gateways.ports.institutions import Decision, Verdict
from models.answers import HandedOver, Rejected
from models.case import CaseHealth, CaseRef, CaseState, Step, Track
from models.digest import DigestOrder
from models.errors import BadReply, Refused, Unavailable
from models.messages import (
    Acknowledge,
    Extend,
    PapersAdded,
    Park,
    Release,
    ReopenUpload,
    RetryStep,
    Shorten,
    Withdraw,
)
from models.outage import System
from models.policy import CityPolicy
from models.standstill import StuckPolicy
from tests.builders import a_case, a_dossier
from tests.workflows.conftest import BY_HAND, ROOT, Bench, Handle
from tests.workflows.hands import give, on_desk, switch, work
from tests.workflows.test_bulk import Trial
from workflows.daily_digest import DailyDigest
from workflows.reactivation import Reactivation

POLICIES = ROOT / "policies"
NIK_DIFFERS = Decision(Verdict.RETURNED, "NIK_BEDA")
HALF_AN_HOUR = timedelta(minutes=30)
BREACHED = timedelta(hours=23.75)
"""After the breach of a case that came half an hour ago, and before it has waited for a day: what comes
together comes in any order."""
WITHIN_SECONDS = 90.0
"""How long a path may take; changed code may wait for what never comes."""

AnyHandle = WorkflowHandle[Any, Any]
_Path = Callable[[Bench], Awaitable[AnyHandle]]


class _Shelf(PolicyFolder):
    """Policies by which an emergency is waited for as long as any case, so that no path waits too long."""

    def city(self, code: str) -> CityPolicy:
        policy = super().city(code)
        stuck = StuckPolicy(tracks={Track.EMERGENCY: policy.stuck.waiting})
        return policy.model_copy(update={"stuck": stuck})


async def emergency(bench: Bench) -> Handle:
    """Walk the straight path."""
    return await _done(await bench.start(a_case()))


async def medical(bench: Bench) -> Handle:
    """Walk the straight path of the track."""
    return await _done(await bench.start(a_case(track=Track.MEDICAL), need="childbirth"))


async def newborn(bench: Bench) -> Handle:
    """Walk the straight path of the track."""
    kinds = ("facility_letter", "birth_letter")
    return await _done(await bench.start(a_case(track=Track.NEWBORN), kinds=kinds, need="newborn"))


async def returned(bench: Bench) -> Handle:
    """Walk a case that Kemensos returns once."""
    bench.kemensos.script = [NIK_DIFFERS, Decision(Verdict.APPROVED)]
    handle = await bench.start(a_case())
    await _stuck(bench, handle)
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    return await _done(handle)


async def rejected(bench: Bench) -> Handle:
    """Walk a final no."""
    bench.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU")]
    return await _done(await bench.start(a_case()))


async def breached(bench: Bench) -> Handle:
    """Walk a case that waits past its due time and is withdrawn."""
    bench.kemensos.script = [NIK_DIFFERS]
    handle = await bench.start(_came_half_an_hour_ago())
    await _stuck(bench, handle)
    await bench.forward(handle, BREACHED)
    await bench.at_rest(handle)
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    return await _done(handle)


async def refused(bench: Bench) -> Handle:
    """Walk a case that SIKS-NG refuses once and that goes on by itself after an hour."""
    bench.siks_ng.script = [Refused("siks_ng", "call refused"), None]
    handle = await bench.start(a_case())
    await _stuck(bench, handle)
    await bench.forward(handle, timedelta(minutes=61))
    return await _done(handle)


async def troubled(bench: Bench) -> Handle:
    """Walk two troubles at SIKS-NG until a supervisor acts, and one at Kemensos that ends as `not yet`."""
    refuses = Refused("siks_ng", "call refused")
    bench.siks_ng.script = [refuses, refuses, BadReply("siks_ng", "nonsense")]
    handle = await bench.start(a_case())
    await _stuck(bench, handle)
    await bench.forward(handle, timedelta(minutes=121))
    await bench.until(handle, lambda state: state.trouble == BadReply.__name__)
    await bench.at_rest(handle)
    bench.siks_ng.script = [None]
    bench.kemensos.script = [Refused("kemensos", "call refused"), None, Decision(Verdict.APPROVED)]
    more = Extend(command_id="e-1", by=timedelta(hours=12), actor="ibu.kepala")
    await handle.execute_update("extend", more)
    await bench.until(handle, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
    await _stuck(bench, handle)
    await bench.forward(handle, timedelta(minutes=61))
    return await _done(handle)


async def cancelled(bench: Bench) -> Handle:
    """Walk a cancel request while Kemensos is asked."""
    bench.kemensos.script = [None]
    handle = await bench.start(a_case())
    await bench.until(handle, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
    await handle.cancel()
    return await _done(handle)


async def incomplete(bench: Bench) -> Handle:
    """Walk a case that waits for the applicant: its clock runs once the papers are there."""
    case: CaseRef = a_case(city="3275", kecamatan="Bekasi Timur")
    handle = await bench.start(case, kinds=("ktp",))
    await _stuck(bench, handle)
    bench.ledger.dossiers[case.case_number] = a_dossier(
        case, kinds=("ktp", "kk", "jkn_card", "facility_letter")
    )
    await handle.execute_update("papers_added", PapersAdded(command_id="p-1", count=1))
    return await _done(handle)


async def already_active(bench: Bench) -> Handle:
    """Walk a person whom BPJS shows as active at intake."""
    bench.kemensos.approved.add("SIKS-0000")
    case = a_case()
    bench.ledger.references[case.case_number] = "SIKS-0000"
    return await _done(await bench.start(case))


async def by_hand(bench: Bench) -> Handle:
    """Walk a case that people work from desk to desk, asked for anew once."""
    handle = await bench.start(a_case())
    await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    await on_desk(bench, handle, Step.DOCUMENT_CHECK, times=2)
    await give(handle, Step.DOCUMENT_CHECK)
    await work(bench, handle, *list(Step)[1:])
    return await _done(handle)


async def handed_over(bench: Bench) -> Handle:
    """Walk an applicant who takes the letters to BPJS himself."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
    await give(handle, Step.SIKS_NG_UPLOAD, answer=HandedOver())
    await work(bench, handle, Step.BPJS_RECONNECT)
    return await _done(handle)


async def reopened(bench: Bench) -> Handle:
    """Walk a receipt that was void."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION, Step.SIKS_NG_UPLOAD)
    await on_desk(bench, handle, Step.KEMENSOS_VERIFICATION)
    command = ReopenUpload(command_id="v-1", attempt=1, actor="ibu.kepala")
    await handle.execute_update(Reactivation.reopen_upload, command)
    await work(bench, handle, *list(Step)[2:], attempt=2)
    return await _done(handle)


async def track_switched(bench: Bench) -> Handle:
    """Walk a case of the medical track that becomes an emergency, and then breaches."""
    handle = await bench.start(a_case(track=Track.MEDICAL), need="chronic")
    await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    await switch(handle, occurred_at=datetime.now(UTC) - HALF_AN_HOUR)
    await bench.at_rest(handle)
    await bench.forward(handle, BREACHED)
    await bench.at_rest(handle)
    await work(bench, handle, *Step)
    return await _done(handle)


async def late_answer(bench: Bench) -> Handle:
    """Walk a second answer to a step, which changes nothing."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK)
    await on_desk(bench, handle, Step.RECOMMENDATION)
    await give(handle, Step.DOCUMENT_CHECK, actor="budi", answer=Rejected(reason="DINILAI_MAMPU"))
    await work(bench, handle, *list(Step)[1:])
    return await _done(handle)


async def parked(bench: Bench) -> Handle:
    """Walk a case that finds SIKS-NG down, looks for itself once, and is released."""
    bench.guards[System.SIKS_NG].is_out = True
    handle = await bench.start(a_case())
    await bench.until(handle, _is_parked)
    await bench.at_rest(handle)
    await bench.forward(handle, timedelta(hours=7))
    await bench.at_rest(handle)
    bench.guards[System.SIKS_NG].is_out = False
    command = Release(system=System.SIKS_NG, until=datetime.now(UTC) + timedelta(days=9))
    await handle.execute_update("release", command)
    return await _done(handle)


async def parked_on_desk(bench: Bench) -> Handle:
    """Walk a case whose upload lies on a desk while the portal is down."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
    await handle.execute_update("park", Park(system=System.SIKS_NG, since=datetime.now(UTC)))
    await handle.execute_update("release", Release(system=System.SIKS_NG, until=datetime.now(UTC)))
    await work(bench, handle, *list(Step)[2:])
    return await _done(handle)


async def steered(bench: Bench) -> Handle:
    """Walk a late case that a supervisor takes charge of, and gives and takes time, and that ends in it."""
    handle = await bench.start(_came_half_an_hour_ago())
    await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    await bench.forward(handle, BREACHED)
    await bench.at_rest(handle)
    await handle.execute_update("acknowledge", Acknowledge(command_id="a-1", actor="ibu.kepala"))
    more = Extend(command_id="e-1", by=timedelta(hours=12), actor="ibu.kepala")
    await handle.execute_update("extend", more)
    less = Shorten(command_id="e-2", by=timedelta(hours=2), actor="ibu.kepala")
    await handle.execute_update("shorten", less)
    await work(bench, handle, *Step)
    return await _done(handle)


async def newborn_by_hand(bench: Bench) -> Handle:
    """Walk the straight path of the track, from desk to desk."""
    kinds = ("facility_letter", "birth_letter")
    handle = await bench.start(a_case(track=Track.NEWBORN), kinds=kinds, need="newborn")
    await work(bench, handle, *Step)
    return await _done(handle)


async def medical_by_hand(bench: Bench) -> Handle:
    """Walk the straight path of the track, from desk to desk."""
    handle = await bench.start(a_case(track=Track.MEDICAL), need="chronic")
    await work(bench, handle, *Step)
    return await _done(handle)


async def ledger_away(bench: Bench) -> Handle:
    """Walk a case whose ledger does not answer at once, so that it waits for it where all can see."""
    bench.ledger.faults = iter([Unavailable("ledger", "database does not answer")] * 4)
    return await _done(await bench.start(a_case()))


async def daily_digest(bench: Bench) -> AnyHandle:
    """Walk a day's digest."""
    handle = await bench.environment.client.start_workflow(
        DailyDigest.run, DigestOrder(city="3674"), id=uuid.uuid4().hex, task_queue=bench.task_queue
    )
    await handle.result()
    return handle


async def bulk(bench: Bench) -> AnyHandle:
    """Walk an order of three pages."""
    trial = Trial(bench.environment)
    async with trial.serving():
        handle = await trial.begin()
        await handle.result()
    return handle


BY_MACHINES: tuple[_Path, ...] = (
    emergency, medical, newborn, returned, rejected, breached, refused, troubled, cancelled, incomplete,
    already_active, parked, ledger_away, daily_digest, bulk,
)  # fmt: skip
BY_PEOPLE: tuple[_Path, ...] = (
    by_hand, handed_over, reopened, track_switched, late_answer, parked_on_desk, steered, newborn_by_hand,
    medical_by_hand,
)  # fmt: skip
NAMES = tuple(path.__name__ for path in BY_MACHINES + BY_PEOPLE)


async def walk_all(
    environment: WorkflowEnvironment, patches: Container[str] | None = None
) -> dict[str, WorkflowHistory]:
    """Walk every path; return the history of each, and of one that did not come to its end as far as it came.

    With `patches` only these are in force, as if the others had not been written.
    """
    at_once = asyncio.Semaphore(6)

    async def walk(path: _Path) -> WorkflowHistory:
        async with at_once, AsyncExitStack() as serving:
            bench = Bench(environment, task_queue=uuid.uuid4().hex, shelf=_Shelf(POLICIES))
            bench.modes = BY_HAND if path in BY_PEOPLE else bench.modes
            await serving.enter_async_context(bench.serving(patches=patches))
            try:
                async with asyncio.timeout(WITHIN_SECONDS):
                    handle = await path(bench)
            except Exception:
                if not bench.handles:
                    raise
                handle = bench.handles[0]
            return await handle.fetch_history()

    paths = BY_MACHINES + BY_PEOPLE
    return dict(zip(NAMES, await asyncio.gather(*map(walk, paths)), strict=True))


def _came_half_an_hour_ago() -> CaseRef:
    return a_case(received_at=datetime.now(UTC) - HALF_AN_HOUR)


async def _stuck(bench: Bench, handle: Handle) -> None:
    """Wait until the case calls for a person, and everything is at rest."""
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    await bench.at_rest(handle)


def _is_parked(state: CaseState) -> bool:
    return state.health is CaseHealth.PARKED


async def _done(handle: Handle) -> Handle:
    await handle.result()
    return handle

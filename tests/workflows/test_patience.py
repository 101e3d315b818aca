"""A case that waits too long for the same is called stuck while it goes on, and is well once it moves."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError

from activities.ways import Mode
from gateways.ports.institutions import Decision, Verdict
from models.case import CaseHealth, Outcome, Step, Track, WaitingOn
from models.errors import Refused
from models.messages import AlertKind, EventKind, PapersAdded, Park, RetryStep, Withdraw
from models.outage import System
from models.standstill import TOO_OFTEN, StuckPolicy
from runtime.adapters import Modes
from tests.builders import a_case, a_dossier
from tests.workflows.conftest import BY_HAND, Bench, Handle, proven
from tests.workflows.hands import events, give, on_desk, switch, work
from tests.workflows.test_outages import parked, release
from tests.workflows.test_trouble import a_shelf
from workflows.reactivation import Reactivation

HOUR = timedelta(hours=1)
UNCLEAR = Decision(Verdict.RETURNED, "NIK_BEDA")
APPROVED = Decision(Verdict.APPROVED)
KEMENSOS_BY_HAND = Modes(has_officers=False, siks_ng=Mode.HTTP, kemensos=Mode.DESK, bpjs=Mode.HTTP)

SHORT = StuckPolicy(waiting={WaitingOn.OFFICER: HOUR, WaitingOn.SIGNER: HOUR})


async def start(bench: Bench, kinds: tuple[str, ...] = ("facility_letter",)) -> Handle:
    """Start a case that is no emergency."""
    return await bench.start(a_case(track=Track.MEDICAL), kinds=kinds, need="routine")


async def at_kemensos(bench: Bench) -> Handle:
    """Start a case and wait until it lies on the desk for a look at Kemensos."""
    handle = await start(bench)
    await on_desk(bench, handle, Step.KEMENSOS_VERIFICATION)
    return handle


async def test_a_long_wait_is_told_once_and_over_once_it_is_answered(stopped_bench: Bench) -> None:
    """Stuck after twelve hours and not before; the answer is taken as ever, and the next step is well."""
    stopped_bench.modes = KEMENSOS_BY_HAND
    async with proven(stopped_bench) as bench:
        handle = await at_kemensos(bench)
        await bench.forward(handle, timedelta(hours=11.9))
        assert (await handle.query(Reactivation.state)).health is CaseHealth.OK
        await bench.forward(handle, timedelta(hours=0.2))
        state = await handle.query(Reactivation.state)
        assert (state.health, state.trouble) == (CaseHealth.STUCK, "waits.kemensos")
        await bench.forward(handle, 9 * HOUR)
        assert len(events(bench, handle, EventKind.STEP_WAITS_LONG)) == 1
        stuck = [one for one in bench.ledger.alerts.values() if one.kind is AlertKind.CASE_STUCK]
        assert [one.detail for one in stuck] == ["waits.kemensos"]

        await give(handle, Step.KEMENSOS_VERIFICATION)
        state = await bench.until(handle, lambda state: state.step is Step.BPJS_RECONNECT)
        assert (state.health, state.trouble) == (CaseHealth.OK, None)
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


@pytest.mark.parametrize(("track", "is_stuck"), [(Track.EMERGENCY, True), (Track.MEDICAL, False)])
async def test_an_emergency_is_waited_for_less_long(
    stopped_bench: Bench, *, track: Track, is_stuck: bool
) -> None:
    """Seven hours at Kemensos; the numbers are those of the policy that ships."""
    stopped_bench.modes = KEMENSOS_BY_HAND
    async with proven(stopped_bench) as bench:
        need = "emergency" if track is Track.EMERGENCY else "routine"
        handle = await bench.start(a_case(track=track), need=need)
        await on_desk(bench, handle, Step.KEMENSOS_VERIFICATION)
        await bench.forward(handle, 7 * HOUR)
        assert ((await handle.query(Reactivation.state)).health is CaseHealth.STUCK) == is_stuck
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_another_track_is_waited_for_by_its_own_rule(stopped_bench: Bench) -> None:
    """Seven hours with the officer are nothing, until it becomes an emergency."""
    stopped_bench.modes = BY_HAND
    async with proven(stopped_bench) as bench:
        handle = await bench.start(a_case(track=Track.MEDICAL), need="chronic")
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        await bench.forward(handle, 7 * HOUR)
        assert (await handle.query(Reactivation.state)).health is CaseHealth.OK
        await switch(handle)
        state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        assert state.trouble == "waits.officer"
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_it_is_well_again_as_soon_as_it_waits_for_another(stopped_bench: Bench) -> None:
    """The officer took too long; the signer's patience begins anew."""
    stopped_bench.modes = BY_HAND
    stopped_bench.shelf = a_shelf(stopped_bench, stuck=SHORT)
    async with proven(stopped_bench) as bench:
        handle = await start(bench)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        await bench.forward(handle, 2 * HOUR)
        assert (await handle.query(Reactivation.state)).trouble == "waits.officer"
        await work(bench, handle, Step.DOCUMENT_CHECK)
        state = await on_desk(bench, handle, Step.RECOMMENDATION)
        assert (state.health, state.trouble) == (CaseHealth.OK, None)
        assert bench.ledger.states[handle.id].health is CaseHealth.OK
        await bench.forward(handle, 2 * HOUR)
        assert (await handle.query(Reactivation.state)).trouble == "waits.signer"
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_wait_is_watched_before_the_clock_of_the_sla_runs(stopped_bench: Bench) -> None:
    """Papers came later and lie on the officer's desk: nothing is due yet, and nobody forgets them."""
    stopped_bench.modes = BY_HAND
    stopped_bench.shelf = a_shelf(stopped_bench, stuck=SHORT)
    async with proven(stopped_bench) as bench:
        handle = await start(bench, kinds=())
        await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        case = bench.ledger.dossiers[handle.id].case
        bench.ledger.dossiers[handle.id] = a_dossier(case, need="routine")
        await handle.execute_update("papers_added", PapersAdded(command_id="p-1", count=1))
        await on_desk(bench, handle, Step.DOCUMENT_CHECK, attempt=2)
        await bench.forward(handle, 2 * HOUR)
        state = await handle.query(Reactivation.state)
        assert (state.due_at, state.trouble) == (None, "waits.officer")
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_an_outage_is_no_wait_and_parks_a_case_that_waits_too_long(bench: Bench) -> None:
    """Parked for hours is not stuck; when the system is back, patience begins anew."""
    bench.guards[System.SIKS_NG].is_out = True
    handle = await bench.start(a_case())
    await parked(bench, handle)
    await bench.forward(handle, 5 * HOUR)
    assert (await handle.query(Reactivation.state)).trouble == "outage.siks_ng"
    bench.guards[System.SIKS_NG].is_out = False
    assert (await release(handle)).health is CaseHealth.OK
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert events(bench, handle, EventKind.STEP_WAITS_LONG) == []


async def test_a_case_that_waits_too_long_is_parked_like_any_other(stopped_bench: Bench) -> None:
    """It goes on, so the outage of its system is its outage; one that stands still refuses."""
    stopped_bench.modes = KEMENSOS_BY_HAND
    async with proven(stopped_bench) as bench:
        handle = await at_kemensos(bench)
        await bench.forward(handle, 13 * HOUR)
        state = await handle.query(Reactivation.state)
        park = Park(system=System.KEMENSOS, since=state.since + 13 * HOUR)
        await handle.execute_update("park", park)
        assert (await handle.query(Reactivation.state)).trouble == "outage.kemensos"
        assert (await release(handle, System.KEMENSOS)).health is CaseHealth.OK
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_case_that_stands_still_is_not_parked(bench: Bench) -> None:
    """Somebody has to mend it first, whether or not the system is there."""
    bench.siks_ng.script = [Refused("siks_ng", "submission not accepted")]
    handle = await bench.start(a_case())
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("park", Park(system=System.SIKS_NG, since=state.since))
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_case_that_was_begun_too_often_stays_stuck_until_it_ends(stopped_bench: Bench) -> None:
    """At the second attempt of one that is allowed, at every step, at no cost of its own."""
    rule = StuckPolicy(attempts=1)
    stopped_bench.shelf = a_shelf(stopped_bench, stuck=rule)
    async with proven(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR, APPROVED]
        handle = await bench.start(a_case())
        await bench.until(handle, lambda state: state.trouble == "NIK_BEDA")
        await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
        state = await handle.result()
    assert (state.outcome, state.attempt) == (Outcome.REACTIVATED, 2)
    assert (await troubles(handle))[-2:] == [TOO_OFTEN, "none"]


async def test_what_lay_before_the_first_step_is_no_wait(stopped_bench: Bench) -> None:
    """Received two days ago and started now: the officer has had it for no time at all."""
    stopped_bench.modes = BY_HAND
    async with proven(stopped_bench) as bench:
        handle = await bench.start(a_case(received_at=datetime.now(UTC) - 48 * HOUR))
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        assert events(bench, handle, EventKind.STEP_WAITS_LONG) == []
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_case_that_moves_on_sets_one_timer(bench: Bench) -> None:
    """Patience costs no events while nobody is waited for too long."""
    handle = await bench.start(a_case())
    await handle.result()
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    assert kinds.count(EventType.EVENT_TYPE_TIMER_STARTED) == 1


async def troubles(handle: Handle) -> list[str]:
    """Return every value that supervisors saw as the case's trouble."""
    seen = []
    async for event in handle.fetch_history_events():
        fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        if "CaseTrouble" in fields:
            seen.append(fields["CaseTrouble"].data.decode().strip('"'))
    return seen

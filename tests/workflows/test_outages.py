"""A system is down: cases that need it are parked, asked nothing, and released once it is back."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from activities.ways import Mode
from gateways.sql_lineage import SqlLineage
from models.case import CaseHealth, CaseState, Outcome, SlaState, Step, WaitingOn
from models.errors import Unavailable
from models.messages import Accepted, EventKind, Park, Release, RetryStep, Withdraw
from models.outage import System
from models.turns import Owner, PauseRule
from runtime.adapters import Modes
from runtime.outages import Cases
from tests.builders import a_case
from tests.e2e.office import until_async
from tests.ledgers import a_shared_ledger
from tests.workflows.conftest import BY_HAND, Bench, Handle
from tests.workflows.hands import events, give, on_desk, work
from tests.workflows.test_clock import HOUR, held_to
from workflows.reactivation import Reactivation


async def parked(bench: Bench, handle: Handle) -> CaseState:
    """Wait until the case is parked and everything is at rest."""
    await bench.until(handle, lambda state: state.health is CaseHealth.PARKED)
    await bench.at_rest(handle)
    return await handle.query(Reactivation.state)


async def _lists(cases: Cases, number: str) -> bool:
    return number in await cases.parked(System.SIKS_NG)


async def release(handle: Handle, system: System = System.SIKS_NG) -> CaseState:
    """Say that the system is back."""
    done: Accepted = await handle.execute_update(
        "release", Release(system=system, until=datetime.now(UTC) + timedelta(days=9)), result_type=Accepted
    )
    return done.state


async def test_a_case_that_finds_its_system_down_waits_without_asking(bench: Bench) -> None:
    """One call in vain finds it; for hours nobody calls again, and a release lets it go on, once."""
    guard = bench.guards[System.SIKS_NG]
    guard.turns_out = True
    bench.siks_ng.script = [Unavailable("siks_ng", "out of order"), None]
    case = a_case()
    handle = await bench.start(case)
    state = await parked(bench, handle)
    assert (state.step, state.trouble) == (Step.SIKS_NG_UPLOAD, "outage.siks_ng")
    assert state.waiting_on is WaitingOn.SIKS_NG

    cases = Cases(bench.environment.client, SqlLineage(a_shared_ledger()))
    await until_async(lambda: _lists(cases, handle.id), 15, lambda: "Temporal does not list it as parked")

    looked = guard.looked
    await bench.forward(handle, 5 * HOUR)
    assert guard.looked == looked

    guard.is_out = guard.turns_out = False
    assert (await release(handle)).health is CaseHealth.OK
    state = await handle.result()
    assert state.outcome is Outcome.REACTIVATED
    assert set(bench.siks_ng.effects.values()) == {1}
    facts = events(bench, handle, EventKind.SLA_MET)[0].facts
    assert int(facts["outage_minutes"]) == pytest.approx(300, abs=3)
    kinds = bench.ledger.kinds(case.case_number)
    assert kinds.count("step.parked") == kinds.count("step.released") == 1
    assert not bench.ledger.alerts, "an outage is told of the city, not of every case"


async def test_a_system_that_is_known_to_be_down_is_not_called_at_all(bench: Bench) -> None:
    """Nobody submits while the outage is open; nothing says that the submission may have been made."""
    bench.guards[System.SIKS_NG].is_out = True
    case = a_case()
    handle = await bench.start(case)
    await parked(bench, handle)
    assert bench.ledger.begun == set()
    bench.guards[System.SIKS_NG].is_out = False
    await release(handle)
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_fault_of_one_case_parks_nobody(bench: Bench) -> None:
    """The call fails and the system is there: the case is tried again as ever."""
    bench.siks_ng.script = [Unavailable("siks_ng", "out of order"), None]
    case = a_case()
    handle = await bench.start(case)
    await bench.forward(handle, timedelta(seconds=5))
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert "step.parked" not in bench.ledger.kinds(case.case_number)


@pytest.mark.parametrize(("pauses", "due"), [({Owner.OUTAGE: PauseRule(at_most=4 * HOUR)}, 28), ({}, 24)])
async def test_clocks_follow_the_policy(
    stopped_bench: Bench, pauses: dict[Owner, PauseRule], due: int
) -> None:
    """An outage of ten hours: the office's clock waits four of them, or none, as its policy says."""
    async with held_to(stopped_bench, pauses=pauses) as bench:
        bench.guards[System.KEMENSOS].is_out = True
        case = a_case()
        handle = await bench.start(case)
        state = await parked(bench, handle)
        assert state.sla_state is (SlaState.PAUSED if pauses else SlaState.ON_TRACK)
        await bench.forward(handle, 10 * HOUR)
        bench.guards[System.KEMENSOS].is_out = False
        await release(handle, System.KEMENSOS)
        state = await handle.result()
        assert state.due_at is not None
        assert state.due_at - case.received_at == pytest.approx(due * HOUR, abs=timedelta(minutes=1))
        assert state.outcome is Outcome.REACTIVATED


async def test_an_outage_that_is_said_to_end_in_days_to_come_ended_now(stopped_bench: Bench) -> None:
    """Nine days ahead, by a clock that is wrong: the office's clock runs again from now on."""
    stopped_bench.modes = BY_HAND
    async with held_to(stopped_bench, pauses={Owner.OUTAGE: PauseRule()}) as bench:
        case = a_case()
        handle = await bench.start(case)
        await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
        await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
        await handle.execute_update("park", Park(system=System.SIKS_NG, since=datetime.now(UTC)))
        await bench.forward(handle, 10 * HOUR)
        state = await release(handle)
        assert state.sla_state is SlaState.ON_TRACK
        assert state.due_at is not None
        assert state.due_at - case.received_at == pytest.approx(34 * HOUR, abs=timedelta(minutes=1))
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_case_whom_nobody_releases_looks_for_itself(bench: Bench) -> None:
    """Six hours on it asks whether the outage is over; that is all it asks."""
    bench.guards[System.SIKS_NG].is_out = True
    handle = await bench.start(a_case())
    await parked(bench, handle)
    await bench.forward(handle, 7 * HOUR)
    assert bench.siks_ng.effects == {}
    await parked(bench, handle)
    bench.guards[System.SIKS_NG].is_out = False
    await bench.forward(handle, 6 * HOUR)
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_person_may_say_that_the_case_goes_on(bench: Bench) -> None:
    """A supervisor who knows better than the outage lets one case try."""
    bench.guards[System.SIKS_NG].is_out = True
    handle = await bench.start(a_case())
    await parked(bench, handle)
    bench.guards[System.SIKS_NG].is_out = False
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_work_on_a_desk_is_parked_from_when_the_portal_went_down(office: Bench) -> None:
    """Declared an hour and a half late, the whole time is the outage's; an answer is taken all the same."""
    handle = await office.start(a_case())
    await work(office, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    before = await on_desk(office, handle, Step.SIKS_NG_UPLOAD)
    await office.forward(handle, 2 * HOUR)
    since = before.since + timedelta(minutes=30)
    done: Accepted = await handle.execute_update(
        "park", Park(system=System.SIKS_NG, since=since), result_type=Accepted
    )
    assert (done.state.health, done.state.trouble) == (CaseHealth.PARKED, "outage.siks_ng")
    assert done.state.waiting_on is WaitingOn.OFFICER

    now = before.since + 2 * HOUR
    await give(handle, Step.SIKS_NG_UPLOAD, receipt="r1", occurred_at=now)
    state = await on_desk(office, handle, Step.KEMENSOS_VERIFICATION)
    assert state.health is CaseHealth.OK
    for step in (Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT):
        await on_desk(office, handle, step)
        await give(handle, step, occurred_at=now)
    await handle.result()
    facts = events(office, handle, EventKind.SLA_MET)[0].facts
    assert int(facts["outage_minutes"]) == pytest.approx(90, abs=2)


async def test_a_released_desk_is_the_offices_again(office: Bench) -> None:
    """The work lies where it lay, once, and its time is the office's."""
    handle = await office.start(a_case())
    await work(office, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    await on_desk(office, handle, Step.SIKS_NG_UPLOAD)
    await handle.execute_update("park", Park(system=System.SIKS_NG, since=datetime.now(UTC)))
    assert (await release(handle)).health is CaseHealth.OK
    asked = [key for key in office.desk.asked if "siks_ng" in key]
    assert [office.desk.asked[key] for key in asked] == [1]
    turns = events(office, handle, EventKind.SLA_TURNED)
    assert [turn.facts["owner"] for turn in turns][-2:] == ["outage", "dinsos"]
    await work(office, handle, Step.SIKS_NG_UPLOAD, Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT)
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_what_does_not_concern_a_case_leaves_no_trace(office: Bench) -> None:
    """Another system's outage, or the end of one it was not parked for, is refused."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    length = (await handle.describe()).history_length
    for name, message in (
        ("park", Park(system=System.BPJS, since=datetime.now(UTC))),
        ("release", Release(system=System.BPJS, until=datetime.now(UTC))),
    ):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(name, message)
    assert (await handle.describe()).history_length == length
    assert not events(office, handle, EventKind.STEP_PARKED)


async def test_people_may_do_it_while_the_machine_cannot(stopped_bench: Bench) -> None:
    """Where both work SIKS-NG, the machine lets go of the work while its way is down."""
    stopped_bench.modes = Modes(has_officers=False, siks_ng=Mode.BOTH, kemensos=Mode.HTTP, bpjs=Mode.HTTP)
    async with held_to(stopped_bench) as bench:
        bench.guards[System.SIKS_NG].is_out = True
        handle = await bench.start(a_case())
        await parked(bench, handle)
        assert list(bench.desk.items.values()) == ["SystemDown"]
        bench.ledger.references[handle.id] = "SIKS-BY-HAND"
        await give(handle, Step.SIKS_NG_UPLOAD, receipt="r1")
        assert (await handle.result()).outcome is Outcome.REACTIVATED
        assert bench.siks_ng.effects == {}

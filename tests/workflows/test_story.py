"""The story of a case, on a real server with fakes of the institutions."""

import threading
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from gateways.ports.institutions import Decision, Verdict
from models.case import CaseHealth, Outcome, SlaState, Step, Track, WaitingOn
from models.messages import PapersAdded, RetryStep, Withdraw
from tests.builders import a_case, a_dossier
from tests.workflows.conftest import Bench, Handle
from workflows.reactivation import Reactivation

NIK_DIFFERS = Decision(Verdict.RETURNED, "NIK_BEDA")
STEP_EVENTS = ["step.opened", "answer.recorded"]


async def why_refused(handle: Handle) -> str:
    """Withdraw, expect a refusal and return its type."""
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-2"))
    assert isinstance(refusal.value.cause, ApplicationError)
    return refusal.value.cause.type or ""


async def count(handle: Handle, kind: EventType.ValueType) -> int:
    """Return how often an event is in the history."""
    return sum(event.event_type == kind for event in (await handle.fetch_history()).events)


@pytest.mark.parametrize(
    ("track", "kinds", "need"),
    [
        (Track.EMERGENCY, ("facility_letter",), "emergency"),
        (Track.MEDICAL, ("facility_letter",), "childbirth"),
        (Track.NEWBORN, ("facility_letter", "birth_letter"), "newborn"),
    ],
)
async def test_each_track_goes_through_five_steps(
    bench: Bench, track: Track, kinds: tuple[str, ...], need: str
) -> None:
    """A complete file is reactivated, with one effect at SIKS-NG and a ledger that tells each step."""
    case = a_case(track=track)
    handle = await bench.start(case, kinds=kinds, need=need)
    state = await handle.result()

    assert (state.outcome, state.sla_state, state.waiting_on) == (
        Outcome.REACTIVATED,
        SlaState.MET,
        WaitingOn.NOBODY,
    )
    assert bench.siks_ng.effects == {f"{case.case_number}:siks_ng_upload:1": 1}
    expected = ["case.opened", "sla.started", *STEP_EVENTS * 5, "sla.met", "case.closed"]
    assert bench.ledger.kinds(case.case_number) == expected
    assert bench.ledger.states[case.case_number] == state
    assert bench.ledger.alerts == {}


OUTSIDE = (Step.SIKS_NG_UPLOAD, Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT)
"""Steps that wait for an institution; the office's own are done in passing where rules decide."""


async def test_a_case_survives_a_worker_without_any_memory(stopped_bench: Bench) -> None:
    """With no cache each task replays the whole history, as after a restart; the story is the same."""
    bench = stopped_bench
    case = a_case()
    async with bench.serving(max_cached_workflows=0):
        state = await (await bench.start(case)).result()
    assert state.outcome is Outcome.REACTIVATED
    expected = ["case.opened", "sla.started", *STEP_EVENTS * 5, "sla.met", "case.closed"]
    assert bench.ledger.kinds(case.case_number) == expected


async def test_a_straight_case_fits_in_sixty_history_events(bench: Bench) -> None:
    """The happy path stays small enough for twenty thousand cases."""
    handle = await bench.start(a_case())
    await handle.result()
    assert len((await handle.fetch_history()).events) <= 60


async def test_kemensos_is_asked_again_at_the_pace_of_the_policy(bench: Bench) -> None:
    """No decision yet is no error: the case waits, healthy, and the history does not grow."""
    bench.kemensos.script = [None, None, Decision(Verdict.APPROVED)]
    handle = await bench.start(a_case())
    state = await bench.until(handle, lambda state: state.waiting_on is WaitingOn.KEMENSOS)
    assert state.health is CaseHealth.OK
    await bench.forward(handle, timedelta(minutes=5))
    state = await handle.result()
    assert (state.outcome, bench.kemensos.asked) == (Outcome.REACTIVATED, 3)
    assert await count(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) == len(OUTSIDE)


async def test_a_returned_case_goes_back_with_a_new_submission_once_a_person_mended_it(bench: Bench) -> None:
    """Kemensos returns for a different NIK; after `retry` the case submits anew, under attempt 2."""
    bench.kemensos.script = [NIK_DIFFERS, Decision(Verdict.APPROVED)]
    case = a_case()
    handle = await bench.start(case)
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert (state.waiting_on, state.trouble, state.outcome) == (WaitingOn.OFFICER, "NIK_BEDA", None)

    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    state = await handle.result()
    assert (state.outcome, state.attempt, state.health) == (Outcome.REACTIVATED, 2, CaseHealth.OK)
    assert set(bench.siks_ng.effects) == {
        f"{case.case_number}:siks_ng_upload:{attempt}" for attempt in (1, 2)
    }
    assert f"{case.case_number}:case.returned:kemensos_verification:1" in bench.ledger.alerts


async def test_a_case_that_waits_for_papers_goes_on_when_they_come(bench: Bench) -> None:
    """The applicant brings the rest: the check is taken again, the clock starts then, not before."""
    case = a_case(city="3275", kecamatan="Bekasi Timur")
    handle = await bench.start(case, kinds=("ktp",))
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    bench.ledger.dossiers[case.case_number] = a_dossier(case, kinds=("ktp", "kk", "jkn_card", "referral"))
    await handle.execute_update("papers_added", PapersAdded(command_id="p-1", count=3))
    state = await handle.result()
    assert (state.outcome, state.attempt) == (Outcome.REACTIVATED, 2)
    assert state.due_at is not None
    assert state.due_at > case.received_at + timedelta(hours=24)
    kinds = bench.ledger.kinds(case.case_number)
    assert kinds[kinds.index("papers.added") + 1 :][:2] == ["step.retried", "step.opened"]


async def test_papers_that_nobody_waits_for_change_nothing(bench: Bench) -> None:
    """A case that waits for another reason goes on waiting; the papers are noted."""
    bench.kemensos.script = [NIK_DIFFERS]
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    await handle.execute_update("papers_added", PapersAdded(command_id="p-1", count=1))
    assert (await handle.query(Reactivation.state)).health is CaseHealth.STUCK
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    await handle.result()
    assert "papers.added" in bench.ledger.kinds(case.case_number)


async def test_a_rejection_ends_the_case_as_an_answer(bench: Bench) -> None:
    """A final no is an outcome of a completed workflow."""
    bench.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU")]
    handle = await bench.start(a_case())
    assert (await handle.result()).outcome is Outcome.REJECTED
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_an_incomplete_file_waits_for_the_applicant_and_no_clock_runs(bench: Bench) -> None:
    """Bekasi asks for four papers; with one of them the case waits for the applicant without a due time."""
    case = a_case(city="3275", kecamatan="Bekasi Timur")
    handle = await bench.start(case, kinds=("ktp",))
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert (state.step, state.waiting_on, state.due_at) == (Step.DOCUMENT_CHECK, WaitingOn.APPLICANT, None)
    assert "sla.started" not in bench.ledger.kinds(case.case_number)


async def test_retry_is_refused_while_nothing_waits_for_a_person(bench: Bench) -> None:
    """A command that fits no state is refused and changes nothing."""
    bench.kemensos.script = [None]
    handle = await bench.start(a_case())
    await bench.until(handle, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_withdrawn_case_ends_at_once_and_takes_no_second_withdrawal(bench: Bench) -> None:
    """Withdrawing is an outcome; the pending question to Kemensos is dropped with it."""
    bench.kemensos.script = [None]
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    assert (await handle.result()).outcome is Outcome.WITHDRAWN
    assert bench.ledger.kinds(case.case_number)[-3:] == ["case.withdrawn", "sla.met", "case.closed"]


async def test_an_effect_under_way_is_recorded_before_the_withdrawal_ends_the_case(bench: Bench) -> None:
    """Withdrawn while SIKS-NG works: the answer that comes is in the ledger, and no further step opens."""
    entered, release = threading.Event(), threading.Event()

    class SlowSiksNg(type(bench.siks_ng)):  # type: ignore[misc]  # the fake's own class
        def submit(self, submission: object, *, key: str) -> str:
            entered.set()
            release.wait(10)
            return str(super().submit(submission, key=key))

    bench.siks_ng.__class__ = SlowSiksNg
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.step is Step.SIKS_NG_UPLOAD and entered.is_set())
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    assert await why_refused(handle) == "WrongState"
    release.set()
    assert (await handle.result()).outcome is Outcome.WITHDRAWN
    kinds = bench.ledger.kinds(case.case_number)
    assert kinds[-5:] == ["step.opened", "case.withdrawn", "answer.recorded", "sla.met", "case.closed"]


async def test_a_withdrawal_while_kemensos_is_being_asked_ends_the_case(bench: Bench) -> None:
    """The question in the air comes back without a decision; it is not asked again."""
    entered, release = threading.Event(), threading.Event()

    class SlowKemensos(type(bench.kemensos)):  # type: ignore[misc]  # the fake's own class
        def decision(self, reference: str) -> None:
            entered.set()
            release.wait(10)
            super().decision(reference)

    bench.kemensos.script = [None]
    bench.kemensos.__class__ = SlowKemensos
    handle = await bench.start(a_case())
    await bench.until(handle, lambda _state: entered.is_set())
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
            break
    release.set()
    assert (await handle.result()).outcome is Outcome.WITHDRAWN
    assert bench.kemensos.asked == 1


async def test_a_cancel_request_in_the_web_ui_is_a_withdrawal(bench: Bench) -> None:
    """The supervisors' Cancel button closes the case properly: completed, recorded, not just gone."""
    bench.kemensos.script = [None]
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
    await handle.cancel()
    assert (await handle.result()).outcome is Outcome.WITHDRAWN
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert bench.ledger.kinds(case.case_number)[-1] == "case.closed"


async def test_a_need_that_the_track_does_not_serve_is_returned_to_the_officer(bench: Bench) -> None:
    """A routine control is no emergency; no recommendation is issued."""
    case = a_case()
    handle = await bench.start(case, need="routine")
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert (state.step, state.trouble) == (Step.RECOMMENDATION, "KEBUTUHAN_TIDAK_SESUAI")
    assert bench.ledger.letters == {}


async def test_a_supervisor_sees_where_the_case_is(bench: Bench) -> None:
    """Search attributes, static summary and current details tell the state, and follow it."""
    bench.kemensos.script = [NIK_DIFFERS]
    handle = await bench.start(a_case())
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    await bench.at_rest(handle)
    described = await handle.describe()
    shown = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert shown["CaseStep"] == "kemensos_verification"
    assert (shown["WaitingOn"], shown["CaseHealth"], shown["SlaState"]) == ("officer", "stuck", "on_track")
    assert (shown["City"], shown["Kecamatan"], shown["CaseTrack"]) == ("3674", "Pamulang", "emergency")
    assert set(shown) >= {"SlaDueAt", "StepSince", "EscalationLevel", "Attempt"}
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    details = metadata.current_details
    assert "Langkah 4 dari 5: Verifikasi Kemensos" in details
    assert "NIK_BEDA" in details
    assert "WIB" in details


async def test_search_attributes_are_written_only_when_they_change(bench: Bench) -> None:
    """One event for each step that waits for somebody and one for the end, whatever else happens."""
    handle = await bench.start(a_case())
    await handle.result()
    upserts = await count(handle, EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
    assert upserts == len(OUTSIDE) + 1

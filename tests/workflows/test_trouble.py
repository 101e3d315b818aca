"""What goes wrong around a case, and that the case outlives it."""

from datetime import date, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus

from gateways.ports.institutions import Decision, Participant, Verdict
from gateways.ports.policies import PolicyShelf
from models.case import CaseHealth, Outcome, Step, Track
from models.errors import ReferenceTaken, Refused, Unavailable
from models.messages import RetryStep, Withdraw
from models.policy import CityPolicy
from models.reasons import Reasons
from tests.builders import a_case
from tests.workflows.conftest import ROOT, Bench, proven
from workflows.reactivation import Reactivation


def a_shelf(bench: Bench, reasons: Reasons | None = None, **changes: object) -> PolicyShelf:
    """Return a shelf on which Tangsel's policy has other values, and the catalogue perhaps other reasons."""
    policy = bench.shelf.city("3674").model_copy(update=changes)
    catalogue = reasons or bench.shelf.reasons()

    class Shelf(type(bench.shelf)):  # type: ignore[misc]  # the bench's own class
        def city(self, code: str) -> CityPolicy:
            return policy

        def reasons(self) -> Reasons:
            return catalogue

    return Shelf(ROOT / "policies")


async def test_an_altered_paper_calls_for_a_person(bench: Bench) -> None:
    """A hash that no longer fits is nobody's answer: the case is stuck, and goes on once mended."""
    bench.documents.altered.add(f"{0:064x}")
    handle = await bench.start(a_case())
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert (state.step, state.trouble) == (Step.DOCUMENT_CHECK, "DocumentLost")
    bench.documents.altered.clear()
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_refusal_is_tried_again_after_an_hour_without_anybody(bench: Bench) -> None:
    """A case that nobody frees is still not forgotten, and is told once as stuck."""
    bench.siks_ng.script = [Refused("siks_ng", "submission not accepted"), None]
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert bench.siks_ng.effects == {}
    await bench.forward(handle, timedelta(minutes=61))
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert [alert.detail for alert in bench.ledger.alerts.values()] == ["Refused"]


async def test_a_reference_that_another_case_has_calls_for_a_person_by_its_own_name(bench: Bench) -> None:
    """State, list and alert name the other case; nobody is told that the system refused."""
    other = "PBI-3674-2026-000099"
    bench.siks_ng.script = [ReferenceTaken(a_case().case_number, other)]
    handle = await bench.start(a_case())
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert (state.step, state.trouble) == (Step.SIKS_NG_UPLOAD, f"ReferenceTaken:{other}")
    assert [alert.detail for alert in bench.ledger.alerts.values()] == [f"ReferenceTaken:{other}"]
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    assert (await handle.result()).outcome is Outcome.WITHDRAWN


async def test_an_outage_that_passes_is_nobodys_business(bench: Bench) -> None:
    """A system that is down for a moment is asked again; the case stays healthy and nobody is told."""
    bench.siks_ng.script = [Unavailable("siks_ng", "no answer"), None]
    case = a_case()
    handle = await bench.start(case)
    await bench.forward(handle, timedelta(seconds=5))
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert "step.stuck" not in bench.ledger.kinds(case.case_number)


async def test_a_ledger_that_is_away_while_a_case_opens_calls_for_nobody(stopped_bench: Bench) -> None:
    """Restarting a database takes seconds; every case that opens in them waits, and no person is told."""
    bench = stopped_bench
    away = [Unavailable("ledger", "database does not answer")] * 5

    class Shelf(type(bench.shelf)):  # type: ignore[misc]  # the bench's own class
        def city(self, code: str) -> CityPolicy:
            if away:
                raise away.pop()
            return super().city(code)  # type: ignore[no-any-return]

    bench.shelf = Shelf(ROOT / "policies")
    case = a_case()
    async with proven(bench):
        handle = await bench.start(case)
        await bench.forward(handle, timedelta(seconds=10))
        assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert away == []
    assert bench.ledger.alerts == {}
    assert "step.stuck" not in bench.ledger.kinds(case.case_number)


async def test_an_unexpected_error_shows_where_and_nothing_else(bench: Bench) -> None:
    """The text of an exception that is not ours, which may name a person, is not in the history."""
    bench.siks_ng.script = [ValueError("NIK 3674065203859001 of Siti"), None]
    handle = await bench.start(a_case())
    await bench.forward(handle, timedelta(seconds=5))
    await handle.result()
    history = (await handle.fetch_history()).to_json()
    assert "Siti" not in history
    assert "ValueError in fakes.py" in history


async def test_a_database_that_is_away_for_a_while_leaves_no_gap(bench: Bench) -> None:
    """The ledger fails at first; the case waits, visibly, and then every event is there once."""
    bench.ledger.faults = iter([Unavailable("ledger", "database does not answer")] * 5)
    case = a_case()
    handle = await bench.start(case)
    await bench.forward(handle, timedelta(seconds=10))
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert bench.ledger.kinds(case.case_number)[-1] == "case.closed"


async def test_a_bug_in_workflow_code_suspends_the_case_and_does_not_fail_it(stopped_bench: Bench) -> None:
    """A clock that breaks fails the workflow task, where supervisors see it; the case stays open."""
    bench = stopped_bench
    track = bench.shelf.city("3674").tracks[Track.EMERGENCY]
    broken = track.model_copy(update={"sla": track.sla.model_copy(update={"warn_at": (1e300,)})})
    bench.shelf = a_shelf(bench, tracks={Track.EMERGENCY: broken})
    async with bench.serving():
        handle = await bench.start(a_case())
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                assert (
                    "OverflowError"
                    in event.workflow_task_failed_event_attributes.failure.application_failure_info.type
                )
                break
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate()


async def test_a_ministry_that_takes_its_time_leaves_the_case_healthy(stopped_bench: Bench) -> None:
    """Rounds of polling end and begin anew; waiting is no trouble, whatever ended the round."""
    bench = stopped_bench
    bench.shelf = a_shelf(bench, poll_every=timedelta(minutes=50))
    bench.kemensos.script = [None, None, None, None, None, None, Decision(Verdict.APPROVED)]
    case = a_case()
    async with bench.serving():
        handle = await bench.start(case)
        await bench.forward(handle, timedelta(hours=9))
        state = await handle.result()
    assert (state.outcome, bench.kemensos.asked) == (Outcome.REACTIVATED, 7)
    assert "step.stuck" not in bench.ledger.kinds(case.case_number)
    assert bench.ledger.alerts == {}


async def test_an_active_stranger_at_bpjs_is_not_taken_for_the_applicant(bench: Bench) -> None:
    """BPJS answers some numbers with somebody else's record: active, and another name. A person looks."""
    case = a_case()
    bench.bpjs.script = [Participant("Contoh Orang Lain", date(1985, 3, 12), "0", "21")]
    handle = await bench.start(case)
    state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    assert (state.step, state.trouble) == (Step.BPJS_RECONNECT, "NAMA_TGL_LAHIR_BEDA")
    bench.bpjs.script = []
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_withdrawal_while_the_database_is_away_ends_the_case_when_it_is_back(bench: Bench) -> None:
    """The wait for the ledger is given up, the withdrawal is written, nothing is missing or failed."""
    bench.ledger.faults = iter([Unavailable("ledger", "database does not answer")] * 9)
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.due_at is not None)
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    await bench.forward(handle, timedelta(minutes=2))
    assert (await handle.result()).outcome is Outcome.WITHDRAWN
    assert bench.ledger.kinds(case.case_number)[-3:] == ["case.withdrawn", "sla.met", "case.closed"]

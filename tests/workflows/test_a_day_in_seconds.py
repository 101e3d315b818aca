"""A whole day on the time-skipping test server, which jumps from timer to timer at once."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from gateways.ports.institutions import Decision, Participant, Verdict
from models.case import CaseHealth, Outcome, SlaState, Step, Track
from models.errors import Unavailable
from models.messages import AlertKind, EventKind, RetryStep
from tests.builders import a_case
from tests.fakes import FakeBpjs
from tests.workflows.conftest import Bench
from tests.workflows.test_trouble import a_shelf
from workflows.reactivation import Reactivation


async def test_a_day_with_warnings_and_breach_takes_a_moment(skipping: WorkflowEnvironment) -> None:
    """A case returned by Kemensos is warned, breaches after 24 hours, and is reactivated in hour 25."""
    bench = Bench(skipping, task_queue=uuid.uuid4().hex)
    bench.kemensos.script = [
        Decision(Verdict.RETURNED, "NIK_BEDA"),
        Decision(Verdict.APPROVED),
    ]
    case = a_case(received_at=await skipping.get_current_time())
    async with bench.serving():
        handle = await bench.start(case)
        await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        await skipping.sleep(timedelta(hours=24, minutes=30))
        await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
        state = await handle.result()

    assert (state.outcome, state.sla_state) == (Outcome.REACTIVATED, SlaState.MISSED)
    assert state.due_at == case.received_at + timedelta(hours=24)
    alerts = [alert for alert in bench.ledger.alerts.values() if alert.kind is not AlertKind.CASE_RETURNED]
    kinds = [alert.kind for alert in alerts]
    assert kinds == [AlertKind.SLA_WARNING] * 3 + [AlertKind.SLA_BREACH]
    hours = [(alert.raised_at - case.received_at) / timedelta(hours=1) for alert in alerts]
    assert hours == pytest.approx([12, 18, 21.6, 24], abs=0.01)


async def test_an_outage_that_lasts_makes_the_case_stuck_and_is_told_once(
    skipping: WorkflowEnvironment,
) -> None:
    """Failures beyond a quarter of an hour are seen as `stuck`; the case goes on asking by itself.

    Round after round it is stuck for the same: that is told once, and once that it is over.
    """
    bench = Bench(skipping, task_queue=uuid.uuid4().hex)
    bench.siks_ng.script = [*[Unavailable("siks_ng", "no answer in time")] * 60, None]
    case = a_case(received_at=await skipping.get_current_time())
    async with bench.serving():
        handle = await bench.start(case)
        state = await handle.result()

    assert (state.outcome, state.health) == (Outcome.REACTIVATED, CaseHealth.OK)
    kinds = bench.ledger.kinds(case.case_number)
    assert kinds.count("step.stuck") == kinds.count("step.retried") == 1
    stuck = [alert for alert in bench.ledger.alerts.values() if alert.kind is AlertKind.CASE_STUCK]
    assert [(alert.detail, alert.step) for alert in stuck] == [("Unavailable", Step.SIKS_NG_UPLOAD)]
    assert bench.siks_ng.effects == {f"{case.case_number}:siks_ng_upload:1": 1}


@dataclass
class FailsForOne(FakeBpjs):
    """BPJS that fails so often for whom Kemensos approved, while it answers everybody else."""

    failures: int = 0

    def participant(self, nik: str, *, on: date) -> Participant | None:
        if self.kemensos.approved and self.failures:
            self.failures -= 1
            raise Unavailable("bpjs", "out of order")
        return super().participant(nik, on=on)


@pytest.mark.parametrize(
    ("track", "need", "failures", "minutes"),
    [(Track.EMERGENCY, "emergency", 25, 15), (Track.MEDICAL, "routine", 130, 120)],
)
async def test_a_call_that_fails_for_one_person_alone_calls_for_somebody_and_sooner_in_an_emergency(
    skipping: WorkflowEnvironment, track: Track, need: str, failures: int, minutes: int
) -> None:
    """No outage is open, since others are answered: a quarter of an hour, two hours where there is time."""
    bench = Bench(skipping, task_queue=uuid.uuid4().hex)
    bench.bpjs = FailsForOne(bench.ledger, bench.kemensos, failures=failures)
    case = a_case(received_at=await skipping.get_current_time(), track=track)
    async with bench.serving():
        handle = await bench.start(case, need=need)
        assert (await handle.result()).outcome is Outcome.REACTIVATED
    told = bench.ledger.events[case.case_number].values()
    stuck = [event.at - case.received_at for event in told if event.kind is EventKind.STEP_STUCK]
    assert [at / timedelta(minutes=1) for at in stuck] == pytest.approx([minutes], abs=2)
    alerts = [one for one in bench.ledger.alerts.values() if one.kind is AlertKind.CASE_STUCK]
    assert [(alert.detail, alert.step) for alert in alerts] == [("Unavailable", Step.BPJS_RECONNECT)]


async def test_a_pace_slower_than_a_round_does_not_make_it_faster(skipping: WorkflowEnvironment) -> None:
    """Asked every fifty minutes: the round is longer, and Kemensos is not asked anew as soon as it ends."""
    bench = Bench(skipping, task_queue=uuid.uuid4().hex)
    bench.shelf = a_shelf(bench, poll_every=timedelta(minutes=50))
    bench.kemensos.script = [None, None, None, Decision(Verdict.APPROVED)]
    case = a_case(received_at=await skipping.get_current_time())
    async with bench.serving():
        state = await (await bench.start(case)).result()
    assert state.closed_at is not None
    assert state.closed_at - case.received_at >= timedelta(minutes=150)
    assert bench.kemensos.asked == 4

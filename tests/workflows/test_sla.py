"""The 24-hour clock of a case, with the clock moved by the test."""

import asyncio
from datetime import timedelta

from gateways.ports.institutions import Decision, Verdict
from models.case import CaseHealth, Outcome, SlaState, Track
from models.errors import Unavailable
from models.messages import AlertKind, RetryStep, Withdraw
from tests.builders import a_case
from tests.workflows.conftest import Bench
from workflows.reactivation import Reactivation

NIK_DIFFERS = Decision(Verdict.RETURNED, "NIK_BEDA")


async def test_a_case_that_waits_is_warned_three_times_and_breaches_at_24_hours(bench: Bench) -> None:
    """Each mark is told once, in order; the breach keeps when it was due and when it was noticed."""
    bench.kemensos.script = [NIK_DIFFERS, Decision(Verdict.APPROVED)]
    case = a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    await bench.forward(handle, timedelta(hours=23))
    state = await handle.query(Reactivation.state)
    assert state.sla_state is SlaState.AT_RISK
    await bench.forward(handle, timedelta(hours=1, minutes=30))
    state = await bench.until(handle, lambda state: state.sla_state is SlaState.BREACHED)
    assert state.due_at == case.received_at + timedelta(hours=24)
    assert state.detected_at is not None
    assert timedelta(0) <= state.detected_at - state.due_at < timedelta(minutes=1)
    assert (state.escalation_level, state.outcome) == (1, None)

    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    state = await handle.result()
    assert (state.outcome, state.sla_state) == (Outcome.REACTIVATED, SlaState.MISSED)
    told = [alert.key.removeprefix(case.case_number) for alert in bench.ledger.alerts.values()]
    assert [key for key in told if ":sla:" in key] == [":sla:1:50", ":sla:1:75", ":sla:1:90", ":sla:1:100"]


async def test_after_an_outage_only_the_newest_mark_is_told(bench: Bench) -> None:
    """A case that is late when its worker comes tells the breach and how late, no stale warnings."""
    case = a_case()
    late = case.model_copy(update={"received_at": case.received_at - timedelta(hours=25, minutes=10)})
    handle = await bench.start(late)
    assert (await handle.result()).sla_state is SlaState.MISSED
    told = bench.ledger.alerts.values()
    assert [(alert.kind, alert.levels) for alert in told] == [
        (AlertKind.SLA_BREACH, (1,)),
        (AlertKind.SLA_BREACH, (2,)),
    ]
    assert all(timedelta(minutes=70) <= alert.late_by < timedelta(minutes=71) for alert in told)


async def test_a_breach_is_recorded_when_the_end_and_the_timer_arrive_together(stopped_bench: Bench) -> None:
    """Withdrawal and timer come in one activation; the breach is told all the same."""
    bench = stopped_bench
    bench.kemensos.script = [NIK_DIFFERS]
    case = a_case(track=Track.MEDICAL)
    late = case.model_copy(update={"received_at": case.received_at - timedelta(hours=23)})
    async with bench.serving():
        handle = await bench.start(late, need="routine")
        await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        await bench.at_rest(handle)
    forward = asyncio.create_task(bench.forward(handle, timedelta(hours=2)))
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField("timer_fired_event_attributes"):
            break
    withdrawal = asyncio.create_task(handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1")))
    await handle.describe()
    async with bench.serving():
        state = await handle.result()
        await withdrawal
    forward.cancel()
    assert (state.outcome, state.sla_state) == (Outcome.WITHDRAWN, SlaState.MISSED)
    assert f"{case.case_number}:sla:1:100" in bench.ledger.alerts
    kinds = bench.ledger.kinds(case.case_number)[-4:]
    assert (set(kinds[:2]), kinds[2:]) == ({"case.withdrawn", "sla.breached"}, ["sla.missed", "case.closed"])


async def test_a_dead_channel_holds_no_case_back_and_loses_no_alert(bench: Bench) -> None:
    """Steps go on while the channel is down; the case is over only when its alert is out."""
    bench.channel.script = [Unavailable("channel", "no answer")] * 3 + [None]
    case = a_case()
    late = case.model_copy(update={"received_at": case.received_at - timedelta(hours=24, minutes=30)})
    handle = await bench.start(late)
    await bench.until(handle, lambda state: state.outcome is Outcome.REACTIVATED)
    assert bench.ledger.alerts == {}
    await bench.forward(handle, timedelta(minutes=1))
    await handle.result()
    assert list(bench.ledger.alerts) == [f"{case.case_number}:sla:1:100"]

"""The clock of a case: pauses, steps, extensions, the ladder; one timer at a time, nothing told twice."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from gateways.ports.institutions import Decision, Verdict
from models.calendar import Budget
from models.case import CaseRef, CaseState, Outcome, SlaState, Step, Track, WaitingOn
from models.ladder import LadderLevel
from models.messages import (
    Acknowledge,
    AlertKind,
    CaseEvent,
    EventKind,
    Extend,
    PapersAdded,
    Withdraw,
)
from models.reasons import Reasons
from models.roles import Role
from models.turns import Owner, PauseRule
from tests.builders import a_case
from tests.workflows.conftest import BY_HAND, Bench, Handle, proven
from tests.workflows.hands import give, on_desk, switch
from tests.workflows.test_trouble import a_shelf
from workflows.reactivation import Reactivation

HOUR = timedelta(hours=1)
OF_TIME_SKIPPING = {55, 60}
"""Kinds of events that only the test server's virtual clock writes (temporal.md 1.2)."""
UNCLEAR = Decision(Verdict.RETURNED, "DOK_TIDAK_JELAS")
APPROVED = Decision(Verdict.APPROVED)
CLIMB = (
    LadderLevel(role=Role.SUPERVISOR),
    LadderLevel(role=Role.HEAD_OF_SECTION, after=HOUR),
    LadderLevel(role=Role.HEAD_OF_OFFICE, after=4 * HOUR),
)


@asynccontextmanager
async def held_to(bench: Bench, reasons: Reasons | None = None, **sla: object) -> AsyncIterator[Bench]:
    """Run a proven worker that holds Tangsel's cases to another SLA, and to a ladder of three levels."""
    policy = bench.shelf.city("3674")
    tracks = {
        name: track.model_copy(update={"sla": track.sla.model_copy(update=sla)})
        for name, track in policy.tracks.items()
    }
    ladder = policy.ladder.model_copy(update={"levels": CLIMB})
    bench.shelf = a_shelf(bench, reasons, tracks=tracks, ladder=ladder)
    async with proven(bench):
        yield bench


def told(bench: Bench, case: CaseRef, *kinds: EventKind) -> list[CaseEvent]:
    """Return the case's events of these kinds, in their order."""
    events = bench.ledger.events[case.case_number]
    return [events[seq] for seq in sorted(events) if events[seq].kind in kinds]


async def returned(bench: Bench, case: CaseRef) -> Handle:
    """Start a case and wait until Kemensos has returned it to the applicant."""
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.waiting_on is WaitingOn.APPLICANT)
    return handle


async def bring_papers(handle: Handle, number: int) -> None:
    """Say that the applicant was there."""
    command = PapersAdded(command_id=f"papers-{number}", count=1, actor="loket-1")
    await handle.execute_update("papers_added", command)


async def test_a_wait_for_the_applicant_pauses_the_clock_and_moves_the_due_time(stopped_bench: Bench) -> None:
    """Ten hours of the applicant's are not the office's; the ledger tells whose time it was."""
    async with held_to(stopped_bench, pauses={Owner.APPLICANT: PauseRule(at_most=48 * HOUR)}) as bench:
        bench.kemensos.script = [UNCLEAR, APPROVED]
        case = a_case()
        handle = await returned(bench, case)
        paused = await handle.query(Reactivation.state)
        assert paused.sla_state is SlaState.PAUSED
        await bench.forward(handle, 10 * HOUR)
        await bring_papers(handle, 1)
        state = await handle.result()

        assert (state.outcome, state.sla_state) == (Outcome.REACTIVATED, SlaState.MET)
        assert state.due_at is not None
        assert state.due_at - case.received_at == pytest.approx(34 * HOUR, abs=timedelta(minutes=1))
        turns = [
            (event.facts["was"], event.facts["owner"]) for event in told(bench, case, EventKind.SLA_TURNED)
        ]
        assert turns == [
            ("dinsos", "kemensos"),
            ("kemensos", "applicant"),
            ("applicant", "dinsos"),
            ("dinsos", "kemensos"),
            ("kemensos", "bpjs"),
        ]
        minutes = told(bench, case, EventKind.SLA_MET)[0].facts
        assert minutes["applicant_minutes"] == 600
        assert state.closed_at is not None
        whole = sum(int(spent) for spent in minutes.values())
        assert whole == pytest.approx((state.closed_at - case.received_at) / timedelta(minutes=1), abs=3)


async def test_a_pause_that_lasts_too_long_runs_on_and_breaches(stopped_bench: Bench) -> None:
    """Nobody comes back: after two days the clock runs again by itself, and the breach is told."""
    async with held_to(stopped_bench, pauses={Owner.APPLICANT: PauseRule(at_most=48 * HOUR)}) as bench:
        bench.kemensos.script = [UNCLEAR, APPROVED]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 47 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.PAUSED
        await bench.forward(handle, 2 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.ON_TRACK
        await bench.forward(handle, 24 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        await bring_papers(handle, 1)
        assert (await handle.result()).sla_state is SlaState.MISSED


async def test_a_clock_that_begins_in_the_applicants_time_begins_paused(stopped_bench: Bench) -> None:
    """Another track begins another clock; whose time it is does not change by that."""
    case = a_case(track=Track.MEDICAL)
    async with held_to(stopped_bench, pauses={Owner.APPLICANT: PauseRule(at_most=48 * HOUR)}) as bench:
        bench.kemensos.script = [UNCLEAR]
        handle = await bench.start(case, need="childbirth")
        await bench.until(handle, lambda state: state.sla_state is SlaState.PAUSED)
        switched = (await switch(handle)).state
        assert (switched.case.track, switched.sla_state) == (Track.EMERGENCY, SlaState.PAUSED)
        await bench.forward(handle, 30 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.PAUSED
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_step_has_a_budget_of_its_own(stopped_bench: Bench) -> None:
    """Papers lie on the desk longer than they may: that is told once, while the case is still in time."""
    stopped_bench.modes = BY_HAND
    case = a_case()
    async with held_to(stopped_bench, steps={Step.DOCUMENT_CHECK: Budget(duration=2 * HOUR)}) as bench:
        handle = await bench.start(case)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        await bench.forward(handle, 3 * HOUR)
        overdue = told(bench, case, EventKind.STEP_OVERDUE)
        assert [(event.step, event.attempt) for event in overdue] == [(Step.DOCUMENT_CHECK, 1)]
        assert [alert.kind for alert in bench.ledger.alerts.values()] == [AlertKind.STEP_OVERDUE]
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.ON_TRACK
        await give(handle, Step.DOCUMENT_CHECK)
        await on_desk(bench, handle, Step.RECOMMENDATION)
        await bench.forward(handle, 4 * HOUR)
        assert len(told(bench, case, EventKind.STEP_OVERDUE)) == 1
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_step_that_was_answered_is_not_overdue(stopped_bench: Bench) -> None:
    """Kemensos has returned the case: what the applicant takes for it is no delay of that step."""
    case = a_case()
    async with held_to(stopped_bench, steps={Step.KEMENSOS_VERIFICATION: Budget(duration=2 * HOUR)}) as bench:
        bench.kemensos.script = [UNCLEAR]
        handle = await returned(bench, case)
        await bench.forward(handle, 3 * HOUR)
        assert told(bench, case, EventKind.STEP_OVERDUE) == []
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_levels_are_told_until_somebody_takes_charge(stopped_bench: Bench) -> None:
    """The breach and the level an hour later are told; then somebody acknowledges, and nobody higher is."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR, APPROVED]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, timedelta(hours=25.5))
        assert (await handle.query(Reactivation.state)).escalation_level == 2
        assert bench.ledger.states[case.case_number].escalation_level == 2, "a level has no event of its own"
        acknowledge = Acknowledge(command_id="ack-1", actor="supervisor-1")
        for _ in range(2):
            await handle.execute_update("acknowledge", acknowledge)
        await bench.forward(handle, 24 * HOUR)

        assert (await handle.query(Reactivation.state)).escalation_level == 2
        levels = {key.rsplit(":")[-1]: a.levels for key, a in bench.ledger.alerts.items() if ":sla:" in key}
        assert levels == {"50": (), "75": (), "90": (), "100": (1,), "L2": (2,)}
        assert len(told(bench, case, EventKind.SLA_ACKNOWLEDGED)) == 1
        await bring_papers(handle, 1)
        assert (await handle.result()).sla_state is SlaState.MISSED


async def test_an_extension_moves_the_due_time_and_nothing_is_told_twice(stopped_bench: Bench) -> None:
    """Twelve more hours at 80 %: no rung again, the breach at the new time; an extension needs one of two."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR, APPROVED]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 20 * HOUR)
        extend = Extend(command_id="e-1", by=12 * HOUR, actor="supervisor-1")
        for _ in range(2):
            await handle.execute_update("extend", extend)
        state: CaseState = await handle.query(Reactivation.state)
        assert state.due_at is not None
        assert state.due_at - case.received_at == pytest.approx(36 * HOUR, abs=timedelta(seconds=5))
        await bench.forward(handle, 10 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.AT_RISK
        await bench.forward(handle, timedelta(hours=6.5))
        assert [event.facts["percent"] for event in told(bench, case, EventKind.SLA_WARNED)] == [50, 75, 90]
        assert len(told(bench, case, EventKind.SLA_BREACHED)) == 1
        assert [event.facts["minutes"] for event in told(bench, case, EventKind.SLA_EXTENDED)] == [720]
        await bring_papers(handle, 1)
        await handle.result()


async def test_a_late_case_that_was_given_time_and_is_late_again_is_told_again(stopped_bench: Bench) -> None:
    """Somebody took charge of the first breach; the second one, two hours on, is another one."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 25.5 * HOUR)
        await handle.execute_update("acknowledge", Acknowledge(command_id="a-1", actor="supervisor-1"))
        await handle.execute_update("extend", Extend(command_id="e-1", by=3 * HOUR, actor="supervisor-1"))
        assert (await handle.query(Reactivation.state)).sla_state is not SlaState.BREACHED
        await bench.forward(handle, 2 * HOUR)
        state: CaseState = await handle.query(Reactivation.state)
        assert state.sla_state is SlaState.BREACHED
        breaches = told(bench, case, EventKind.SLA_BREACHED)
        assert [event.at - case.received_at for event in breaches] == [24 * HOUR, 27 * HOUR]
        keys = [alert.key for alert in bench.ledger.alerts.values() if alert.kind is AlertKind.SLA_BREACH]
        assert [key.split(":", 1)[1] for key in keys] == ["sla:1:100", "sla:1:L2", "sla:2:100"]
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_workers_that_were_away_over_the_due_time_tell_one_breach(stopped_bench: Bench) -> None:
    """Complete 25 hours and ten minutes ago: one breach, and one alert that says 70 minutes late."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR]
        now = datetime.now(UTC)
        case = a_case(received_at=now - timedelta(hours=25, minutes=10))
        handle = await bench.start(case)
        state = await bench.until(handle, lambda state: state.sla_state is SlaState.BREACHED)

        breach = told(bench, case, EventKind.SLA_BREACHED)
        assert [event.at for event in breach] == [state.due_at] == [case.received_at + 24 * HOUR]
        assert state.detected_at is not None
        assert state.detected_at >= now
        alerts = [alert for alert in bench.ledger.alerts.values() if alert.kind is AlertKind.SLA_BREACH]
        assert [(alert.level, alert.levels) for alert in alerts] == [(1, (1,)), (2, (2,))]
        assert alerts[0].late_by == pytest.approx(timedelta(minutes=70), abs=timedelta(minutes=1))
        assert not [alert for alert in bench.ledger.alerts.values() if alert.kind is AlertKind.SLA_WARNING]
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_month_long_case_with_everything_stays_short(stopped_bench: Bench) -> None:
    """All rungs, two pauses and an extension in under 150 history events, one timer pending at a time."""
    catalogue = stopped_bench.shelf.reasons()
    again = catalogue.reason["DOK_TIDAK_JELAS"].model_copy(update={"back_to": Step.KEMENSOS_VERIFICATION})
    reasons = catalogue.model_copy(update={"reason": {**catalogue.reason, "DOK_TIDAK_JELAS": again}})
    pauses = {Owner.APPLICANT: PauseRule(at_most=240 * HOUR, times=2)}
    case = a_case()
    async with held_to(stopped_bench, reasons, pauses=pauses) as bench:
        bench.kemensos.script = [UNCLEAR]
        handle = await returned(bench, case)
        for number in (1, 2):
            await bench.forward(handle, 230 * HOUR)
            await bring_papers(handle, number)
            await bench.until(handle, returned_again(number + 1))
        await handle.execute_update("extend", Extend(command_id="e-1", by=24 * HOUR, actor="supervisor-1"))
        await bench.forward(handle, 250 * HOUR)
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
        state = await handle.result()

    assert (state.outcome, state.sla_state) == (Outcome.WITHDRAWN, SlaState.MISSED)
    assert state.escalation_level == 3
    assert len([key for key in bench.ledger.alerts if ":sla:" in key]) == 6
    events = [event.event_type async for event in handle.fetch_history_events()]
    kept = without_the_tests_own([kind for kind in events if kind not in OF_TIME_SKIPPING])
    assert len(kept) < 150, len(kept)
    pending = 0
    for kind in kept:
        pending += kind == EventType.EVENT_TYPE_TIMER_STARTED
        pending -= kind in {EventType.EVENT_TYPE_TIMER_FIRED, EventType.EVENT_TYPE_TIMER_CANCELED}
        assert pending <= 1


def without_the_tests_own(events: list[int]) -> list[int]:
    """Leave out workflow tasks that nothing led to: moving the virtual clock makes them."""
    task = [
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    ]
    kept: list[int] = []
    for event in events:
        kept.append(event)
        if kept[-6:] == task * 2:
            del kept[-3:]
    return kept


def returned_again(attempt: int) -> Callable[[CaseState], bool]:
    """Return a condition that holds once this attempt was returned too."""
    return lambda state: state.attempt == attempt and state.trouble is not None

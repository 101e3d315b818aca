"""The clock of a case: pauses, steps, extensions, the ladder; one timer at a time, nothing told twice."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError

from gateways.ports.institutions import Decision, Verdict
from models.calendar import Budget
from models.case import CaseHealth, CaseRef, CaseState, Outcome, SlaState, Step, Track, WaitingOn
from models.ladder import LadderLevel
from models.messages import (
    Acknowledge,
    AlertKind,
    CaseEvent,
    DueForecast,
    DueQuestion,
    EventKind,
    Extend,
    PapersAdded,
    Park,
    Release,
    Shorten,
    Withdraw,
)
from models.outage import System
from models.reasons import Reasons
from models.roles import Role
from models.turns import Owner, PauseRule
from tests.builders import a_case
from tests.workflows.conftest import BY_HAND, Bench, Handle, proven
from tests.workflows.hands import give, on_desk, switch, work
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


LONG_PAUSE = {Owner.APPLICANT: PauseRule(at_most=72 * HOUR)}
NO_END = {Owner.OUTAGE: PauseRule()}


async def due_at(handle: Handle) -> datetime | None:
    """Return when the case is due."""
    return (await handle.query(Reactivation.state)).due_at


def keys_of(bench: Bench, kind: AlertKind) -> list[str]:
    """Return the keys of the alerts of a kind, without the case."""
    return [alert.key.split(":", 1)[1] for alert in bench.ledger.alerts.values() if alert.kind is kind]


async def test_eight_hours_more_in_the_applicants_pause_are_the_time_that_was_given(
    stopped_bench: Bench,
) -> None:
    """No pause is counted in, so nothing is late at once; back early or late, the case is due then."""
    async with held_to(stopped_bench, pauses=LONG_PAUSE) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        until = case.received_at + 32 * HOUR
        await handle.execute_update("extend", Extend(command_id="e-1", until=until, actor="sari"))
        state: CaseState = await handle.query(Reactivation.state)
        assert (state.due_at, state.sla_state) == (until, SlaState.ON_TRACK)
        (event,) = told(bench, case, EventKind.SLA_EXTENDED)
        assert event.facts["due"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
        await bench.forward(handle, 5 * HOUR)
        await bring_papers(handle, 1)
        await bench.until(handle, returned_again(2))
        assert await due_at(handle) == until
        await bench.forward(handle, 26 * HOUR)
        assert told(bench, case, EventKind.SLA_BREACHED) == []
        await bench.forward(handle, 1.5 * HOUR)
        assert [event.at for event in told(bench, case, EventKind.SLA_BREACHED)] == [until]
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_more_time_in_a_pause_is_what_ends_later_than_if_the_pause_ended_now(
    stopped_bench: Bench,
) -> None:
    """Shown is the longest pause; an hour before the end without it is less, an hour after is more."""
    async with held_to(stopped_bench, pauses=LONG_PAUSE) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 10 * HOUR)
        at_noon = case.received_at + 34 * HOUR
        less = Extend(command_id="e-1", until=at_noon - HOUR, actor="sari")
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("extend", less)
        more = Extend(command_id="e-2", until=at_noon + HOUR, actor="sari")
        await handle.execute_update("extend", more)
        assert await due_at(handle) == at_noon + HOUR
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_what_is_given_after_a_promised_time_moves_it(stopped_bench: Bench) -> None:
    """Two hours more are two hours more, while the applicant is waited for too."""
    async with held_to(stopped_bench, pauses=LONG_PAUSE) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        until = case.received_at + 32 * HOUR
        await handle.execute_update("extend", Extend(command_id="e-1", until=until, actor="sari"))
        await handle.execute_update("extend", Extend(command_id="e-2", by=2 * HOUR, actor="sari"))
        assert await due_at(handle) == until + 2 * HOUR
        await handle.execute_update("shorten", Shorten(command_id="s-1", by=HOUR, actor="sari"))
        assert await due_at(handle) == until + HOUR
        moves = told(bench, case, EventKind.SLA_EXTENDED, EventKind.SLA_SHORTENED)
        assert [event.facts.get("minutes") for event in moves] == [None, 120, -60]
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


@pytest.mark.parametrize("is_late", [False, True])
async def test_time_that_is_taken_is_told_as_late_when_the_case_is_late_by_it(
    stopped_bench: Bench, *, is_late: bool
) -> None:
    """What would become of the due time is told before; then the breach, at the time that was given."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 10 * HOUR)
        by = (15 if is_late else 2) * HOUR
        forecast = await handle.query(Reactivation.due_if, DueQuestion(by=-by))
        assert forecast == DueForecast(
            due_at=case.received_at + 24 * HOUR, would_be=case.received_at + 24 * HOUR - by
        )
        await handle.execute_update("shorten", Shorten(command_id="s-1", by=by, actor="sari"))
        assert await due_at(handle) == forecast.would_be
        await bench.at_rest(handle)
        breaches = [event.at for event in told(bench, case, EventKind.SLA_BREACHED)]
        assert breaches == [forecast.would_be] * is_late
        [order] = told(bench, case, EventKind.SLA_SHORTENED)
        warned = [event.at for event in told(bench, case, EventKind.SLA_WARNED)]
        assert warned == [order.at] * 3 * is_late, "nobody was warned before"
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("extend", {"by": timedelta(0)}),
        ("extend", {"by": -HOUR}),
        ("extend", {"hours": 24}),
        ("extend", {"by": timedelta(days=3660)}),
        ("extend", {"hours": 24 * 3670}),
        ("extend", {}),
        ("shorten", {"hours": 24}),
        ("shorten", {"hours": 30}),
        ("shorten", {"by": timedelta(0)}),
        ("shorten", {"by": HOUR, "hours": 3}),
    ],
)
async def test_more_time_is_one_order_and_less_another(
    bench: Bench, name: str, change: dict[str, timedelta | int]
) -> None:
    """What is neither more nor less, the other way round, or beyond all dates is refused; nothing moves."""
    bench.kemensos.script = [UNCLEAR]
    case = a_case()
    handle = await returned(bench, case)
    command: dict[str, object] = {"command_id": "c-1", "actor": "sari"}
    if "by" in change:
        command["by"] = change["by"]
    if "hours" in change:
        command["until"] = case.received_at + int(change["hours"]) * HOUR  # type: ignore[arg-type]
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(name, command)
    assert await due_at(handle) == case.received_at + 24 * HOUR
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_clock_that_does_not_run_cannot_be_moved(bench: Bench) -> None:
    """The file is incomplete: nothing was promised."""
    handle = await bench.start(a_case(city="3275", kecamatan="Bekasi Timur"), kinds=("ktp",))
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
    for name, form in (("extend", Extend), ("shorten", Shorten)):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(name, form(command_id="c-1", by=HOUR, actor="sari"))
    assert await handle.query(Reactivation.due_if, DueQuestion(by=HOUR)) == DueForecast(
        due_at=None, would_be=None
    )
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


# -- A second time late --------------------------------------------------------------------------------


async def test_a_late_case_that_is_given_too_little_is_late_as_before(stopped_bench: Bench) -> None:
    """An hour more when it is five hours late: the same breach, nobody is told again."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 29 * HOUR)
        await handle.execute_update("extend", Extend(command_id="e-1", by=HOUR, actor="sari"))
        state: CaseState = await handle.query(Reactivation.state)
        assert (state.sla_state, state.escalation_level) == (SlaState.BREACHED, 3)
        assert state.detected_at is not None
        await bench.forward(handle, 9 * HOUR)
        assert keys_of(bench, AlertKind.SLA_BREACH) == ["sla:1:100", "sla:1:L2", "sla:1:L3"]
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_late_case_that_is_given_time_hears_no_warning_that_lies_behind(
    stopped_bench: Bench,
) -> None:
    """Of 36 hours 75 and 90 percent are still to come after 25; of 26 none. It is at no level any more."""
    async with held_to(stopped_bench) as bench:
        bench.kemensos.script = [UNCLEAR]
        case = a_case()
        handle = await returned(bench, case)
        await bench.forward(handle, 25.5 * HOUR)
        await handle.execute_update("extend", Extend(command_id="e-1", by=2 * HOUR, actor="sari"))
        state: CaseState = await handle.query(Reactivation.state)
        assert (state.sla_state, state.escalation_level, state.detected_at) == (SlaState.AT_RISK, 0, None)
        await bench.forward(handle, HOUR)
        assert keys_of(bench, AlertKind.SLA_WARNING) == ["sla:1:50", "sla:1:75", "sla:1:90"]
        assert keys_of(bench, AlertKind.SLA_BREACH)[-1] == "sla:2:100"
        await handle.execute_update("extend", Extend(command_id="e-2", by=14 * HOUR, actor="sari"))
        await bench.forward(handle, 14 * HOUR)
        assert keys_of(bench, AlertKind.SLA_WARNING)[3:] == ["sla:3:75", "sla:3:90"]
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_late_case_that_is_given_time_while_nobody_knows_how_long_is_told_again(
    stopped_bench: Bench,
) -> None:
    """An outage without end: the due time is not known until it is over, and then it is missed again."""
    stopped_bench.modes = BY_HAND
    async with held_to(stopped_bench, pauses=NO_END) as bench:
        case = a_case()
        handle = await bench.start(case)
        await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
        await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
        await bench.forward(handle, 25 * HOUR)
        now = datetime.now(UTC) + 25 * HOUR
        await handle.execute_update("park", Park(system=System.SIKS_NG, since=now))
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        await handle.execute_update("extend", Extend(command_id="e-1", by=4 * HOUR, actor="sari"))
        state: CaseState = await handle.query(Reactivation.state)
        assert (state.due_at, state.sla_state, state.escalation_level) == (None, SlaState.PAUSED, 0)
        await bench.forward(handle, 10 * HOUR)
        await handle.execute_update("release", Release(system=System.SIKS_NG, until=now + 10 * HOUR))
        await bench.forward(handle, 4 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        assert "sla:2:100" in keys_of(bench, AlertKind.SLA_BREACH)
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_time_can_be_promised_while_nobody_knows_how_long_an_outage_lasts(
    stopped_bench: Bench,
) -> None:
    """Refused before, as if the clock did not run."""
    stopped_bench.modes = BY_HAND
    async with held_to(stopped_bench, pauses=NO_END) as bench:
        case = a_case()
        handle = await bench.start(case)
        await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
        await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
        await handle.execute_update("park", Park(system=System.SIKS_NG, since=datetime.now(UTC)))
        assert await due_at(handle) is None
        until = case.received_at + 30 * HOUR
        await handle.execute_update("extend", Extend(command_id="e-1", until=until, actor="sari"))
        assert await due_at(handle) == until
        facts = told(bench, case, EventKind.SLA_EXTENDED)[0].facts
        assert (facts["due_was"], facts["due"]) == ("none", f"{until:%Y-%m-%dT%H:%M:%SZ}")
        await bench.forward(handle, 31 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_an_outage_that_is_told_after_the_breach_takes_it_back_and_a_later_one_is_told(
    stopped_bench: Bench,
) -> None:
    """The system was down before the due time: not late after all, and late five hours after it is back."""
    stopped_bench.modes = BY_HAND
    async with held_to(stopped_bench, pauses=NO_END) as bench:
        case = a_case()
        handle = await bench.start(case)
        await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
        await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
        await bench.forward(handle, 26 * HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        down = case.received_at + 19 * HOUR
        await handle.execute_update("park", Park(system=System.SIKS_NG, since=down))
        state: CaseState = await handle.query(Reactivation.state)
        assert (state.sla_state, state.due_at) == (SlaState.PAUSED, None)
        back = case.received_at + 26 * HOUR
        await handle.execute_update("release", Release(system=System.SIKS_NG, until=back))
        assert await due_at(handle) == back + 5 * HOUR
        await bench.forward(handle, 6 * HOUR)
        assert [event.at for event in told(bench, case, EventKind.SLA_BREACHED)] == [
            case.received_at + 24 * HOUR,
            back + 5 * HOUR,
        ]
        assert "sla:2:100" in keys_of(bench, AlertKind.SLA_BREACH)
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

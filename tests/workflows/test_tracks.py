"""Another track with another clock, and the SLA by the time at which things happened."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError

from models.case import CaseHealth, CaseRef, Outcome, SlaState, Step, Track
from models.errors import Misconfigured
from models.messages import EventKind, PapersAdded, Withdraw
from models.policy import CityPolicy
from tests.builders import a_case, a_dossier
from tests.workflows.conftest import BY_HAND, ROOT, Bench, Handle, proven, require_sound
from tests.workflows.hands import events, give, on_desk, switch, work
from workflows.reactivation import Reactivation

DAY = timedelta(hours=24)


def ago(**parts: float) -> datetime:
    """Return a time that long before now."""
    return datetime.now(UTC) - timedelta(**parts)


async def start_medical(bench: Bench, received_at: datetime) -> Handle:
    """Start a case of the medical track that both tracks would serve."""
    return await bench.start(a_case(track=Track.MEDICAL, received_at=received_at), need="chronic")


def clock_alerts(bench: Bench, handle: Handle) -> list[str]:
    """Return the alerts that the clock raised, without the case number."""
    keys = [key.removeprefix(f"{handle.id}:") for key in bench.ledger.alerts]
    return [key for key in keys if key.startswith("sla:")]


# -- Another track ---------------------------------------------------------------------------------


async def test_a_switched_case_has_the_new_clock_and_none_of_the_old(office: Bench) -> None:
    """Budget and warnings count from the switch; the marks of the old clock pass in silence."""
    handle = await start_medical(office, ago(hours=13))
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await office.until(handle, lambda _state: clock_alerts(office, handle) == ["sla:1:50"])

    switched_at = datetime.now(UTC)
    accepted = await switch(handle, occurred_at=switched_at)
    assert accepted.state.due_at == switched_at + DAY
    assert (accepted.state.case.track, accepted.state.sla_state) == (Track.EMERGENCY, SlaState.ON_TRACK)
    await office.at_rest(handle)

    # The old clock had its marks at 5, 8.6 and 11 hours from here.
    await office.forward(handle, timedelta(hours=11, minutes=55))
    assert clock_alerts(office, handle) == ["sla:1:50"]
    await office.forward(handle, timedelta(minutes=10))
    await office.until(handle, lambda _state: clock_alerts(office, handle) == ["sla:1:50", "sla:2:50"])
    await office.forward(handle, timedelta(hours=12))
    state = await office.until(handle, lambda state: state.sla_state is SlaState.BREACHED)
    assert state.due_at == switched_at + DAY
    assert state.detected_at is not None
    assert timedelta(0) <= state.detected_at - state.due_at < timedelta(minutes=1)
    assert clock_alerts(office, handle) == ["sla:1:50", "sla:2:50", "sla:2:75", "sla:2:90", "sla:2:100"]


async def test_a_late_case_on_another_track_is_late_no_more_and_at_no_level(office: Bench) -> None:
    """The new clock has told nobody yet: level and time of the old breach are gone, and so is its state."""
    handle = await start_medical(office, ago(hours=26))
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    late = await office.until(handle, lambda state: state.sla_state is SlaState.BREACHED)
    assert late.escalation_level > 0
    assert late.detected_at is not None

    state = (await switch(handle)).state

    assert (state.sla_state, state.escalation_level, state.detected_at) == (SlaState.ON_TRACK, 0, None)
    await office.forward(handle, timedelta(hours=24, minutes=5))
    state = await office.until(handle, lambda state: state.sla_state is SlaState.BREACHED)
    assert state.escalation_level == 1
    assert clock_alerts(office, handle)[-1] == "sla:2:100"


async def test_a_switch_is_seen_by_supervisors_and_written_to_the_ledger(office: Bench) -> None:
    """Search attribute, state and event tell the new track, and who switched it."""
    handle = await start_medical(office, ago(hours=1))
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await switch(handle)
    described = await handle.describe()
    shown = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    due_at = (await handle.query(Reactivation.state)).due_at
    assert (shown["CaseTrack"], shown["SlaDueAt"]) == ("emergency", due_at)
    assert office.ledger.states[handle.id].case.track is Track.EMERGENCY
    (event,) = events(office, handle, EventKind.TRACK_SWITCHED)
    assert event.facts == {"track": "emergency", "was": "medical", "by": "sari", "command": "t-1"}
    assert len(events(office, handle, EventKind.SLA_STARTED)) == 2

    await work(office, handle, *Step)
    state = await handle.result()
    assert (state.outcome, state.sla_state, state.case.track) == (
        Outcome.REACTIVATED,
        SlaState.MET,
        Track.EMERGENCY,
    )


async def test_a_switch_that_comes_again_is_one(office: Bench) -> None:
    """At the same time, and later when the case follows that track already: accepted, and done once."""
    handle = await start_medical(office, ago(hours=1))
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    at = datetime.now(UTC)
    await asyncio.gather(*(switch(handle, occurred_at=at) for _ in range(3)))
    await switch(handle, occurred_at=at)
    assert len(events(office, handle, EventKind.TRACK_SWITCHED)) == 1
    assert len(events(office, handle, EventKind.SLA_STARTED)) == 2


async def test_two_officers_who_switch_a_case_at_once_give_it_one_clock(office: Bench) -> None:
    """The second finds the case on that track already; the clock is not started anew."""
    handle = await start_medical(office, ago(hours=1))
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    first = ago(minutes=30)
    await asyncio.gather(
        switch(handle, command_id="t-1", occurred_at=first),
        switch(handle, command_id="t-2", occurred_at=first),
    )
    assert len(events(office, handle, EventKind.TRACK_SWITCHED)) == 1
    assert len(events(office, handle, EventKind.SLA_STARTED)) == 2


async def test_a_case_is_not_switched_to_the_track_it_follows(office: Bench) -> None:
    """The clock cannot be turned back by switching to where the case is."""
    handle = await start_medical(office, ago(hours=1))
    before = await on_desk(office, handle, Step.DOCUMENT_CHECK)
    with pytest.raises(WorkflowUpdateFailedError):
        await switch(handle, Track.MEDICAL)
    assert await handle.query(Reactivation.state) == before


async def test_a_switch_back_starts_a_third_clock(office: Bench) -> None:
    """There and back again: the case is held to the time of the last switch."""
    handle = await start_medical(office, ago(hours=1))
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await switch(handle, occurred_at=ago(minutes=20))
    back = ago(minutes=10)
    await switch(handle, Track.MEDICAL, command_id="t-2", occurred_at=back)
    await office.at_rest(handle)
    assert (await handle.query(Reactivation.state)).due_at == back + DAY
    await office.forward(handle, timedelta(hours=12))
    await office.until(handle, lambda _state: clock_alerts(office, handle) == ["sla:3:50"])


async def test_a_file_that_is_not_complete_on_the_new_track_either_waits_for_its_clock(office: Bench) -> None:
    """Bekasi asks for four papers on both tracks; no clock runs before an officer approved the papers."""
    case: CaseRef = a_case(track=Track.MEDICAL, city="3275", kecamatan="Bekasi Timur")
    handle = await office.start(case, kinds=("ktp",), need="chronic")
    await office.until(handle, lambda state: state.health is CaseHealth.STUCK)
    await office.at_rest(handle)
    accepted = await switch(handle)
    assert (accepted.state.case.track, accepted.state.due_at) == (Track.EMERGENCY, None)
    assert events(office, handle, EventKind.SLA_STARTED) == []


async def test_an_old_timer_that_fires_with_the_switch_tells_nothing(stopped_bench: Bench) -> None:
    """The old clock's breach and the new plan come in one workflow task; the new clock is not breached."""
    bench = stopped_bench
    bench.modes = BY_HAND
    async with bench.serving():
        handle = await start_medical(bench, ago(hours=24) + timedelta(seconds=4))
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    async with bench.serving(activities=False):
        sending = asyncio.create_task(switch(handle))
        async with asyncio.timeout(10):
            while not (await handle.describe()).raw_description.pending_activities:
                await asyncio.sleep(0.02)
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            break
    seen = event.event_id
    async with bench.serving(stories=False):
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_id > seen and event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                break
    async with bench.serving():
        await sending
        await bench.at_rest(handle)
        state = await handle.query(Reactivation.state)
        assert (state.sla_state, state.escalation_level) == (SlaState.ON_TRACK, 0)
        assert "sla:2:100" not in clock_alerts(bench, handle)
        assert events(bench, handle, EventKind.SLA_BREACHED) == []
    await require_sound(bench)


async def test_a_switch_while_the_plan_is_being_read_holds(stopped_bench: Bench) -> None:
    """The case opens under the track that it has then, not under the one that it was registered with."""
    bench = stopped_bench
    bench.modes = BY_HAND
    away = [Misconfigured("policies: none for this city")]

    class Shelf(type(bench.shelf)):  # type: ignore[misc]  # the bench's own class
        def city(self, code: str) -> CityPolicy:
            if away:
                raise away[0]
            return super().city(code)  # type: ignore[no-any-return]

    bench.shelf = Shelf(ROOT / "policies")
    async with proven(bench):
        handle = await start_medical(bench, ago(hours=2))
        await bench.until(handle, lambda state: state.trouble == "Misconfigured")
        sending = asyncio.create_task(switch(handle))
        await handle.describe()
        away.clear()
        await bench.forward(handle, timedelta(minutes=6))
        await sending
        state = await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    assert state.case.track is Track.EMERGENCY
    assert state.due_at is not None
    assert state.due_at > state.case.received_at + DAY + timedelta(hours=1)


async def test_a_case_without_a_policy_can_be_withdrawn(stopped_bench: Bench) -> None:
    """Nobody knows what it is held to; it ends all the same, and promised nothing."""
    bench = stopped_bench

    class Shelf(type(bench.shelf)):  # type: ignore[misc]  # the bench's own class
        def city(self, code: str) -> CityPolicy:
            raise Misconfigured("policies: none for this city")

    bench.shelf = Shelf(ROOT / "policies")
    async with proven(bench):
        handle = await bench.start(a_case())
        await bench.until(handle, lambda state: state.trouble == "Misconfigured")
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
        async with asyncio.timeout(10):
            state = await handle.result()
    assert (state.outcome, state.sla_state) == (Outcome.WITHDRAWN, SlaState.MET)


# -- The SLA by the time at which things happened -------------------------------------------------------


async def last_step(bench: Bench, received_at: datetime) -> Handle:
    """Bring a case by hand to its last step, in the minute in which it came."""
    handle = await start_medical(bench, received_at)
    await work(bench, handle, *list(Step)[:-1], occurred_at=received_at)
    await on_desk(bench, handle, Step.BPJS_RECONNECT)
    return handle


async def test_an_answer_that_happened_in_time_and_was_told_after_the_breach_meets_the_sla(
    office: Bench,
) -> None:
    """The breach was told at 24 hours; the answer of hour 23 comes an hour later, and hour 23 counts."""
    handle = await last_step(office, ago(hours=23, minutes=30))
    happened_at = ago(minutes=25)
    await office.forward(handle, timedelta(hours=1))
    await office.until(handle, lambda state: state.sla_state is SlaState.BREACHED)
    await give(handle, Step.BPJS_RECONNECT, occurred_at=happened_at)
    state = await handle.result()
    assert (state.outcome, state.sla_state, state.closed_at) == (
        Outcome.REACTIVATED,
        SlaState.MET,
        happened_at,
    )
    assert state.late_by == timedelta(0)
    assert office.ledger.kinds(handle.id)[-2:] == ["sla.met", "case.closed"]


async def test_an_answer_that_happened_after_the_due_time_misses_the_sla(office: Bench) -> None:
    """Late by how much is counted from when it happened, not from when it was told."""
    handle = await last_step(office, ago(hours=23, minutes=30))
    await office.forward(handle, timedelta(hours=2))
    happened_at = datetime.now(UTC) + timedelta(hours=1)
    await give(handle, Step.BPJS_RECONNECT, occurred_at=happened_at)
    state = await handle.result()
    assert (state.sla_state, state.closed_at) == (SlaState.MISSED, happened_at)
    assert timedelta(minutes=29) < state.late_by < timedelta(minutes=31)


async def test_an_answer_and_the_breach_that_arrive_together_are_judged_by_when_it_happened(
    stopped_bench: Bench,
) -> None:
    """No worker saw the due time pass; the answer that waits with the timer is judged by arithmetic."""
    bench = stopped_bench
    bench.modes = BY_HAND
    async with bench.serving():
        handle = await last_step(bench, ago(hours=23))
    due_at = bench.ledger.states[handle.id].due_at
    assert due_at is not None
    forward = asyncio.create_task(bench.forward(handle, timedelta(hours=2)))
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            break
    happened_at = due_at + timedelta(minutes=-5)
    answering = asyncio.create_task(give(handle, Step.BPJS_RECONNECT, occurred_at=happened_at))
    await handle.describe()
    async with bench.serving():
        state = await handle.result()
        await answering
    forward.cancel()
    assert (state.sla_state, state.closed_at) == (SlaState.MET, happened_at)
    await require_sound(bench)


async def test_a_file_completed_by_hand_starts_the_clock_when_it_was_approved(stopped_bench: Bench) -> None:
    """The officer approved at a time and told it later: 24 hours from the approval."""
    bench = stopped_bench
    bench.modes = BY_HAND
    case = a_case(city="3275", kecamatan="Bekasi Timur")
    async with proven(bench):
        handle = await bench.start(case, kinds=("ktp",))
        await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        complete = a_dossier(case, kinds=("ktp", "kk", "jkn_card", "referral"))
        bench.ledger.dossiers[case.case_number] = complete
        papers = PapersAdded(command_id="p-1", count=3)
        await handle.execute_update("papers_added", papers)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK, 2)
        await bench.forward(handle, timedelta(hours=1))
        happened_at = datetime.now(UTC) + timedelta(minutes=20)
        await give(handle, Step.DOCUMENT_CHECK, attempt=2, occurred_at=happened_at)
        state = await on_desk(bench, handle, Step.RECOMMENDATION, 2)
    assert state.due_at == happened_at + DAY

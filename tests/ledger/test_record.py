"""Recording: append once, project the newest, whatever the order in which the records come."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Step
from models.desk import DeskResult
from models.errors import BadReply, NotFound
from models.messages import CaseEvent, EventKind, Record
from models.tables import case_events
from tests.ledger.builders import (
    MORNING,
    a_closing,
    a_new_case,
    a_record,
    a_state,
    an_event,
    at_once,
    desk_of,
    open_steps,
)
from tests.vaults import a_vault


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case."""
    return registry.register(a_new_case()).case


def test_events_are_kept_and_the_state_is_projected(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """What was recorded is what is read, field by field."""
    record = a_record(case, an_event(2), an_event(3, trouble="BadReply"))
    assert ledger.record(record) == list(record.events)
    assert registry.history(case.case_number)[1:] == list(record.events)
    assert registry.case(case.case_number) == record.state


def test_recording_again_returns_nothing_new(ledger: SqlLedger, registry: SqlRegistry, case: CaseRef) -> None:
    """An event that is there stays as it is, even when it comes again with other words."""
    ledger.record(a_record(case, an_event(2)))
    assert ledger.record(a_record(case, an_event(2, EventKind.SLA_WARNED))) == []
    assert [event.kind for event in registry.history(case.case_number)][1:] == [EventKind.STEP_OPENED]


def test_overlapping_batch_returns_only_its_new_part(ledger: SqlLedger, case: CaseRef) -> None:
    """The caller learns exactly which facts to log."""
    ledger.record(a_record(case, an_event(2), an_event(3)))
    assert ledger.record(a_record(case, an_event(3), an_event(4))) == [an_event(4)]


def test_late_record_fills_the_history_and_leaves_the_state(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """The projection never goes back behind a newer one."""
    newest = a_record(case, an_event(5))
    ledger.record(newest)
    assert ledger.record(a_record(case, an_event(3), an_event(4))) == [an_event(3), an_event(4)]
    assert [event.seq for event in registry.history(case.case_number)] == [1, 3, 4, 5]
    assert registry.case(case.case_number) == newest.state


def test_record_without_events_changes_nothing(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Without an event there is nothing that could be newer."""
    before = registry.case(case.case_number)
    assert ledger.record(Record(events=(), state=a_state(case, 9))) == []
    assert registry.case(case.case_number) == before


def test_a_state_that_no_event_led_to_is_projected(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """A level of the ladder is told by an alert alone; behind a newer event it changes nothing."""
    ledger.record(a_record(case, an_event(2)))
    climbed = a_state(case, 2).model_copy(update={"escalation_level": 3})
    assert ledger.record(Record(upto=2, events=(), state=climbed)) == []
    assert registry.case(case.case_number) == climbed
    newer = a_record(case, an_event(3))
    ledger.record(newer)
    ledger.record(Record(upto=2, events=(), state=climbed))
    assert registry.case(case.case_number) == newer.state


def test_what_temporal_lost_and_tells_again_leads_to_the_later_state(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """A server killed before it kept a workflow task lets the workflow tell the same at a later time."""
    first = a_record(case, an_event(2), an_event(3))
    ledger.record(first)
    later = first.state.model_copy(update={"since": MORNING + timedelta(hours=1)})
    assert ledger.record(first.model_copy(update={"state": later})) == []
    assert registry.case(case.case_number) == later
    ledger.record(first)
    assert registry.case(case.case_number) == later, (
        "a frozen worker woke up and told the first version again"
    )


def test_unknown_case_is_not_found(ledger: SqlLedger, case: CaseRef) -> None:
    """Nothing is written for a case that intake did not register."""
    stranger = case.model_copy(update={"case_number": "PBI-3674-2026-999999"})
    with pytest.raises(NotFound):
        ledger.record(a_record(stranger, an_event(2)))


def test_times_come_back_aware_and_in_utc(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Also when they went in as Jakarta time, on both databases, to the microsecond."""
    wib = MORNING.replace(microsecond=123456).astimezone()
    ledger.record(a_record(case, an_event(2).model_copy(update={"at": wib})))
    at = registry.history(case.case_number)[1].at
    assert (at, at.tzinfo) == (wib, UTC)
    with engine.begin() as connection:
        recorded = connection.execute(select(case_events.c.recorded_at)).scalars().all()
    assert all(time.tzinfo is UTC for time in recorded)


def test_naive_time_is_refused(ledger: SqlLedger, registry: SqlRegistry, case: CaseRef) -> None:
    """A time without a zone is a bug; it does not get in."""
    naive = an_event(2).model_copy(update={"at": datetime(2026, 3, 2)})  # noqa: DTZ001
    with pytest.raises(BadReply):
        ledger.record(a_record(case, naive))
    assert len(registry.history(case.case_number)) == 1


def test_stuck_step_opens_a_desk_item(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """It carries the reason code, or else the trouble."""
    stuck = EventKind.STEP_STUCK
    ledger.record(a_record(case, an_event(2, stuck), an_event(3, stuck, trouble="BadReply")))
    assert open_steps(engine, case) == [Step.SIKS_NG_UPLOAD] * 2
    assert [item["reason"] for item in desk_of(engine, case)] == ["NIK_BEDA", "BadReply"]


def test_retry_ends_the_desk_item_as_done(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """A later stuck step opens a new item and leaves the old one closed."""
    kinds = [EventKind.STEP_STUCK, EventKind.STEP_RETRIED, EventKind.STEP_STUCK]
    ledger.record(a_record(case, *(an_event(seq, kind) for seq, kind in enumerate(kinds, 2))))
    assert [(item["opened_seq"], item["result"]) for item in desk_of(engine, case)] == [
        (2, DeskResult.DONE),
        (4, None),
    ]
    assert len(open_steps(engine, case)) == 1


def test_closing_voids_the_open_desk_items(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Nobody is asked to work on a case that has ended; work that was done stays done."""
    kinds = [EventKind.STEP_STUCK, EventKind.STEP_RETRIED, EventKind.STEP_STUCK]
    ledger.record(a_record(case, *(an_event(seq, kind) for seq, kind in enumerate(kinds, 2))))
    ledger.record(a_closing(case, 5))
    assert open_steps(engine, case) == []
    assert [(item["closed_at"], item["result"]) for item in desk_of(engine, case)] == [
        (an_event(3).at, DeskResult.DONE),
        (an_event(5).at, DeskResult.VOIDED),
    ]


def test_stuck_without_its_step_is_refused_as_a_whole(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """A desk item that names no step would be lost work."""
    nameless = CaseEvent(seq=2, kind=EventKind.STEP_STUCK, at=MORNING)
    with pytest.raises(BadReply, match=r"step\.stuck"):
        ledger.record(a_record(case, nameless))
    assert len(registry.history(case.case_number)) == 1


def test_ten_equal_records_at_once_append_each_event_once(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Exactly one caller is told that an event is new."""
    record = a_record(case, an_event(2), an_event(3, EventKind.STEP_STUCK))
    answers = at_once([lambda: ledger.record(record)] * 10)
    assert sorted(event.seq for answer in answers for event in answer) == [2, 3]
    assert registry.case(case.case_number) == record.state
    assert len(open_steps(engine, case)) == 1


_KINDS = st.sampled_from(
    [EventKind.STEP_OPENED, EventKind.ANSWER_RECORDED, EventKind.STEP_STUCK, EventKind.STEP_RETRIED]
)


@st.composite
def _deliveries(draw: st.DrawFn) -> tuple[list[EventKind], list[tuple[int, int]]]:
    """Return a history after registration, and shuffled slices that cover it, overlap and repeat."""
    kinds = draw(st.lists(_KINDS, min_size=1, max_size=10))
    if draw(st.booleans()):
        kinds.append(EventKind.CASE_CLOSED)
    ends = st.integers(0, len(kinds))
    cuts = [0, *sorted(draw(st.sets(ends))), len(kinds)]
    extra = draw(st.lists(st.tuples(ends, ends), max_size=5))
    return kinds, draw(st.permutations([*pairwise(cuts), *extra]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=_deliveries())
def test_splits_repeats_and_reorders_lead_to_the_same_ledger(
    engine: Engine,
    ledger: SqlLedger,
    registry: SqlRegistry,
    deliveries: tuple[list[EventKind], list[tuple[int, int]]],
) -> None:
    """However the records come, history, state and desk are those of one event after the other."""
    kinds, slices = deliveries
    events = [an_event(seq, kind) for seq, kind in enumerate(kinds, 2)]
    is_closing = kinds[-1] is EventKind.CASE_CLOSED
    straight, tangled = (registry.register(a_new_case()).case for _ in range(2))

    def deliver(case: CaseRef, start: int, end: int) -> list[CaseEvent]:
        batch = events[start:end]
        return ledger.record(a_record(case, *batch, closed=is_closing and events[-1] in batch))

    for place in range(len(events)):
        deliver(straight, place, place + 1)
    told = [event for start, end in slices for event in deliver(tangled, start, end)]

    assert sorted(told, key=lambda event: event.seq) == events
    assert registry.history(tangled.case_number)[1:] == events
    assert registry.case(tangled.case_number) == a_state(tangled, events[-1].seq, closed=is_closing)
    assert desk_of(engine, tangled) == desk_of(engine, straight)
    open_items = open_steps(engine, tangled)
    assert len(open_items) == (0 if is_closing else _stuck_since_the_last_retry(kinds))


def _stuck_since_the_last_retry(kinds: list[EventKind]) -> int:
    last = max((place for place, kind in enumerate(kinds) if kind is EventKind.STEP_RETRIED), default=-1)
    return kinds[last + 1 :].count(EventKind.STEP_STUCK)


def test_recorded_at_is_the_wall_time_and_at_is_the_workflow_time(
    engine: Engine, registry: SqlRegistry
) -> None:
    """A record that comes late shows both times."""
    late = MORNING + timedelta(hours=5)
    case = registry.register(a_new_case()).case
    SqlLedger(engine, a_vault(), lambda: late).record(a_record(case, an_event(2)))
    query = select(case_events.c.at, case_events.c.recorded_at).where(case_events.c.seq == 2)
    with engine.begin() as connection:
        assert connection.execute(query).one() == (an_event(2).at, late)

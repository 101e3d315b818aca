"""Recording: append once, project the newest, however often and late the records come."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Step
from models.desk import DeskResult
from models.errors import BadReply, NotFound
from models.messages import CaseEvent, EventKind
from models.tables import case_events
from tests.ledger.builders import (
    MORNING,
    a_closing,
    a_new_case,
    a_record,
    a_state,
    a_telling,
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
    """An event that is there stays as it is, even when it comes again with another time."""
    ledger.record(a_record(case, an_event(2)))
    later = an_event(2).model_copy(update={"at": MORNING + timedelta(hours=1)})
    assert ledger.record(a_record(case, later)) == []
    assert registry.history(case.case_number)[1:] == [an_event(2)]


def test_overlapping_batch_returns_only_its_new_part(ledger: SqlLedger, case: CaseRef) -> None:
    """The caller learns exactly which facts to log."""
    ledger.record(a_record(case, an_event(2), an_event(3)))
    assert ledger.record(a_record(case, an_event(3), an_event(4))) == [an_event(4)]


def test_a_state_that_no_event_led_to_is_projected(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """A level of the ladder is told by an alert alone; behind a newer record it changes nothing."""
    ledger.record(a_record(case, an_event(2)))
    climbed = a_telling(a_state(case, 2).model_copy(update={"escalation_level": 3}), upto=2, task=5)
    assert ledger.record(climbed) == []
    assert registry.case(case.case_number) == climbed.state
    newer = a_telling(a_state(case, 3), an_event(3), task=6)
    ledger.record(newer)
    ledger.record(climbed)
    assert registry.case(case.case_number) == newer.state


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

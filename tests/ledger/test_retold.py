"""Temporal loses a workflow task after it told the ledger, and the next attempt may go another way."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from gateways.sql_audit import SqlAudit
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Outcome, SlaState, Step
from models.messages import CaseEvent, EventKind, Record
from tests.ledger.builders import (
    MORNING,
    a_new_case,
    a_record,
    a_state,
    a_telling,
    an_event,
    desk_of,
)

OPENED, ANSWERED = EventKind.STEP_OPENED, EventKind.ANSWER_RECORDED


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case."""
    return registry.register(a_new_case()).case


def _story(registry: SqlRegistry, case: CaseRef) -> list[CaseEvent]:
    """Return the events of the newest epoch, without the line that begins it."""
    history = registry.history(case.case_number)[1:]
    begun = max((place for place, event in enumerate(history) if event.seq == 0), default=-1)
    return history[begun + 1 :]


def test_what_is_told_again_leads_to_the_later_state(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """The next attempt tells the same at a later time; the events stay as they are."""
    first = a_record(case, an_event(2), an_event(3))
    ledger.record(first)
    later = first.state.model_copy(update={"since": MORNING + timedelta(hours=1)})
    again = a_telling(later, *first.events, task=first.task + 1)
    assert ledger.record(again) == []
    assert registry.case(case.case_number) == later
    assert registry.history(case.case_number)[1:] == list(first.events)
    ledger.record(first)
    assert registry.case(case.case_number) == later, "a frozen worker woke up and told the first version"


def test_two_attempts_with_histories_of_one_length_are_told_apart_by_their_time(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Temporal does not write down a second attempt that is lost as well."""
    lost = a_telling(a_state(case, 2), an_event(2), task=9, at=MORNING)
    true = a_telling(a_state(case, 3), an_event(2, ANSWERED), task=9, at=MORNING + timedelta(seconds=10))
    for record in (lost, true, lost):
        ledger.record(record)
    assert _story(registry, case) == list(true.events)
    assert registry.case(case.case_number) == true.state


def test_another_story_is_told_anew_from_its_beginning(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """What was told and is not true stays in the history, before the line that says so."""
    lost = a_record(case, an_event(2), an_event(3, EventKind.SLA_MET), an_event(4, EventKind.CASE_CLOSED))
    ledger.record(lost)
    breached = an_event(3, EventKind.SLA_BREACHED)
    assert ledger.record(a_telling(a_state(case, 3), an_event(2), breached, task=9)) == [breached]
    told = [(event.seq, event.kind) for event in registry.history(case.case_number)[1:]]
    assert told == [
        (2, OPENED),
        (3, EventKind.SLA_MET),
        (4, EventKind.CASE_CLOSED),
        (0, EventKind.CASE_RETOLD),
        (2, OPENED),
        (3, EventKind.SLA_BREACHED),
    ]
    following = a_telling(a_state(case, 4), an_event(4, EventKind.STEP_STUCK), task=12)
    assert ledger.record(following) == list(following.events)
    assert [event.seq for event in _story(registry, case)] == [2, 3, 4]
    assert registry.case(case.case_number) == following.state


@pytest.mark.parametrize(
    "change", [{"step": Step.BPJS_RECONNECT}, {"attempt": 2}, {"reason": "ALAMAT"}, {"facts": {"by": "sari"}}]
)
def test_an_event_of_its_kind_may_be_another(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef, change: dict[str, object]
) -> None:
    """Another step, attempt, reason or bearer: what was told is not true. Times and counts may differ."""
    ledger.record(a_record(case, an_event(2, ANSWERED)))
    other = an_event(2, ANSWERED).model_copy(update=change)
    assert ledger.record(a_telling(a_state(case, 2), other, task=9)) == [other]
    assert _story(registry, case) == [other]
    counted = other.model_copy(update={"facts": {**other.facts, "minutes": 5}})
    assert ledger.record(a_telling(a_state(case, 2), counted, task=12)) == []
    assert _story(registry, case) == [other]


def test_an_end_that_is_told_at_another_time_is_another(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef, engine: Engine
) -> None:
    """The worker died in its last workflow task, and the next attempt ended the case later: so say both."""

    def ending(at: datetime, task: int) -> Record:
        ended = {"attempt": 1, "outcome": Outcome.REJECTED, "closed_at": at, "sla_state": SlaState.MET}
        facts: dict[str, str | int] = {"outcome": Outcome.REJECTED.value}
        events = [
            an_event(2).model_copy(update={"at": MORNING}),
            an_event(3, ANSWERED).model_copy(update={"at": at}),
            an_event(4, EventKind.SLA_MET).model_copy(update={"at": at}),
            an_event(5, EventKind.CASE_CLOSED).model_copy(update={"at": at, "facts": facts}),
        ]
        return a_telling(a_state(case, 5).model_copy(update=ended), *events, task=task, at=at)

    lost, true = ending(MORNING, 9), ending(MORNING + timedelta(seconds=25), 12)
    ledger.record(lost)
    ledger.record(true)
    assert registry.case(case.case_number) == true.state
    assert _story(registry, case) == list(true.events)
    assert list(SqlAudit(engine).differences()) == []
    ledger.record(true)
    assert _story(registry, case) == list(true.events)


def test_what_was_told_beyond_the_truth_is_taken_back_at_once(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """The next attempt has told less so far; nobody waits for what it tells next."""
    ledger.record(a_record(case, an_event(2), an_event(3), an_event(4)))
    assert ledger.record(a_telling(a_state(case, 2), upto=2, task=9)) == []
    assert _story(registry, case) == [an_event(2)]
    assert registry.case(case.case_number) == a_state(case, 2)


def test_what_a_frozen_worker_tells_too_late_is_not_heard(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Not even events with numbers that nobody has told yet."""
    true = a_telling(a_state(case, 2), an_event(2), task=9)
    ledger.record(true)
    assert ledger.record(a_telling(a_state(case, 5), an_event(2), an_event(5), task=6)) == []
    assert _story(registry, case) == [an_event(2)]
    assert registry.case(case.case_number) == true.state


# -- Any story ---------------------------------------------------------------------------------------

_KINDS = st.sampled_from([OPENED, ANSWERED, EventKind.STEP_STUCK, EventKind.STEP_RETRIED])


@dataclass(frozen=True)
class _Task:
    """What one workflow task tells: what is true, and before that what its lost attempts told."""

    true: tuple[EventKind, ...]
    lost: tuple[tuple[EventKind, ...], ...]


_TASKS = st.lists(
    st.builds(
        _Task,
        st.lists(_KINDS, max_size=3).map(tuple),
        st.lists(st.lists(_KINDS, max_size=4).map(tuple), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=_TASKS, frozen=st.lists(st.integers(0, 30), max_size=6))
def test_whatever_was_lost_and_told_late_the_ledger_holds_the_true_story(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, tasks: list[_Task], frozen: list[int]
) -> None:
    """History, state and open work are those of a case of which nothing was ever lost."""
    straight, tangled = (registry.register(a_new_case()).case for _ in range(2))

    def records(case: CaseRef, *, with_lost: bool) -> list[Record]:
        told, seq, length = [], 2, 3
        for task in tasks:
            for kinds in (*task.lost, task.true) if with_lost else (task.true,):
                length += 3
                events = [an_event(number, kind) for number, kind in enumerate(kinds, seq)]
                newest = seq + len(kinds) - 1
                told.append(a_telling(a_state(case, newest), *events, upto=newest, task=length))
            seq += len(task.true)
        return told

    for record in records(straight, with_lost=False):
        ledger.record(record)
    delivered: list[Record] = []
    late = list(frozen)
    for record in records(tangled, with_lost=True):
        ledger.record(record)
        delivered.append(record)
        if late:  # a worker wakes up that was frozen when it told something
            ledger.record(delivered[late.pop() % len(delivered)])

    assert _story(registry, tangled) == _story(registry, straight)
    assert registry.case(tangled.case_number) == a_state(tangled, registry.case(straight.case_number).attempt)
    assert _open_work(engine, tangled) == _open_work(engine, straight)


def _open_work(engine: Engine, case: CaseRef) -> list[tuple[object, ...]]:
    items = [item for item in desk_of(engine, case) if item["closed_at"] is None]
    return [(item["kind"], item["opened_seq"], item["opened_at"]) for item in items]


def test_what_an_earlier_version_was_about_to_tell_comes_before_all_that_this_one_tells(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """It was under way while the version changed, without the place in its run that a record has since."""
    new = a_telling(a_state(case, 3), an_event(2), an_event(3), run="run-a", task=9)
    old = json.dumps({**new.model_dump(mode="json", exclude={"task", "at"})})
    assert len(ledger.record(Record.model_validate_json(old))) == 2
    assert registry.case(case.case_number) == new.state
    after = a_telling(a_state(case, 4), an_event(4, ANSWERED), run="run-a", task=4)
    ledger.record(after)
    assert registry.case(case.case_number) == after.state
    assert [event.seq for event in _story(registry, case)] == [2, 3, 4]

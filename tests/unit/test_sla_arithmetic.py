"""The arithmetic of an SLA, over thousands of random schedules of waits, pauses, extensions and looks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calendar import Budget
from models.case import SlaState
from models.rungs import Rung, ladder
from models.sla import SlaClock
from models.turns import Owner, PauseRule

START = datetime(2026, 2, 11, 1, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
LADDER = ladder((0.5, 0.75, 0.9), (HOUR, 4 * HOUR))
PAUSES = {Owner.APPLICANT: PauseRule(at_most=48 * HOUR, times=2), Owner.OUTAGE: PauseRule()}


def a_clock(pauses: dict[Owner, PauseRule] | None = None, budget: timedelta = DAY) -> SlaClock:
    """Return a clock that runs since `START`, in the office's time."""
    clock = SlaClock(Budget(duration=budget), LADDER, pauses=PAUSES if pauses is None else pauses)
    clock.turn(Owner.DINSOS, START, reason="document_check", by="machine")
    clock.start(START)
    return clock


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[timedelta, str, object]]:
    """Return what happens to a case, each some time after the one before."""
    after = st.timedeltas(timedelta(0), timedelta(hours=40))
    turn = st.tuples(after, st.just("turn"), st.sampled_from(Owner))
    extend = st.tuples(after, st.just("extend"), st.timedeltas(timedelta(0), timedelta(hours=30)))
    look = st.tuples(after, st.just("look"), st.none())
    return draw(st.lists(st.one_of(turn, extend, look), max_size=25))


def test_rungs_lie_where_the_shares_and_levels_say() -> None:
    """12 h, 18 h, 21.6 h, the breach at 24 h exactly, levels one and four hours later."""
    clock = a_clock()
    passed = clock.reach(START + 30 * HOUR)
    assert [(mark.at - START) / HOUR for mark in passed] == pytest.approx([12, 18, 21.6, 24, 25, 28])
    assert [mark.rung.name for mark in passed] == ["50", "75", "90", "100", "L2", "L3"]
    assert [mark.rung.level for mark in passed] == [0, 0, 0, 1, 2, 3]
    assert clock.next_mark() is None


def test_a_wait_for_the_applicant_moves_the_due_time_by_as_much_as_the_policy_allows() -> None:
    """Ten hours move it by ten; of sixty hours only forty-eight count; a third wait counts for nothing."""
    clock = a_clock()
    now = START
    for wait, due in ((10, 34), (60, 82), (5, 82)):
        clock.turn(Owner.APPLICANT, now, reason="DOK_TIDAK_LENGKAP", by="officer-1")
        clock.turn(Owner.DINSOS, now + wait * HOUR, reason="document_check", by="loket-1")
        now += wait * HOUR
        assert clock.due_at == START + due * HOUR


def test_a_pause_without_end_has_no_due_time_and_no_rung() -> None:
    """An outage stops the clock for as long as it lasts."""
    clock = a_clock()
    clock.turn(Owner.OUTAGE, START + 6 * HOUR, reason="siks_ng", by="supervisor-1")
    assert (clock.due_at, clock.next_mark()) == (None, None)
    assert clock.is_paused(START + 400 * HOUR)
    assert clock.reach(START + 400 * HOUR) == []
    clock.turn(Owner.DINSOS, START + 400 * HOUR, reason="siks_ng_upload", by="supervisor-1")
    assert clock.due_at == START + 418 * HOUR


def test_a_pause_with_a_limit_runs_on_by_itself() -> None:
    """Nobody has to end it: the breach comes when the limit and the budget are used up."""
    clock = a_clock()
    clock.turn(Owner.APPLICANT, START, reason="DOK_TIDAK_LENGKAP", by="officer-1")
    assert clock.due_at == START + 72 * HOUR
    assert clock.is_paused(START + 47 * HOUR)
    assert not clock.is_paused(START + 49 * HOUR)


def test_a_file_that_never_was_complete_owes_nothing() -> None:
    """No due time, no rung, no miss."""
    clock = SlaClock(Budget(duration=DAY), LADDER)
    clock.turn(Owner.APPLICANT, START, reason="DOK_TIDAK_LENGKAP", by="machine")
    assert (clock.due_at, clock.next_mark(), clock.reach(START + 9 * DAY)) == (None, None, [])
    assert clock.settle(START + 9 * DAY) is SlaState.MET


def test_somebody_who_takes_charge_stops_the_climb_and_not_the_clock() -> None:
    """After the breach no level is left; before it, every rung is still to come."""
    clock = a_clock()
    clock.reach(START + 13 * HOUR)
    clock.stop_climbing()
    assert len(clock.reach(START + 24 * HOUR)) == 3
    clock.stop_climbing()
    assert clock.reach(START + 99 * HOUR) == []
    assert clock.settle(START + 25 * HOUR) is SlaState.MISSED


def test_a_time_that_was_promised_in_a_pause_is_the_due_time_however_long_the_pause_lasts() -> None:
    """Not the longest pause and what is left; nobody's coming back or staying away moves it."""
    clock = a_clock()
    clock.turn(Owner.APPLICANT, START + 6 * HOUR, reason="DOK_TIDAK_LENGKAP", by="officer-1")
    until = START + 32 * HOUR
    clock.end_at(until, START + 8 * HOUR)
    assert clock.due_at == until
    assert not clock.is_paused(START + 9 * HOUR)
    assert clock.pause_ends_at(START + 9 * HOUR) is None
    clock.turn(Owner.DINSOS, START + 10 * HOUR, reason="document_check", by="loket-1")
    clock.turn(Owner.OUTAGE, START + 12 * HOUR, reason="siks_ng", by="machine")
    assert clock.due_at == until
    assert clock.settle(until) is SlaState.MET
    assert clock.settle(until + timedelta(microseconds=1)) is SlaState.MISSED
    assert [(mark.rung.name, mark.at) for mark in clock.reach(until + HOUR)][3:] == [
        ("100", until),
        ("L2", until + HOUR),
    ]


def test_a_time_that_was_promised_has_its_warnings_at_shares_of_what_it_gives() -> None:
    """Six hours were used and 24 lie ahead: half of the thirty is at hour nine after the promise."""
    clock = a_clock()
    clock.turn(Owner.OUTAGE, START + 6 * HOUR, reason="siks_ng", by="machine")
    assert clock.due_at is None
    clock.end_at(START + 124 * HOUR, START + 100 * HOUR)
    marks = clock.reach(START + 124 * HOUR)
    assert [(mark.at - START) / HOUR for mark in marks] == pytest.approx([109, 116.5, 121, 124])
    assert clock.elapsed(START + 124 * HOUR) == 30 * HOUR


def test_what_is_given_or_taken_after_a_promised_time_moves_that_time() -> None:
    """By so much, in pauses too; another time takes the place of all of it; never before the start."""
    clock = a_clock()
    clock.turn(Owner.APPLICANT, START, reason="DOK_TIDAK_LENGKAP", by="officer-1")
    clock.end_at(START + 40 * HOUR, START + HOUR)
    clock.extend(4 * HOUR)
    assert clock.due_at == START + 44 * HOUR
    clock.turn(Owner.DINSOS, START + 2 * HOUR, reason="document_check", by="loket-1")
    clock.extend(-6 * HOUR)
    assert clock.due_at == START + 38 * HOUR
    clock.end_at(START + 20 * HOUR, START + 3 * HOUR)
    assert clock.due_at == START + 20 * HOUR
    clock.extend(-99 * HOUR)
    assert clock.due_at == START


def test_a_time_in_the_past_is_late_at_once_and_more_time_counts_from_there() -> None:
    """In a pause too, in which nothing was used up since."""
    clock = a_clock()
    clock.turn(Owner.APPLICANT, START + 10 * HOUR, reason="DOK_TIDAK_LENGKAP", by="officer-1")
    clock.end_at(START + 15 * HOUR, START + 18 * HOUR)
    assert [mark.rung.name for mark in clock.reach(START + 18 * HOUR)][-2:] == ["100", "L2"]
    clock.extend(HOUR)
    assert clock.due_at == START + 16 * HOUR


def test_a_clock_that_does_not_run_promises_no_time() -> None:
    """Nothing is counted for an incomplete file, so nothing can end."""
    with pytest.raises(RuntimeError):
        SlaClock(Budget(duration=DAY), LADDER).end_at(START + DAY, START)


def test_what_would_become_of_a_clock_leaves_it_alone() -> None:
    """Asked before it is done."""
    clock = a_clock()
    assert clock.moved(-20 * HOUR, None, START).due_at == START + 4 * HOUR
    assert clock.moved(None, START + 9 * HOUR, START).due_at == START + 9 * HOUR
    assert clock.due_at == START + DAY


def test_no_extension_is_too_much_for_a_date() -> None:
    """Ten years at most in all, however often and however much."""
    clock = a_clock()
    for _ in range(5):
        clock.extend(timedelta(days=3660))
    assert clock.due_at == START + timedelta(days=3660)


def test_another_turn_begins_no_earlier_than_the_one_before_it() -> None:
    """It is told that it began before: no time is counted twice, and none is lost."""
    clock = a_clock()
    clock.turn(Owner.KEMENSOS, START + 9 * HOUR, reason="kemensos_verification", by="machine")
    clock.turn(Owner.APPLICANT, START + 5 * HOUR, reason="DOK_TIDAK_JELAS", by="officer-1")
    assert [(one.start - START) / HOUR for one in clock.segments] == [0, 9, 9]
    assert clock.totals(START + 10 * HOUR) == {
        Owner.DINSOS: 9 * HOUR,
        Owner.KEMENSOS: timedelta(0),
        Owner.APPLICANT: HOUR,
    }
    assert clock.due_at == START + 72 * HOUR


def test_a_wait_before_the_clock_ran_is_none_of_those_that_pause_it() -> None:
    """Twice the applicant's time pauses: that he completed his file first does not count as one of them."""
    clock = SlaClock(Budget(duration=DAY), LADDER, pauses=PAUSES)
    clock.turn(Owner.APPLICANT, START - 9 * HOUR, reason="DOK_TIDAK_LENGKAP", by="machine")
    clock.turn(Owner.DINSOS, START, reason="document_check", by="loket-1")
    clock.start(START)
    for hour in (1, 3):
        clock.turn(Owner.APPLICANT, START + hour * HOUR, reason="DOK_TIDAK_LENGKAP", by="officer-1")
        clock.turn(Owner.DINSOS, START + (hour + 1) * HOUR, reason="document_check", by="loket-1")
    assert clock.due_at == START + 26 * HOUR


def test_a_clock_that_is_armed_again_has_only_what_lies_ahead() -> None:
    """Late after 24 hours, six more given after 25: of thirty hours only the breach is still to come."""
    clock = a_clock()
    clock.reach(START + 25 * HOUR)
    clock.extend(2 * HOUR)
    clock.rearm(START + 25 * HOUR)
    assert clock.is_warned
    assert not clock.is_breached
    assert [mark.rung.name for mark in clock.reach(START + 26 * HOUR)] == ["100"]


def test_a_clock_is_started_once() -> None:
    """A second start would move a promise that was made."""
    with pytest.raises(RuntimeError):
        a_clock().start(START)


@settings(max_examples=600, deadline=None)
@given(schedules())
def test_segments_are_all_of_the_time_and_the_due_time_is_budget_and_pauses(
    schedule: list[tuple[timedelta, str, object]],
) -> None:
    """The sum of segments is wall time; `due_at` is start, budget and what the policy lets pause."""
    clock, now, budget = a_clock(), START, DAY
    told: list[Rung] = []
    for after, what, value in schedule:
        now += after
        told += [mark.rung for mark in clock.reach(now)]
        if isinstance(value, Owner):
            clock.turn(value, now, reason="x", by="y")
        elif isinstance(value, timedelta):
            clock.extend(value)
            budget += value
        assert what in {"turn", "extend", "look"}

    segments = clock.segments
    assert all(one.end == other.start for one, other in pairwise(segments))
    assert sum(clock.totals(now).values(), timedelta(0)) == now - START
    counted = clock.elapsed(now)
    assert timedelta(0) <= counted <= now - START
    allowed, waits = timedelta(0), 0
    for segment in segments:
        if segment.owner is Owner.OUTAGE:
            allowed += segment.length(now)
        if segment.owner is Owner.APPLICANT:
            waits += 1
            allowed += min(segment.length(now), 48 * HOUR) if waits <= 2 else timedelta(0)
    assert counted == now - START - allowed
    due = clock.due_at
    if due is not None and due <= now:
        assert clock.elapsed(due) == budget
    if due is not None and due > now and segments[-1].owner not in PAUSES:
        assert due == START + budget + allowed
    assert len(set(told)) == len(told), "a rung was told twice"


@settings(max_examples=200, deadline=None)
@given(schedules(), st.timedeltas(timedelta(hours=-10), timedelta(days=9)), schedules())
def test_a_promised_time_is_kept_whatever_happens_before_and_after(
    before: list[tuple[timedelta, str, object]],
    ahead: timedelta,
    after: list[tuple[timedelta, str, object]],
) -> None:
    """Waits move nothing, time that is given moves it by that; it is judged and told at that time."""
    clock, now = a_clock(), START
    for pause, _, value in before:
        now += pause
        if isinstance(value, Owner):
            clock.turn(value, now, reason="x", by="y")
        elif isinstance(value, timedelta):
            clock.extend(value)
    due = max(now + ahead, START)
    clock.end_at(due, now)
    told: list[tuple[str, datetime]] = []
    for pause, _, value in after:
        told += [(mark.rung.name, mark.at) for mark in clock.reach(now)]
        now += pause
        if isinstance(value, Owner):
            clock.turn(value, now, reason="x", by="y")
        elif isinstance(value, timedelta) and not clock.is_breached:
            clock.extend(value)
            due += value
        assert clock.due_at == due
    told += [(mark.rung.name, mark.at) for mark in clock.reach(max(now, due))]
    assert clock.settle(due) is SlaState.MET
    assert clock.settle(due + timedelta(microseconds=1)) is SlaState.MISSED
    assert dict(told)["100"] == due
    assert [name for name, _ in told] == [rung.name for rung in LADDER[: len(told)]]


@settings(max_examples=400, deadline=None)
@given(schedules(), st.timedeltas(timedelta(0), timedelta(days=5)))
def test_no_breach_goes_untold(schedule: list[tuple[timedelta, str, object]], later: timedelta) -> None:
    """Whatever happened: a case that is late when somebody looks has its breach among the rungs told."""
    clock, now, told = a_clock(), START, list[Rung]()
    for after, _, value in schedule:
        now += after
        if isinstance(value, Owner):
            clock.turn(value, now, reason="x", by="y")
        told += [mark.rung for mark in clock.reach(now)]
    now += later
    told += [mark.rung for mark in clock.reach(now)]
    is_late = clock.settle(now) is SlaState.MISSED
    assert not is_late or any(rung.is_breach for rung in told)


@given(st.timedeltas(timedelta(0), timedelta(days=3)))
def test_the_end_is_judged_by_arithmetic(end: timedelta) -> None:
    """At the due time to the microsecond is in time, later is missed."""
    assert (a_clock().settle(START + end) is SlaState.MISSED) == (end > DAY)

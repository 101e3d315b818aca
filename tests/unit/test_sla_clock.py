"""The arithmetic of the SLA clock, without Temporal."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import SlaState
from workflows.sla import SlaClock

START = datetime(2026, 2, 11, 1, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
SHARES = st.sets(st.integers(1, 99), max_size=5).map(
    lambda percents: tuple(percent / 100 for percent in sorted(percents))
)
"""Whole percents, as policies have them; shares a microsecond apart would be one mark."""


def a_clock(shares: tuple[float, ...] = (0.5, 0.75, 0.9), budget: timedelta = DAY) -> SlaClock:
    """Return a clock that runs since `START`."""
    clock = SlaClock(budget, shares)
    clock.start(START)
    return clock


def test_marks_of_a_day_lie_where_the_shares_say() -> None:
    """12 h, 18 h, 21.6 h, and the breach at 24 h exactly."""
    clock = a_clock()
    hours = []
    while (mark := clock.next_mark()) is not None:
        hours.append((mark.at - START) / timedelta(hours=1))
        clock.reach(mark.at)
    assert hours == pytest.approx([12, 18, 21.6, 24])


def test_a_clock_that_does_not_run_owes_nothing() -> None:
    """Before the file is complete there is no due time, no mark and no miss."""
    clock = SlaClock(DAY, (0.5,))
    assert (clock.due_at, clock.next_mark(), clock.reach(START + 9 * DAY)) == (None, None, None)
    assert clock.settle(START + 9 * DAY) is SlaState.MET


def test_a_clock_is_started_once() -> None:
    """A second start would move a promise that was made."""
    with pytest.raises(RuntimeError):
        a_clock().start(START)


@given(SHARES, st.timedeltas(timedelta(minutes=1), timedelta(days=90)))
def test_the_breach_is_always_the_last_mark_and_lies_at_the_due_time(
    shares: tuple[float, ...], budget: timedelta
) -> None:
    """No policy can leave the breach untold."""
    clock = a_clock(shares, budget)
    marks = []
    while (mark := clock.next_mark()) is not None:
        marks.append(mark)
        clock.reach(mark.at)
    assert [mark.at for mark in marks] == sorted(mark.at for mark in marks)
    assert [mark.is_breach for mark in marks] == [False] * len(shares) + [True]
    assert marks[-1].at == clock.due_at == START + budget


@given(SHARES, st.lists(st.timedeltas(timedelta(0), timedelta(days=3)), min_size=1, max_size=8))
def test_no_mark_is_told_twice_and_no_breach_is_passed_over(
    shares: tuple[float, ...], looks: list[timedelta]
) -> None:
    """Each look tells at most the newest mark, and a look after the due time tells the breach."""
    clock = a_clock(shares)
    told = [mark for look in sorted(looks) if (mark := clock.reach(START + look)) is not None]
    assert len({mark.share for mark in told}) == len(told)
    assert any(mark.is_breach for mark in told) == (max(looks) >= DAY)


@given(st.timedeltas(timedelta(0), timedelta(days=3)))
def test_the_end_is_judged_by_arithmetic(end: timedelta) -> None:
    """At the due time to the microsecond is in time, later is missed."""
    assert (a_clock().settle(START + end) is SlaState.MISSED) == (end > DAY)

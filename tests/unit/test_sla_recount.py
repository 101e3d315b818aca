"""A clock that counts by another calendar: as if it always had, and nothing told twice."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calendar import AllHours, Budget, Calendar, OfficeSpan, WorkingTime
from models.case import SlaState
from models.rungs import Rung, ladder
from models.sla import SlaClock
from models.turns import Owner, PauseRule
from models.wib import WIB

HOUR = timedelta(hours=1)
FRIDAY = datetime(2026, 2, 6, 15, 30, tzinfo=WIB)
MONDAY = FRIDAY.date() + timedelta(days=3)
LADDER = ladder((0.5, 0.75, 0.9), (HOUR, 4 * HOUR))
PAUSES = {Owner.APPLICANT: PauseRule(at_most=48 * HOUR, times=2), Owner.OUTAGE: PauseRule()}

Deed = tuple[timedelta, Owner | timedelta | Calendar]
"""How long after the deed before, and whose time begins, how much time is added, or what counts then."""


def office(closes: int = 16, *holidays: date, friday: int | None = None) -> WorkingTime:
    """Return an office that works from 8 on weekdays."""
    day: tuple[OfficeSpan, ...] = ((time(8), time(closes)),)
    short: tuple[OfficeSpan, ...] = ((time(8), time(friday or closes)),)
    return WorkingTime((*[day] * 4, short, (), ()), frozenset(holidays))


OFFICE = office()
BUDGETS = st.one_of(
    st.timedeltas(HOUR, timedelta(hours=60)).map(lambda span: Budget(duration=span)),
    st.integers(1, 6).map(lambda days: Budget(days=days)),
)
CALENDARS: st.SearchStrategy[Calendar] = st.one_of(
    st.just(AllHours()),
    st.builds(
        lambda closes, friday, days: office(
            closes, *(MONDAY + timedelta(days=day) for day in days), friday=friday
        ),
        st.integers(9, 18),
        st.integers(9, 18),
        st.sets(st.integers(-3, 20), max_size=6),
    ),
)
AFTER = st.timedeltas(timedelta(0), timedelta(hours=40))
DEEDS: st.SearchStrategy[Owner | timedelta] = st.one_of(
    st.sampled_from(Owner), st.timedeltas(timedelta(hours=-30), timedelta(hours=30))
)
HISTORIES: st.SearchStrategy[list[Deed]] = st.lists(
    st.tuples(AFTER, st.one_of(DEEDS, CALENDARS)), max_size=15
)


def a_clock(budget: Budget, calendar: Calendar) -> SlaClock:
    """Return a clock that runs since Friday, in the office's time."""
    clock = SlaClock(budget, LADDER, calendar=calendar, pauses=PAUSES)
    clock.turn(Owner.DINSOS, FRIDAY, reason="document_check", by="machine")
    clock.start(FRIDAY)
    return clock


def do(clock: SlaClock, deed: Owner | timedelta | Calendar, at: datetime) -> None:
    """Let it happen to a case."""
    if isinstance(deed, Owner):
        clock.turn(deed, at, reason="x", by="y")
    elif isinstance(deed, timedelta):
        clock.extend(deed)
    else:
        clock.count_by(deed)


def test_a_new_holiday_moves_the_due_time_and_its_rungs() -> None:
    """Friday 15:30 and four hours: Monday 11:30, Tuesday 11:30 when Monday becomes a holiday."""
    clock = a_clock(Budget(duration=4 * HOUR), OFFICE)
    assert clock.due_at == datetime(2026, 2, 9, 11, 30, tzinfo=WIB)
    clock.count_by(office(16, MONDAY))
    assert clock.due_at == datetime(2026, 2, 10, 11, 30, tzinfo=WIB)
    mark = clock.next_mark()
    assert mark is not None
    assert (mark.at, mark.rung.name) == (datetime(2026, 2, 10, 9, 30, tzinfo=WIB), "50")


def test_what_was_told_of_the_old_due_time_stays_told() -> None:
    """Half of the budget was used on Monday; on Tuesday the next rung is told, not the first again."""
    clock = a_clock(Budget(duration=4 * HOUR), OFFICE)
    told = clock.reach(datetime(2026, 2, 9, 10, 0, tzinfo=WIB))
    clock.count_by(office(16, MONDAY))
    assert clock.elapsed(datetime(2026, 2, 9, 16, 0, tzinfo=WIB)) == HOUR / 2
    told += clock.reach(datetime(2026, 2, 10, 12, 0, tzinfo=WIB))
    assert [mark.rung.name for mark in told] == ["50", "75", "90", "100"]


@pytest.mark.parametrize(
    ("more", "due"), [(timedelta(0), "2026-02-10 12:00"), (2 * HOUR, "2026-02-11 10:00")]
)
def test_a_working_day_stays_a_day_and_an_extension_stays(more: timedelta, due: str) -> None:
    """One working day from Friday is all of Monday, or all of Tuesday, however long it is by then."""
    clock = a_clock(Budget(days=1), OFFICE)
    assert clock.due_at == datetime(2026, 2, 9, 16, 0, tzinfo=WIB)
    clock.extend(more)
    clock.count_by(office(12, MONDAY))
    assert clock.due_at == datetime.fromisoformat(due).replace(tzinfo=WIB)


def test_less_time_than_none_is_none() -> None:
    """What is added after too much was taken away is there, by the old calendar and by the new one."""
    clock = a_clock(Budget(duration=4 * HOUR), OFFICE)
    for by in (-10 * HOUR, 2 * HOUR):
        clock.extend(by)
    assert clock.due_at == datetime(2026, 2, 9, 9, 30, tzinfo=WIB)
    clock.count_by(office(16, MONDAY))
    assert clock.due_at == datetime(2026, 2, 10, 9, 30, tzinfo=WIB)


def test_a_clock_that_does_not_run_yet_counts_by_the_new_calendar_when_it_does() -> None:
    """The file was incomplete when the calendar was edited."""
    clock = SlaClock(Budget(days=1), LADDER, calendar=OFFICE)
    clock.count_by(office(16, MONDAY))
    clock.start(FRIDAY)
    assert clock.due_at == datetime(2026, 2, 10, 16, 0, tzinfo=WIB)


def test_a_promised_time_stays_when_the_calendar_is_edited_and_what_was_added_follows_it() -> None:
    """Until Monday noon, then two working hours more: two from Tuesday's opening once Monday is free."""
    clock = a_clock(Budget(duration=4 * HOUR), OFFICE)
    noon = datetime(2026, 2, 9, 12, 0, tzinfo=WIB)
    clock.end_at(noon, FRIDAY)
    clock.count_by(office(16, MONDAY))
    assert clock.due_at == noon
    clock.extend(2 * HOUR)
    assert clock.due_at == datetime(2026, 2, 10, 10, 0, tzinfo=WIB)
    clock.count_by(OFFICE)
    assert clock.due_at == datetime(2026, 2, 9, 14, 0, tzinfo=WIB)


def test_a_promised_time_may_lie_where_the_office_is_closed() -> None:
    """Due on Saturday at noon means Saturday at noon: breached then, and late from then on."""
    clock = a_clock(Budget(duration=4 * HOUR), OFFICE)
    saturday = datetime(2026, 2, 7, 12, 0, tzinfo=WIB)
    clock.end_at(saturday, FRIDAY)
    assert clock.due_at == saturday
    assert [mark.at for mark in clock.reach(saturday) if mark.rung.is_breach] == [saturday]
    assert clock.settle(saturday) is SlaState.MET
    assert clock.settle(saturday + HOUR) is SlaState.MISSED


def test_what_is_done_after_closing_time_of_the_last_day_is_late() -> None:
    """The breach is told at 16:00; nothing counts in the evening, and the case is late all the same."""
    clock = a_clock(Budget(duration=HOUR / 2), OFFICE)
    assert clock.due_at == FRIDAY + HOUR / 2
    assert clock.settle(FRIDAY + 2 * HOUR) is SlaState.MISSED


@settings(max_examples=300, deadline=None)
@given(BUDGETS, CALENDARS, HISTORIES, CALENDARS, AFTER)
def test_it_counts_as_if_it_always_had(
    budget: Budget, before: Calendar, history: list[Deed], after: Calendar, later: timedelta
) -> None:
    """Whatever happened and however often it was edited: only the last calendar counts."""
    edited, always, now = a_clock(budget, before), a_clock(budget, after), FRIDAY
    for pause, deed in history:
        now += pause
        do(edited, deed, now)
        if isinstance(deed, Owner | timedelta):
            do(always, deed, now)
    edited.count_by(after)
    now += later
    assert edited.due_at == always.due_at
    assert edited.next_mark() == always.next_mark()
    assert edited.elapsed(now) == always.elapsed(now)
    assert edited.settle(now) is always.settle(now)
    assert edited.segments == always.segments


@settings(max_examples=300, deadline=None)
@given(BUDGETS, CALENDARS, HISTORIES)
def test_no_rung_is_told_twice_and_no_breach_is_missed(
    budget: Budget, calendar: Calendar, history: list[Deed]
) -> None:
    """Somebody looks after each deed, as the loop does: rungs come in their order, each once."""
    clock, now, told = a_clock(budget, calendar), FRIDAY, list[Rung]()
    for pause, deed in history:
        now += pause
        told += [mark.rung for mark in clock.reach(now)]
        do(clock, deed, now)
        told += [mark.rung for mark in clock.reach(now)]
        mark = clock.next_mark()
        assert mark is None or mark.at > now
        is_late = clock.settle(now) is SlaState.MISSED
        assert not is_late or any(rung.is_breach for rung in told)
    assert tuple(told) == LADDER[: len(told)]

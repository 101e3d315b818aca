"""Counted time: examples, Lebaran 2026, what must hold always; and how a broken file is refused."""

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateways.holiday_source import library_days, load_year
from gateways.policy_folder import PolicyFolder
from models.calendar import AllHours, Budget, Calendar, CalendarKind, CalendarPlan, OfficeSpan, WorkingTime
from models.calendar_policy import HolidayKind
from models.errors import Misconfigured
from models.wib import WIB, wib_date

ROOT = Path(__file__).resolve().parents[2]
CALENDARS = PolicyFolder(ROOT / "policies").calendars()
TANGSEL = CALENDARS.working_time("3674")

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ZERO = timedelta(0)
EIGHT_TO_FOUR: OfficeSpan = (time(8), time(16))
WEEK: tuple[tuple[OfficeSpan, ...], ...] = (*([(EIGHT_TO_FOUR,)] * 5), (), ())
PLAIN = WorkingTime(WEEK)


def wib(text: str) -> datetime:
    """Return a time in WIB."""
    return datetime.fromisoformat(text).replace(tzinfo=WIB)


def test_four_working_hours_from_friday_afternoon_end_on_monday() -> None:
    """Office 08-16: half an hour on Friday, the rest on Monday; on Tuesday when Monday is a holiday."""
    friday = wib("2026-02-06 15:30")
    assert PLAIN.add(friday, 4 * HOUR) == wib("2026-02-09 11:30")
    closed = WorkingTime(WEEK, frozenset({date(2026, 2, 9)}))
    assert closed.add(friday, 4 * HOUR) == wib("2026-02-10 11:30")


@pytest.mark.parametrize(
    ("start", "budget", "due"),
    [
        # Wed 18 joint leave, Thu 19 Nyepi, Fri 20 joint leave, 21-22 Idul Fitri, 23-24 joint leave.
        ("2026-03-17 15:00", "PT1H", "2026-03-17 16:00"),
        ("2026-03-17 15:00", "PT1H1S", "2026-03-25 08:00:01"),
        ("2026-03-17 15:00", "PT24H", "2026-03-27 15:00"),
        ("2026-03-18 09:00", "PT30M", "2026-03-25 08:30"),
        ("2026-03-21 12:00", "PT8H", "2026-03-25 16:00"),
        ("2026-03-17 15:00", "1 hari kerja", "2026-03-25 16:00"),
        ("2026-03-17 15:00", "3 hari kerja", "2026-03-27 16:00"),
        ("2026-03-21 00:00", "1 hari kerja", "2026-03-25 16:00"),
        ("2026-03-16 23:59", "1 hari kerja", "2026-03-17 16:00"),
        ("2026-03-16 23:59", "2 hari kerja", "2026-03-25 16:00"),
        ("2026-02-13 15:30", "PT4H", "2026-02-18 11:30"),  # Imlek with its joint leave
        ("2026-05-13 15:00", "PT2H", "2026-05-18 09:00"),  # Kenaikan with its joint leave
        ("2026-12-23 15:00", "PT2H", "2026-12-28 09:00"),  # Natal with its joint leave
        ("2026-12-31 15:00", "PT2H", "2027-01-04 09:00"),  # over the year's end
    ],
)
def test_holidays_of_2026_are_not_counted(start: str, budget: str, due: str) -> None:
    """The dates of the joint decree (domain 7), in the working time of Kota Tangerang Selatan."""
    assert Budget.model_validate(budget).due(TANGSEL, wib(start)) == wib(due)


def test_round_the_clock_nothing_is_left_out() -> None:
    """24x7 is plain time, on Lebaran too; a day ends at midnight in WIB."""
    start = wib("2026-03-20 23:30")
    assert AllHours().add(start, 24 * HOUR) == start + DAY
    assert AllHours().between(start, start + DAY) == DAY
    assert AllHours().between(start, start - DAY) == ZERO
    assert AllHours().add(start, -HOUR) == AllHours().add(start, ZERO) == start
    assert AllHours().add_days(start, 1) == wib("2026-03-22 00:00")


def test_a_lunch_break_and_a_working_saturday_count_as_they_are_written() -> None:
    """Nothing counts in the break; a day with hours of its own wins over weekday and holiday."""
    lunch = (((time(8), time(12)), (time(13), time(16))),) * 5
    saturday, holiday = date(2026, 3, 28), date(2026, 3, 27)
    morning: OfficeSpan = (time(8), time(12))
    extra = {saturday: (morning,), holiday: (morning,)}
    office = WorkingTime((*lunch, (), ()), frozenset({holiday}), extra)
    assert office.between(wib("2026-03-26 11:30"), wib("2026-03-26 13:30")) == HOUR
    assert office.add(wib("2026-03-26 11:30"), timedelta(minutes=30)) == wib("2026-03-26 12:00")
    assert office.add(wib("2026-03-26 12:30"), timedelta(minutes=1)) == wib("2026-03-26 13:01")
    assert office.between(wib("2026-03-27 00:00"), wib("2026-03-30 00:00")) == 8 * HOUR
    assert office.add_days(wib("2026-03-26 09:00"), 2) == wib("2026-03-28 12:00")


def test_times_are_read_in_wib_and_given_in_utc() -> None:
    """The same moment counts alike in any zone; a time without one is refused, not guessed."""
    utc = datetime(2026, 2, 6, 8, 30, tzinfo=UTC)
    due = PLAIN.add(utc, 4 * HOUR)
    assert (due, due.tzinfo) == (wib("2026-02-09 11:30"), UTC)
    for calendar in (PLAIN, AllHours()):
        with pytest.raises(ValueError, match="without a zone"):
            calendar.add(utc.replace(tzinfo=None), HOUR)


def test_a_calendar_without_working_time_is_refused_and_does_not_search_for_ever() -> None:
    """No hours at all, and holidays without end."""
    start = wib("2026-01-01 08:00")
    always = frozenset(start.date() + day * DAY for day in range(500))
    for calendar in (WorkingTime(((),) * 7), WorkingTime(WEEK, always)):
        with pytest.raises(Misconfigured, match="no working time in the 400 days"):
            calendar.add(start, HOUR)
        with pytest.raises(Misconfigured, match="no working time in the 400 days"):
            calendar.add_days(start, 1)


# -- What holds always --------------------------------------------------------------------------

SPANS = st.lists(st.times().map(lambda at: at.replace(tzinfo=None)), max_size=6, unique=True).map(
    lambda times: tuple(zip(sorted(times)[::2], sorted(times)[1::2], strict=False))
)
WEEKS = st.tuples(*[SPANS] * 7).filter(any)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
OFFICES = st.builds(
    WorkingTime,
    WEEKS,
    st.frozensets(DAYS, max_size=30),
    st.dictionaries(DAYS, SPANS, max_size=3),
)
CALENDAR = st.one_of(st.just(AllHours()), st.just(PLAIN), st.just(TANGSEL), OFFICES)
TIMES = st.datetimes(datetime(2025, 12, 25), datetime(2027, 1, 10), timezones=st.just(UTC))  # noqa: DTZ001
BUDGETS = st.timedeltas(ZERO, timedelta(hours=60))


@given(CALENDAR, TIMES, BUDGETS)
def test_adding_is_the_inverse_of_counting(calendar: Calendar, start: datetime, span: timedelta) -> None:
    """Exactly the span is counted until the time that `add` gives, and a moment earlier less."""
    end = calendar.add(start, span)
    assert calendar.between(start, end) == span
    assert end >= start
    if span:
        assert calendar.between(start, end - timedelta(microseconds=1)) < span


@given(CALENDAR, st.lists(TIMES, min_size=3, max_size=3).map(sorted))
def test_counted_time_adds_up(calendar: Calendar, times: list[datetime]) -> None:
    """Wherever a stretch is cut, its parts make the whole; never more than plain time."""
    first, middle, last = times
    whole = calendar.between(first, last)
    assert calendar.between(first, middle) + calendar.between(middle, last) == whole
    assert ZERO <= whole <= last - first
    assert calendar.between(last, first) == ZERO


@given(CALENDAR, st.tuples(TIMES, TIMES).map(sorted), st.tuples(BUDGETS, BUDGETS).map(sorted))
def test_more_time_or_a_later_start_is_never_due_earlier(
    calendar: Calendar, starts: list[datetime], spans: list[timedelta]
) -> None:
    """`add` is monotone in both."""
    assert calendar.add(starts[0], spans[0]) <= calendar.add(starts[0], spans[1])
    assert calendar.add(starts[0], spans[1]) <= calendar.add(starts[1], spans[1])


@settings(deadline=None)
@given(DAYS)
def test_nothing_is_counted_on_weekends_and_holidays(day: date) -> None:
    """A day counts eight hours in Tangerang Selatan, or none."""
    begin = datetime.combine(day, time(), WIB)
    closed = day.weekday() >= 5 or any(one.date == day for one in library_days(2026))
    assert TANGSEL.between(begin, begin + DAY) == (ZERO if closed else 8 * HOUR)


@given(OFFICES, TIMES, st.integers(1, 40))
def test_working_days_are_counted_one_by_one(office: WorkingTime, start: datetime, days: int) -> None:
    """Due on a working day, with exactly so many working days after the day of the start up to it."""
    due = wib_date(office.add_days(start, days) - timedelta(microseconds=1))
    begun = wib_date(start)
    assert office.is_working_day(due)
    passed = (begun + count * DAY for count in range(1, (due - begun).days + 1))
    assert sum(office.is_working_day(day) for day in passed) == days


@given(OFFICES, TIMES, TIMES)
def test_counting_agrees_with_a_plain_reckoning(office: WorkingTime, one: datetime, other: datetime) -> None:
    """It intersects each span of each day with the stretch."""
    start, end = sorted((one, other))
    expected = ZERO
    day = wib_date(start)
    while day <= wib_date(end):
        closed = () if day in office.holidays else office.hours[day.weekday()]
        for opens, closes in office.extra_days.get(day, closed):
            overlap = min(end, datetime.combine(day, closes, WIB)) - max(
                start, datetime.combine(day, opens, WIB)
            )
            expected += max(overlap, ZERO)
        day += DAY
    assert office.between(start, end) == expected


# -- Budgets and plans --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "budget"),
    [
        ("PT24H", Budget(duration=24 * HOUR)),
        ("P1D", Budget(duration=24 * HOUR)),
        ("3 hari kerja", Budget(days=3)),
        (" 10  hari  kerja ", Budget(days=10)),
        ({"days": 3}, Budget(days=3)),
        ({"duration": "PT4H"}, Budget(duration=4 * HOUR)),
        (timedelta(hours=4), Budget(duration=4 * HOUR)),
    ],
)
def test_a_budget_is_a_duration_or_working_days(written: object, budget: Budget) -> None:
    """And it travels as JSON."""
    assert Budget.model_validate(written) == budget
    assert Budget.model_validate_json(budget.model_dump_json()) == budget


@pytest.mark.parametrize(
    "written",
    [
        *("PT0S", "-PT4H", "P367D", "24", "24:00:00", "3 hari", "0 hari kerja", "367 hari kerja", "", "P"),
        *(24, None, {}, {"days": 3, "duration": "PT4H"}, {"days": 0}, {"weeks": 1}, timedelta(0)),
    ],
)
def test_another_budget_is_refused(written: object) -> None:
    """A bare number could be hours or seconds; zero, negative and endless budgets promise nothing."""
    with pytest.raises(ValidationError):
        Budget.model_validate(written)


def test_a_plan_carries_what_a_clock_can_meet_and_counts_the_same() -> None:
    """Through JSON; holidays that are over or far away stay behind; 24x7 carries nothing."""
    plan = CALENDARS.plan("3674", CalendarKind.OFFICE, date(2026, 3, 17))
    arrived = CalendarPlan.model_validate_json(plan.model_dump_json())
    assert arrived == plan
    assert (plan.holidays[0], plan.holidays[-1]) == (date(2026, 3, 18), date(2027, 12, 26))
    assert len(plan.model_dump_json()) < 1200
    start = wib("2026-03-17 15:00")
    assert arrived.calendar().add(start, 200 * HOUR) == TANGSEL.add(start, 200 * HOUR)
    always = CALENDARS.plan("3674", CalendarKind.ALL_HOURS, date(2026, 3, 17))
    assert always == CalendarPlan()
    assert always.calendar() == AllHours()
    with pytest.raises(Misconfigured, match="known are 3275, 3674"):
        CALENDARS.plan("3171", CalendarKind.OFFICE, date(2026, 3, 17))


# -- The tables ---------------------------------------------------------------------------------


def days(*listed: str) -> set[date]:
    """Return days of 2026 written as month-day."""
    return {date.fromisoformat(f"2026-{one}") for one in listed}


NATIONAL = days(
    *("01-01", "01-16", "02-17", "03-19", "03-21", "03-22", "04-03", "04-05", "05-01", "05-14", "05-27"),
    *("05-31", "06-01", "06-16", "08-17", "08-25", "12-25"),
)
CUTI_BERSAMA = days("02-16", "03-18", "03-20", "03-23", "03-24", "05-15", "05-28", "12-24")


@pytest.mark.parametrize(("kind", "decreed"), [("national", NATIONAL), ("cuti_bersama", CUTI_BERSAMA)])
def test_the_table_and_the_library_have_the_holidays_of_the_decree(kind: str, decreed: set[date]) -> None:
    """SKB 1497/2025, 2/2025, 5/2025 as domain 7 lists them."""
    table = CALENDARS.year(2026)
    assert table is not None
    for listed in (table.day, library_days(2026)):
        assert {one.date for one in listed if one.kind == kind} == decreed


def test_the_year_without_a_decree_is_marked() -> None:
    """2027 is the library's draft."""
    assert [(one.year, one.provisional) for one in CALENDARS.years] == [(2026, False), (2027, True)]


@pytest.mark.parametrize(
    ("today", "says"),
    [
        (date(2026, 11, 21), "holidays known until 2027-12-31; not compared with the SKB: 2027"),
        (date(2027, 10, 31), "holidays known until 2027-12-31; not compared with the SKB: 2027"),
        (date(2027, 11, 1), "WARN holidays are known for 60 more days only, until 2027-12-31"),
        (date(2027, 12, 31), "WARN holidays are known for 0 more days only"),
    ],
)
def test_the_end_of_the_last_year_is_announced(today: date, says: str) -> None:
    """Sixty days ahead, with the command that mends it."""
    assert CALENDARS.outlook(today).startswith(says)


@pytest.mark.parametrize("today", [date(2025, 12, 31), date(2028, 1, 1)])
def test_a_year_without_holidays_is_a_fault(today: date) -> None:
    """Its holidays would count as work."""
    with pytest.raises(Misconfigured, match=f"the holidays of {today.year} are not loaded"):
        CALENDARS.outlook(today)


HOURS = "[city.3674.hours]"
NEW_YEAR = "date = 2026-01-01"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("kalender.toml", HOURS, "[city.3671.hours]", "kalender.toml: city.3674: missing"),
        ("kalender.toml", HOURS, "[city.tangsel.hours]", "city.tangsel.[key]: String should match pattern"),
        ("kalender.toml", HOURS, "[city.3674.jam]", "city.3674.hours: Field required"),
        ("kalender.toml", "monday", "senin", "hours.senin: Extra inputs are not permitted"),
        ("kalender.toml", "08:00-16:00", "16:00-08:00", "must be office hours such as 08:00-16:00"),
        ("kalender.toml", '"08:00-16:00"', "[8, 16]", "must be office hours such as 08:00-16:00"),
        ("kalender.toml", "08:00-16:00", "08:00", "hours.monday.0"),
        ("kalender.toml", "08:00-16:00", "08:00-24:00", "hours.monday.0.1"),
        (
            "kalender.toml",
            '"08:00-16:00"',
            '"08:00-12:00", "11:00-16:00"',
            "must be in order and must not overlap",
        ),
        ("kalender.toml", "08:00-16:00", "08:00Z-16:00Z", "must be office hours such as 08:00-16:00"),
        ("kalender.toml", '["08:00-16:00"]', "[]", "must name at least one day"),
        ("kalender.toml", HOURS, "[city.3674.hours", "is not TOML"),
        ("libur-2026.toml", NEW_YEAR, "date = 2025-01-01", "day: not in 2026: 2025-01-01"),
        ("libur-2026.toml", NEW_YEAR, "date = 2026-01-17", "day: must be in order of date"),
        ("libur-2026.toml", NEW_YEAR, "date = 2026-01-16", "day: more than once: 2026-01-16"),
        ("libur-2026.toml", NEW_YEAR, "date = 2026-02-30", "is not TOML"),
        ("libur-2026.toml", "year = 2026", "year = 2027", "day: not in 2027"),
        ("libur-2026.toml", "provisional", "sementara", "sementara: Extra inputs are not permitted"),
        ("libur-2026.toml", '"national"', '"nasional"', "day.0.kind"),
        ("libur-2026.toml", 'name = "Tahun Baru Masehi", ', "", "day.0.name: Field required"),
    ],
)
def test_a_broken_calendar_is_refused_with_file_key_and_rule(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    """A typo is found when the calendars are read, not when a case is late."""
    folder = a_folder(tmp_path)
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(Misconfigured) as refusal:
        PolicyFolder(folder).calendars()
    assert file in str(refusal.value)
    assert says in str(refusal.value)


def test_a_table_of_another_year_a_gap_and_no_table_at_all_are_refused(tmp_path: Path) -> None:
    """Each with the file that is wrong or missing, or the command that makes one."""
    folder = a_folder(tmp_path)
    text = (folder / "libur-2027.toml").read_text()
    (folder / "libur-2029.toml").write_text(text.replace("2027", "2029"))
    with pytest.raises(Misconfigured, match=r"libur-2028\.toml is missing between others"):
        PolicyFolder(folder).calendars()
    (folder / "libur-2028.toml").write_text(text)
    with pytest.raises(Misconfigured, match=r"libur-2028\.toml: year: must be 2028"):
        PolicyFolder(folder).calendars()
    for file in folder.glob("libur-*.toml"):
        file.unlink()
    with pytest.raises(Misconfigured, match=r"no libur-\*\.toml file"):
        PolicyFolder(folder).calendars()


def test_loading_a_year_keeps_every_edit(tmp_path: Path) -> None:
    """Comments, changed words, cancelled and own days stay; what is missing comes to its place."""
    folder = a_folder(tmp_path)
    path = folder / "libur-2026.toml"
    lines = [line for line in path.read_text().splitlines() if "Maulid" not in line and "Waisak" not in line]
    edited = "\n".join(lines)
    edited = edited.replace('"Hari Lahir Pancasila", kind = "national"', '"Pancasila", kind = "cancelled"')
    own = (
        "    # menurut Wali Kota\n"
        '    { date = 2026-11-26, name = "HUT Kota", kind = "national", source = "Perwal" },'
    )
    at = next(line for line in lines if "2026-12-24" in line)
    path.write_text(edited.replace(at, f"{own}\n{at}") + "\n# habis\n")
    before = path.read_text()

    dry = load_year(folder, 2026, is_dry_run=True)
    assert path.read_text() == before
    done = load_year(folder, 2026, is_dry_run=False)

    assert dry == done
    assert [one.date for one in done.added] == [date(2026, 5, 31), date(2026, 8, 25)]
    assert [one.name for one in done.of_other_kind] == ["Pancasila"]
    assert [one.name for one in done.unknown] == ["HUT Kota"]
    kept = [line for line in path.read_text().splitlines() if "PyPI" not in line or line.startswith("#")]
    assert kept == before.splitlines()
    table = PolicyFolder(folder).calendars().year(2026)
    assert table is not None
    assert len(table.day) == 26
    assert date(2026, 6, 1) not in {one.date for one in table.closed}
    again = load_year(folder, 2026, is_dry_run=False)
    assert again.added == ()


def test_a_new_year_is_a_draft_and_a_table_of_another_form_is_left_alone(tmp_path: Path) -> None:
    """2028 has no joint leave in the library yet; several days in one line are not taken apart."""
    folder = a_folder(tmp_path)
    assert load_year(folder, 2028, is_dry_run=False).is_new
    made = PolicyFolder(folder).calendars().year(2028)
    assert made is not None
    assert made.provisional
    assert {one.kind for one in made.day} == {HolidayKind.NATIONAL}
    assert made.day == library_days(2028)

    odd = (
        'year = 2029\nday = [{ date = 2029-01-01, name = "Tahun Baru", kind = "national", source = "SKB" }]\n'
    )
    (folder / "libur-2029.toml").write_text(odd)
    with pytest.raises(Misconfigured, match=r"libur-2029\.toml cannot be added to"):
        load_year(folder, 2029, is_dry_run=False)
    assert (folder / "libur-2029.toml").read_text() == odd


def test_a_working_day_of_a_city_wins_over_a_holiday_in_its_plan(tmp_path: Path) -> None:
    """`extra_days` of the table reach the clock."""
    folder = a_folder(tmp_path)
    path = folder / "kalender.toml"
    path.write_text(path.read_text() + '\n[city.3674.extra_days]\n2026-03-18 = ["08:00-12:00"]\n')
    calendars = PolicyFolder(folder).calendars()
    for city, due in (("3674", "2026-03-18 12:00"), ("3275", "2026-03-25 16:00")):
        plan = calendars.plan(city, CalendarKind.OFFICE, date(2026, 3, 17))
        assert plan.calendar().add_days(wib("2026-03-17 15:00"), 1) == wib(due)


def test_only_loaded_years_are_called_known() -> None:
    """What lies outside counts every weekday as work, and is said to."""
    assert CALENDARS.covers(wib("2026-01-01 00:00"), wib("2027-12-31 23:59"))
    assert not CALENDARS.covers(wib("2025-12-31 23:59"), wib("2026-02-01 00:00"))
    assert not CALENDARS.covers(wib("2027-12-31 00:00"), wib("2028-01-01 00:00"))


def a_folder(tmp_path: Path) -> Path:
    """Return a copy of the policies that ship."""
    return shutil.copytree(ROOT / "policies", tmp_path / "policies")

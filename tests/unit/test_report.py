"""The report of a period: what is counted, on which day, in which group; and the CSV and page made of it."""

import csv
import io
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from html.parser import HTMLParser
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.report import ask_for, asked_period, write_whole
from cli.report_charts import bars_of
from cli.report_data import report_csv
from cli.report_page import report_page
from cli.report_words import number, share
from gateways.policy_folder import PolicyFolder
from models.case import Outcome, SlaState, Step, Track
from models.errors import BadInput
from models.plain import safe_cell
from models.report import (
    OVER,
    CaseLine,
    DayFigures,
    Figures,
    Grouping,
    OwnedTime,
    Pace,
    Period,
    Report,
    ReportAsk,
    ReportRows,
    StepTime,
)
from models.report_count import pace_of, report_of
from models.roles import Officer, Role
from models.turns import Owner

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PERIOD = Period(date(2026, 3, 2), date(2026, 3, 4))
BEGIN = datetime(2026, 3, 1, 17, tzinfo=UTC)
"""Midnight of 2 March in Jakarta."""
LAST_DAY_AT_NOON = BEGIN + 60 * HOUR
AREAS = ("Ciputat", "Pamulang", "Setu")


def an_ask(now: datetime = LAST_DAY_AT_NOON, by: tuple[Grouping, ...] = ()) -> ReportAsk:
    """Ask for three days, of which the last one is half over."""
    return ReportAsk("3674", PERIOD, now, AREAS, by=by, pausing={Track.MEDICAL: {Owner.APPLICANT}})


def a_line(
    received: float,
    closed: float | None = None,
    *,
    due: float | None = None,
    late: bool = False,
    outcome: Outcome = Outcome.REACTIVATED,
    place: tuple[str, Track, Step, str] = ("Pamulang", Track.MEDICAL, Step.BPJS_RECONNECT, OVER),
) -> CaseLine:
    """Return a case that came and ended so many hours after the period began."""
    return CaseLine(
        *place,
        received_at=BEGIN + received * HOUR,
        due_at=None if due is None else BEGIN + due * HOUR,
        closed_at=None if closed is None else BEGIN + closed * HOUR,
        outcome=None if closed is None else outcome,
        sla_state=SlaState.ON_TRACK if closed is None else SlaState.MISSED if late else SlaState.MET,
    )


def counted(*lines: CaseLine, now: datetime = LAST_DAY_AT_NOON, by: tuple[Grouping, ...] = ()) -> Report:
    """Return the report of some cases."""
    return report_of(an_ask(now, by), ReportRows(lines, (), ()))


def test_a_case_counts_where_it_came_and_where_it_ended() -> None:
    """By hand: one from before, one that is late, one withdrawn, two open of which one is due."""
    report = counted(
        a_line(-30, 1),
        a_line(0, 25, late=True),
        a_line(24, 26, outcome=Outcome.WITHDRAWN),
        a_line(30, due=59),
        a_line(59, due=83),
        by=(Grouping.OWNER,),
    )
    assert report.total == Figures(
        before=1,
        received=4,
        ended={Outcome.REACTIVATED: 2, Outcome.WITHDRAWN: 1},
        on_time=2,
        late=1,
        open=2,
        overdue=1,
        whole=Pace(3, 25 * HOUR, 31 * HOUR),
        steps={},
        minutes={},
        paused={},
    )
    assert (report.total.closed, report.total.reactivated, report.total.share) == (3, 2, 2 / 3)
    assert report.days == (
        DayFigures(date(2026, 3, 2), received=1, closed=1, on_time=1, late=0, open=1),
        DayFigures(date(2026, 3, 3), received=2, closed=2, on_time=1, late=1, open=1),
        DayFigures(date(2026, 3, 4), received=1, closed=0, on_time=0, late=0, open=2),
    )


def test_a_day_begins_at_midnight_in_jakarta() -> None:
    """A second before it is the day before, for what comes and for what ends."""
    second = 1 / 3600
    report = counted(a_line(-second, 24 - second), a_line(0, 24), a_line(24 - second, 48))
    assert (report.total.before, report.total.received) == (1, 2)
    assert [(day.received, day.closed, day.open) for day in report.days] == [(2, 1, 2), (0, 1, 1), (0, 1, 0)]


def test_a_period_that_is_over_is_told_as_of_its_end() -> None:
    """What ended since was open then, and what was due then is overdue though it was in time."""
    later = BEGIN + 500 * HOUR
    report = counted(a_line(1, 72, due=72), a_line(1, 71, due=71), a_line(2, 400, due=73), now=later)
    assert (report.ask.until, report.total.open, report.total.overdue) == (BEGIN + 72 * HOUR, 2, 1)
    assert (report.total.closed, report.days[-1].open) == (1, 2)


def test_an_empty_report_has_every_day_and_every_group() -> None:
    """All of them zero, and no share of nothing."""
    report = counted(by=tuple(Grouping))
    assert [day.open for day in report.days] == [0, 0, 0]
    assert {by: tuple(groups) for by, groups in report.groups.items()} == {
        Grouping.KECAMATAN: AREAS,
        Grouping.STEP: tuple(Step),
        Grouping.TRACK: tuple(Track),
        Grouping.OWNER: (*Owner, OVER),
    }
    assert (report.total.share, report.total.whole, report.days[0].share) == (None, None, None)


def test_a_step_took_its_own_time_wherever_the_case_is_now() -> None:
    """By step the time is that step's; by anything else it is the case's; nothing takes less than no time."""
    place = ("Setu", Track.NEWBORN)
    rows = [
        StepTime(*place, Step.DOCUMENT_CHECK, OVER, 60),
        StepTime(*place, Step.DOCUMENT_CHECK, OVER, 180),
        StepTime(*place, Step.RECOMMENDATION, OVER, -5),
    ]
    report = report_of(an_ask(by=(Grouping.STEP, Grouping.KECAMATAN)), ReportRows((), rows, ()))
    check = Pace(2, 2 * MINUTE, 3 * MINUTE)
    sign = Pace(1, timedelta(0), timedelta(0))
    both = {Step.DOCUMENT_CHECK: check, Step.RECOMMENDATION: sign}
    assert report.total.steps == both
    assert report.groups[Grouping.KECAMATAN]["Setu"].steps == both
    by_step = report.groups[Grouping.STEP]
    assert by_step[Step.DOCUMENT_CHECK].steps == {Step.DOCUMENT_CHECK: check}
    assert by_step[Step.BPJS_RECONNECT].steps == {}


def test_time_is_its_owners_and_pauses_where_the_policy_says_so() -> None:
    """The applicant's time stops the clock of the one track and not of the other."""
    rows = [
        OwnedTime("Setu", Track.MEDICAL, Step.BPJS_RECONNECT, OVER, Owner.APPLICANT, 50),
        OwnedTime("Setu", Track.EMERGENCY, Step.BPJS_RECONNECT, OVER, Owner.APPLICANT, 7),
        OwnedTime("Pamulang", Track.MEDICAL, Step.BPJS_RECONNECT, OVER, Owner.KEMENSOS, 90),
    ]
    report = report_of(an_ask(by=(Grouping.OWNER, Grouping.TRACK)), ReportRows((), (), rows))
    assert report.total.minutes == {Owner.APPLICANT: 57, Owner.KEMENSOS: 90}
    assert report.total.paused == {Owner.APPLICANT: 50}
    by_owner = report.groups[Grouping.OWNER]
    assert by_owner[Owner.APPLICANT].minutes == {Owner.APPLICANT: 57}
    assert by_owner[Owner.KEMENSOS].minutes == {Owner.KEMENSOS: 90}
    assert by_owner[OVER].minutes == {}
    assert report.groups[Grouping.TRACK][Track.EMERGENCY].paused == {}


def test_a_pace_is_median_and_nearest_rank() -> None:
    """Of ten the ninth, of eleven the tenth; of an even number the middle between two."""
    assert pace_of([]) is None
    assert pace_of(range(1, 11)) == Pace(10, timedelta(seconds=5.5), timedelta(seconds=9))
    assert pace_of(range(11, 0, -1)) == Pace(11, timedelta(seconds=6), timedelta(seconds=10))


_places = st.tuples(
    st.sampled_from([*AREAS, "Elsewhere"]),
    st.sampled_from(Track),
    st.sampled_from(Step),
    st.sampled_from([*Owner, OVER]),
)


@st.composite
def _lines(draw: st.DrawFn) -> CaseLine:
    """Draw a case as the gateway gives them: here before the period's end, not gone before its beginning."""
    received = draw(st.integers(-60, 59))
    closed = draw(st.none() | st.integers(max(received, 0), 100))
    due = draw(st.none() | st.integers(-40, 100))
    late, outcome = draw(st.booleans()), draw(st.sampled_from(Outcome))
    return a_line(received, closed, due=due, late=late, outcome=outcome, place=draw(_places))


_step_times = st.builds(
    lambda place, seconds: StepTime._make((*place, seconds)), _places, st.integers(0, 10**6)
)
_owned_times = st.builds(
    lambda place, whose, minutes: OwnedTime._make((*place, whose, minutes)),
    _places,
    st.sampled_from(Owner),
    st.integers(1, 10**6),
)


@settings(max_examples=60)
@given(
    st.lists(_lines(), max_size=30), st.lists(_step_times, max_size=20), st.lists(_owned_times, max_size=9)
)
def test_groups_and_days_add_up_to_the_total(
    lines: list[CaseLine], times: list[StepTime], spent: list[OwnedTime]
) -> None:
    """For every grouping and figure; and what came is what ended and what is left."""
    report = report_of(an_ask(by=tuple(Grouping)), ReportRows(iter(lines), iter(times), iter(spent)))
    total = report.total
    for groups in report.groups.values():
        for figure in ("before", "received", "closed", "reactivated", "on_time", "late", "open", "overdue"):
            assert sum(getattr(one, figure) for one in groups.values()) == getattr(total, figure), figure
        for figure in ("ended", "minutes", "paused"):
            added = sum((Counter(getattr(one, figure)) for one in groups.values()), Counter())
            assert added == getattr(total, figure), figure
        counts = Counter({step: sum(1 for one in times if one.step == step) for step in Step})
        steps = [(step, pace.count) for one in groups.values() for step, pace in one.steps.items()]
        assert Counter({step: sum(n for at, n in steps if at is step) for step in Step}) == counts
    assert total.before + total.received == len(lines) == total.closed + total.open
    assert total.on_time + total.late == total.closed
    for figure in ("received", "closed", "on_time", "late"):
        assert sum(getattr(day, figure) for day in report.days) == getattr(total, figure), figure
    assert report.days[-1].open == total.open


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=50))
def test_half_and_nine_in_ten_are_what_they_say(seconds: list[int]) -> None:
    """No fewer than nine in ten took so long or less, and one step shorter it would be fewer."""
    pace = pace_of(seconds)
    assert pace is not None
    within = [value for value in seconds if timedelta(seconds=value) <= pace.p90]
    shorter = [value for value in within if timedelta(seconds=value) < pace.p90]
    assert len(shorter) < ceil(len(seconds) * 0.9) <= len(within)
    half = len(seconds) / 2
    assert sum(timedelta(seconds=value) <= pace.median for value in seconds) >= half
    assert sum(timedelta(seconds=value) >= pace.median for value in seconds) >= half


@pytest.mark.parametrize("text", ["=1+1", "+6281", "-Setu", "@SUM(A1)", "\tx", "\r=1", "-1e5", "+1"])
def test_a_formula_becomes_text(text: str) -> None:
    """Whatever a spreadsheet would compute."""
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Serpong", "a=b", -12, "-3.5", 0, "", "2026-03-02"])
def test_what_is_no_formula_stays(value: object) -> None:
    """Also a negative number; nothing is an empty cell."""
    assert safe_cell(value) == str(value)
    assert not safe_cell(None)


EVIL = '=<script src="http://x.test/a.js"></script>'


@pytest.fixture(scope="module")
def evil() -> Report:
    """Give a report with a kecamatan whose name tries to be something else."""
    place = (EVIL, Track.MEDICAL, Step.BPJS_RECONNECT, OVER)
    lines = [a_line(n / 50, 30, place=place) for n in range(1234)] + [a_line(1, 50, late=True)]
    steps = [StepTime(*place, 7260)]
    return report_of(an_ask(by=(Grouping.KECAMATAN,)), ReportRows(lines, steps, ()))


def test_the_csv_opens_in_a_spreadsheet(evil: Report) -> None:
    """A line for each group, the total last, the same columns in each, and the mark that Excel reads."""
    content = report_csv(evil, Grouping.KECAMATAN)
    assert content.startswith(b"\xef\xbb\xbfcity,from,to,as_of,kecamatan,")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["kecamatan"] for row in rows] == [*AREAS, f"'{EVIL}", "total"]
    assert [row["received"] for row in rows] == ["0", "1", "0", "1234", "1235"]
    last = rows[-1]
    assert (last["from"], last["to"], last["as_of"]) == (
        "2026-03-02",
        "2026-03-04",
        "2026-03-04T12:00:00+07:00",
    )
    assert (last["bpjs_reconnect_median_minutes"], last["recommendation_p90_minutes"]) == ("121", "")
    (only,) = csv.DictReader(io.StringIO(report_csv(evil, None).decode("utf-8-sig"), newline=""))
    assert (only["group"], only["closed"], only["late"]) == ("total", "1235", "1")


class Parsed(HTMLParser):
    """What a browser finds in the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.loads: list[str] = []
        self.metas: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.scripts: list[str] = []
        self._tag = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep every tag, and every attribute that makes a browser load something."""
        self.tags[tag] += 1
        named = {name: value or "" for name, value in attrs}
        self.loads += [value for name, value in named.items() if name in {"src", "href", "data", "action"}]
        if tag == "meta":
            self.metas[named.get("name") or named.get("http-equiv", "")] = named.get("content", "")
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag == "script":
            self.scripts.append("")
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        """Belong to nothing."""
        self._tag = ""

    def handle_data(self, data: str) -> None:
        """Keep cells and scripts."""
        if self._tag in {"td", "th"}:
            self.rows[-1][-1] += data
        if self._tag == "script":
            self.scripts[-1] += data


def test_the_page_holds_everything_and_loads_nothing(evil: Report) -> None:
    """One file for phone and screen reader: Plotly once, a table under each chart, nothing from outside."""
    page = report_page(evil, "Kota Tangerang Selatan", None)
    parsed = Parsed(page)
    assert parsed.loads == []
    assert parsed.tags["link"] == parsed.tags["iframe"] == parsed.tags["img"] == 0
    assert parsed.metas["Content-Security-Policy"].startswith("default-src 'none';")
    assert parsed.metas["viewport"] == "width=device-width, initial-scale=1"
    library, *own = sorted(parsed.scripts, key=len, reverse=True)
    assert library.count("plotly.js v") == 1
    assert len(library) > 10**6 > 100 * max(map(len, own))
    ours = page.replace(library, "").replace(escape(EVIL), "")
    assert re.findall(r"https?:|@import|url\(", ours) == []
    charts = len(re.findall(r"Plotly\.newPlot\(", "".join(own)))
    assert (charts, parsed.tags["caption"]) == (3, 6)
    assert page.index("chart-steps") < page.index("<caption>Waktu per langkah")
    assert '<html lang="id">' in page


def test_the_page_says_the_numbers_without_script(evil: Report) -> None:
    """In its tables, as Indonesians write them; a name stays a name."""
    page = report_page(evil, "Kota Tangerang Selatan", None)
    rows = [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in Parsed(page).rows]
    assert ["2 Mar 2026", "1.201", "0", "1.201"] in rows
    assert ["3 Mar 2026", "1.234", "0", "100,0 %"] in rows
    assert ["Aktivasi BPJS", "1", "2 jam 1 menit", "2 jam 1 menit"] in rows
    assert [row[:7] for row in rows if row[0] in {EVIL, "Jumlah"}] == [
        [EVIL, "1.234", "1.234", "1.234", "1.234", "0", "100,0 %"],
        ["Jumlah", "1.235", "1.235", "1.235", "1.234", "1", "99,9 %"],
    ]
    assert "urut abjad; letak kotak bukan peta" in page
    assert "<h3>Ciputat</h3><b>0</b> terbuka<br>belum ada yang selesai" in page


def test_numbers_are_written_as_in_indonesia() -> None:
    """And all of it is said only when nothing is missing."""
    assert [number(value) for value in (0, 999, 1234567)] == ["0", "999", "1.234.567"]
    said = [share(value) for value in (None, 1, 0.99999, 0.57, 0.875, 0)]
    assert said == ["-", "100,0 %", "99,9 %", "57,0 %", "87,5 %", "0,0 %"]


TODAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("from_", "to", "first", "last"),
    [
        (None, None, date(2026, 3, 2), TODAY),
        (None, "2026-03-10", date(2026, 2, 9), date(2026, 3, 10)),
        ("2026-03-31", None, TODAY, TODAY),
        ("2026-02-01", "2026-02-28", date(2026, 2, 1), date(2026, 2, 28)),
        ("2023-03-31", None, date(2023, 3, 31), TODAY),
    ],
)
def test_a_period_is_the_last_thirty_days_unless_it_is_said(
    from_: str | None, to: str | None, first: date, last: date
) -> None:
    """Both days included."""
    assert asked_period(from_, to, TODAY, {}) == Period(first, last)


@pytest.mark.parametrize(
    ("from_", "to", "faults"),
    [
        ("kemarin", "2026-04-01", ["--to: lies in the future", "--from: is not a day"]),
        ("2026-03-32", None, ["--from: is not a day"]),
        ("2026-03-03", "2026-03-02", ["--to: lies before --from"]),
        ("2023-03-15", "2026-03-31", ["--from: lies more than three years before --to"]),
        ("1999-01-01", "0001-01-01", ["--to: lies before 2020", "--from: lies before 2020"]),
    ],
)
def test_a_bad_period_is_refused_with_every_fault(
    from_: str | None, to: str | None, faults: list[str]
) -> None:
    """By field, rule and fix."""
    with pytest.raises(BadInput) as refused:
        asked_period(from_, to, TODAY, {})
    assert [f"{one.field}: {one.rule}" for one in refused.value.findings] == faults
    assert all(one.fix for one in refused.value.findings)


def test_no_file_is_replaced_unless_that_is_said(tmp_path: Path) -> None:
    """It may be a list of people; and what cannot be written is told before anything is counted."""
    list_, new, lost = tmp_path / "list.csv", tmp_path / "new.csv", tmp_path / "no" / "report.html"
    list_.write_text("people")
    with pytest.raises(BadInput) as refused:
        asked_period(None, "soon", TODAY, {"--csv": list_, "--html": lost})
    told = {one.field: one.rule for one in refused.value.findings}
    assert told == {
        "--to": "is not a day",
        "--csv": "names a file that is there already",
        "--html": "names a folder that is not there",
    }
    asked_period(None, None, TODAY, {"--csv": new, "--html": None})
    asked_period(None, None, TODAY, {"--csv": list_}, force=True)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Nothing half done is left behind."""
    write_whole(tmp_path / "new.csv", b"report")
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="cannot be opened or written"):
        write_whole(tmp_path / "folder", b"report")
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv", "folder"}
    assert (tmp_path / "new.csv").read_bytes() == b"report"


def test_an_officer_of_some_kecamatan_asks_for_those() -> None:
    """Everybody else for the whole city, by name; and pauses are those of its policy."""
    shelf = PolicyFolder(Path(__file__).resolve().parents[2] / "policies")
    city, everywhere = shelf.city("3674"), frozenset[str]()
    asks = [
        ask_for(
            Officer(
                id="heni",
                name="Kepala Bidang",
                roles=frozenset({Role.HEAD_OF_SECTION}),
                cities=frozenset({"3674"}),
                kecamatan=kecamatan,
            ),
            city, shelf, PERIOD, LAST_DAY_AT_NOON, (),
        )
        for kecamatan in (everywhere, frozenset({"Setu", "Pamulang"}))
    ]  # fmt: skip
    assert [ask.is_part for ask in asks] == [False, True]
    assert [len(ask.kecamatan) for ask in asks] == [7, 2]
    assert asks[1].kecamatan == ("Pamulang", "Setu")
    assert asks[0].kecamatan == tuple(sorted(asks[0].kecamatan))
    assert asks[0].pausing[Track.MEDICAL] == {Owner.APPLICANT}
    assert asks[0].pausing[Track.EMERGENCY] == frozenset()


def test_a_long_period_is_drawn_in_weeks() -> None:
    """Nothing is lost, and what is open is that of the week's last day."""
    days = [DayFigures(TODAY + n * timedelta(days=1), n, 2 * n, n, n, open=100 - n) for n in range(93)]
    assert bars_of(days[:92]) == days[:92]
    bars = bars_of(days)
    assert len(bars) == 14
    assert bars[0] == DayFigures(TODAY + timedelta(days=6), 21, 42, 21, 21, open=94)
    assert bars[-1] == replace(days[-1], received=91 + 92, closed=2 * 183, on_time=183, late=183)
    assert sum(bar.received for bar in bars) == sum(day.received for day in days)

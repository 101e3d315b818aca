"""A report on both databases: its totals are those of the case list, its times those of the events."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

import pytest
from sqlalchemy import Engine

from gateways.ledger_schema import open_engine
from gateways.ports.figures import Reports
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from gateways.sql_report import SqlReports
from models.case import CaseHealth, CaseRef, CaseState, Outcome, SlaState, Step, Track, WaitingOn
from models.errors import EngineUnreachable
from models.messages import CaseEvent, EventKind
from models.report import OVER, Figures, Grouping, Period, Report, ReportAsk
from models.turns import OWNER, Owner
from models.wib import wib_date
from tests.ledger.builders import MORNING, a_clock, a_new_case, a_telling
from tests.vaults import a_vault

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CITY, ELSEWHERE = "3674", "3275"
AREAS: Final = ("Ciputat", "Pamulang", "Setu")
TODAY = wib_date(MORNING)
PERIOD = Period(TODAY, TODAY + 2 * DAY)
NOW = MORNING + 60 * HOUR
CHECK, SIGN, UPLOAD, VERIFY = list(Step)[:4]
Told = tuple[EventKind, float, Step, int]


def opened(step: Step, at: float, attempt: int = 1) -> Told:
    """Tell that a step was opened so many hours after the morning."""
    return EventKind.STEP_OPENED, at, step, attempt


def answered(step: Step, at: float, attempt: int = 1) -> Told:
    """Tell that it was answered."""
    return EventKind.ANSWER_RECORDED, at, step, attempt


@dataclass(frozen=True)
class Now:
    """Where a case is."""

    step: Step = CHECK
    waiting_on: WaitingOn = WaitingOn.OFFICER
    health: CaseHealth = CaseHealth.OK
    due: float | None = None
    end: float | None = None
    outcome: Outcome = Outcome.REACTIVATED
    is_late: bool = False
    minutes: tuple[tuple[Owner, int], ...] = ()


class Office:
    """An office whose cases come, tell events and end, in hours since the morning of the first day."""

    def __init__(self, engine: Engine) -> None:
        self.ledger, self.registry = (
            SqlLedger(engine, a_vault(), a_clock()),
            SqlRegistry(engine, a_vault(), a_clock()),
        )

    def case(
        self, at: float = 0, city: str = CITY, area: str = "Pamulang", track: Track = Track.MEDICAL
    ) -> CaseRef:
        """Register somebody's case."""
        new = a_new_case(city=city, received_at=MORNING + at * HOUR)
        return self.registry.register(replace(new, kecamatan=area, track=track)).case

    def tells(self, case: CaseRef, events: Iterable[Told] = (), now: Now = Now(), run: str = "one") -> None:
        """Record events, and the end when it has come."""
        numbers = count(2)
        told = [
            CaseEvent(seq=next(numbers), kind=kind, at=MORNING + at * HOUR, step=step, attempt=attempt)
            for kind, at, step, attempt in events
        ]
        end = None if now.end is None else MORNING + now.end * HOUR
        sla = SlaState.ON_TRACK if end is None else SlaState.MISSED if now.is_late else SlaState.MET
        if end is not None:
            kind = EventKind.SLA_MISSED if now.is_late else EventKind.SLA_MET
            minutes = {f"{owner}_minutes": spent for owner, spent in now.minutes}
            told.append(CaseEvent(seq=next(numbers), kind=kind, at=end, step=now.step, facts=minutes))
        told.append(CaseEvent(seq=next(numbers), kind=EventKind.STEP_ON_DESK, at=MORNING, step=now.step))
        state = CaseState(
            case=case,
            step=now.step,
            waiting_on=now.waiting_on if end is None else WaitingOn.NOBODY,
            health=now.health,
            since=MORNING,
            due_at=None if now.due is None else MORNING + now.due * HOUR,
            sla_state=sla,
            outcome=None if end is None else now.outcome,
            closed_at=end,
        )
        self.ledger.record(a_telling(state, *told, run=run))


@pytest.fixture
def office(engine: Engine) -> Office:
    """Give an office that has done nothing yet."""
    return Office(engine)


@pytest.fixture
def reports(engine: Engine) -> SqlReports:
    """Give the reports of the same ledger."""
    return SqlReports(engine)


def asked(
    reports: Reports,
    *by: Grouping,
    period: Period = PERIOD,
    areas: tuple[str, ...] = AREAS,
    part: bool = False,
) -> Report:
    """Ask the port for a report."""
    return reports.of(ReportAsk(CITY, period, NOW, areas, is_part=part, by=by))


_GROUP_OF: Final[dict[Grouping, Callable[[CaseState], str]]] = {
    Grouping.KECAMATAN: lambda state: state.case.kecamatan,
    Grouping.STEP: lambda state: state.step,
    Grouping.TRACK: lambda state: state.case.track,
    Grouping.OWNER: lambda state: (
        OVER
        if state.outcome is not None
        else Owner.OUTAGE
        if state.health is CaseHealth.PARKED
        else OWNER[state.waiting_on]
    ),
}


def listed(states: Iterable[CaseState], start: datetime, until: datetime) -> dict[str, object]:
    """Count the case list by hand."""
    there = [state for state in states if state.case.received_at < until]
    closed = [state for state in there if state.closed_at is not None and start <= state.closed_at < until]
    left = [state for state in there if state.closed_at is None or state.closed_at >= until]
    return {
        "received": sum(state.case.received_at >= start for state in there),
        "ended": Counter(state.outcome for state in closed),
        "on_time": sum(state.sla_state is SlaState.MET for state in closed),
        "late": sum(state.sla_state is SlaState.MISSED for state in closed),
        "open": len(left),
        "overdue": sum(state.due_at is not None and state.due_at <= until for state in left),
    }


def told(figures: Figures) -> dict[str, object]:
    """Return what a report says of the same."""
    named = ("received", "ended", "on_time", "late", "open", "overdue")
    return {name: getattr(figures, name) for name in named}


def a_busy_office(office: Office) -> None:
    """Fill the ledger of two cities with cases of every kind, from two days before the period on."""
    chance = Random(20)
    for _ in range(60):
        at = chance.randrange(-48, 60)
        city = chance.choice([CITY, CITY, CITY, ELSEWHERE])
        case = office.case(at, city, chance.choice([*AREAS, "Muncul"]), chance.choice(list(Track)))
        end = chance.choice([None, at + chance.randrange(90)])
        now = Now(
            step=chance.choice(list(Step)),
            waiting_on=chance.choice(list(WaitingOn)),
            health=chance.choice(list(CaseHealth)) if end is None else CaseHealth.OK,
            due=chance.choice([None, at + chance.randrange(90)]),
            end=end,
            outcome=chance.choice(list(Outcome)),
            is_late=chance.random() < 0.4,
        )
        office.tells(case, now=now)


def test_totals_are_those_of_the_case_list(office: Office, reports: SqlReports) -> None:
    """Of the whole and of every group, in a period that is over and in one that is not."""
    a_busy_office(office)
    states = office.registry.cases(city=CITY, limit=10_000)
    for period in (PERIOD, Period(TODAY - DAY, TODAY), Period(TODAY + DAY, TODAY + DAY)):
        report = asked(reports, *Grouping, period=period)
        start, until = report.ask.period.start, report.ask.until
        assert told(report.total) == listed(states, start, until)
        assert report.total.received
        assert report.total.overdue
        for by, groups in report.groups.items():
            found = {_GROUP_OF[by](state) for state in states}
            for group in found | set(groups):
                mine = [state for state in states if _GROUP_OF[by](state) == group]
                expected = listed(mine, start, until)
                assert (told(groups[group]) if group in groups else {}) == expected or not any(
                    expected.values()
                )
    assert len({_GROUP_OF[Grouping.OWNER](state) for state in states}) == len(Owner) + 1


def test_a_step_takes_from_its_opening_to_its_answer(office: Office, reports: SqlReports) -> None:
    """Each attempt by itself; not of another city, nor what is not answered, nor answered at another time."""
    again, fresh, before, elsewhere = (
        office.case(-20),
        office.case(),
        office.case(-40),
        office.case(0, ELSEWHERE),
    )
    office.tells(
        again,
        [
            *(opened(CHECK, -20), answered(CHECK, -8.5), opened(SIGN, -8), answered(SIGN, 1)),
            *(opened(CHECK, 5, 2), answered(CHECK, 7, 2), opened(SIGN, 7, 2), answered(SIGN, 10.5, 2)),
            opened(UPLOAD, 11, 2),
        ],
    )
    office.tells(fresh, [opened(CHECK, 1), answered(CHECK, 4), opened(SIGN, 70), answered(SIGN, 71)])
    office.tells(office.case(), [answered(VERIFY, 3)])
    office.tells(before, [opened(CHECK, -40), answered(CHECK, -30)], Now(end=-30))
    office.tells(elsewhere, [opened(CHECK, 1), answered(CHECK, 2)])
    report = asked(reports, Grouping.STEP, Grouping.KECAMATAN)
    found = {step: (pace.count, pace.median, pace.p90) for step, pace in report.total.steps.items()}
    assert found == {CHECK: (2, 2.5 * HOUR, 3 * HOUR), SIGN: (2, 6.25 * HOUR, 9 * HOUR)}
    assert report.groups[Grouping.STEP][SIGN].steps == {SIGN: report.total.steps[SIGN]}
    assert report.groups[Grouping.KECAMATAN]["Pamulang"].steps == report.total.steps


def test_a_reset_case_took_what_its_newest_run_says(office: Office, reports: SqlReports) -> None:
    """What the run before it told is told anew, and counts once."""
    case = office.case()
    ended = Now(end=9, minutes=((Owner.DINSOS, 60),))
    office.tells(case, [opened(CHECK, 0), answered(CHECK, 2), opened(SIGN, 2), answered(SIGN, 9)], ended)
    now = Now(step=SIGN, end=20, minutes=((Owner.DINSOS, 70),))
    office.tells(case, [opened(CHECK, 0), answered(CHECK, 3)], now, run="two")
    total = asked(reports).total
    assert [(step, pace.count, pace.median) for step, pace in total.steps.items()] == [(CHECK, 1, 3 * HOUR)]
    assert (total.minutes, total.closed) == ({Owner.DINSOS: 70}, 1)


def test_time_is_counted_of_cases_that_ended_in_the_period(office: Office, reports: SqlReports) -> None:
    """Added up for each owner; by owner it is in the owner's own line."""
    mine = ((Owner.DINSOS, 60), (Owner.APPLICANT, 5))
    for end, minutes in ((10, mine), (20, ((Owner.DINSOS, 3),)), (-9, mine), (65, mine)):
        office.tells(office.case(-20), now=Now(step=VERIFY, end=end, minutes=minutes))
    report = asked(reports, Grouping.OWNER, Grouping.STEP)
    assert report.total.minutes == {Owner.DINSOS: 63, Owner.APPLICANT: 5}
    assert report.groups[Grouping.OWNER][Owner.DINSOS].minutes == {Owner.DINSOS: 63}
    assert report.groups[Grouping.STEP][VERIFY].minutes == report.total.minutes


def test_who_serves_a_part_of_the_city_is_told_of_that_part(office: Office, reports: SqlReports) -> None:
    """Nothing of the other kecamatan is in any figure; who serves none of the city is told nothing."""
    for area in AREAS:
        case = office.case(0, CITY, area)
        now = Now(end=5, minutes=((Owner.DINSOS, 10),))
        office.tells(case, [opened(CHECK, 0), answered(CHECK, 1)], now)
    report = asked(reports, Grouping.KECAMATAN, areas=("Ciputat", "Setu"), part=True)
    total = report.total
    assert (total.received, total.minutes, total.steps[CHECK].count) == (2, {Owner.DINSOS: 20}, 2)
    assert list(report.groups[Grouping.KECAMATAN]) == ["Ciputat", "Setu"]
    assert asked(reports, areas=(), part=True).total.received == 0


def test_a_database_that_is_away_is_told_to_operators() -> None:
    """With the setting to look at."""
    with pytest.raises(EngineUnreachable, match="REAKTIVASI_DATABASE_URL"):
        asked(SqlReports(open_engine("sqlite:////nowhere/at/all/l.db")))

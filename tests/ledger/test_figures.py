"""What the daily digest is made of, on both databases: this city's, the present step's, the newest ended."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, update

from gateways.ports.figures import Figures
from gateways.sql_figures import SqlFigures
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseHealth, CaseRef, CaseState, Outcome, Step
from models.desk_tables import desk_items
from models.digest import CityFigures, OpenCase
from models.messages import CaseEvent, EventKind
from models.outage import System
from models.roles import MACHINE
from models.watch_tables import outages
from tests.ledger.builders import MORNING, a_clock, a_new_case, a_telling
from tests.vaults import a_vault

HOUR = timedelta(hours=1)
LONG_AGO = MORNING - timedelta(days=30)
CHECK, SIGN, UPLOAD = Step.DOCUMENT_CHECK, Step.RECOMMENDATION, Step.SIKS_NG_UPLOAD


class Office:
    """An office whose cases open steps and end, in hours since the morning."""

    def __init__(self, engine: Engine) -> None:
        self.ledger, self.registry = (
            SqlLedger(engine, a_vault(), a_clock()),
            SqlRegistry(engine, a_vault(), a_clock()),
        )

    def case(self, city: str = "3674") -> CaseRef:
        """Register somebody's case."""
        return self.registry.register(a_new_case(city=city)).case

    def opens(
        self, case: CaseRef, *steps: tuple[Step, int], health: CaseHealth = CaseHealth.OK, run: str = "one"
    ) -> None:
        """Open steps, each at its hour, and put them on the desk half an hour later. Due a day later."""
        told = [(EventKind.STEP_OPENED, step, MORNING + at * HOUR) for step, at in steps]
        told += [(EventKind.STEP_ON_DESK, step, at + HOUR / 2) for _, step, at in told]
        events = [
            CaseEvent(seq=seq, kind=kind, at=at, step=step, attempt=1)
            for seq, (kind, step, at) in enumerate(told, 2)
        ]
        step, at = steps[-1]
        since = MORNING + (at + 0.5) * HOUR
        state = CaseState(case=case, step=step, since=since, health=health, due_at=MORNING + (at + 24) * HOUR)
        self.ledger.record(a_telling(state, *events, run=run))

    def ends(self, case: CaseRef, at: int, outcome: Outcome = Outcome.REACTIVATED) -> None:
        """End a case."""
        end = MORNING + at * HOUR
        closed = CaseEvent(seq=40, kind=EventKind.CASE_CLOSED, at=end, step=UPLOAD, attempt=1)
        state = CaseState(case=case, step=UPLOAD, since=end, outcome=outcome, closed_at=end)
        self.ledger.record(a_telling(state, closed, run="one"))


@pytest.fixture
def office(engine: Engine) -> Office:
    """Give an office that has done nothing yet."""
    return Office(engine)


@pytest.fixture
def figures(engine: Engine) -> SqlFigures:
    """Give the digest's side of the same ledger."""
    return SqlFigures(engine)


def of_city(figures: Figures, since: datetime = LONG_AGO, at_most: int = 100) -> CityFigures:
    """Ask the port for the city's figures."""
    return figures.of_city("3674", since, at_most)


def test_an_empty_ledger_has_figures_too(figures: SqlFigures) -> None:
    """All of them zero."""
    assert of_city(figures) == CityFigures([], 0, {}, ())


def test_open_cases_are_this_citys_with_the_present_step(office: Office, figures: SqlFigures) -> None:
    """A step that was taken again began again; a case that is only registered has waited since it came."""
    again, fresh, elsewhere, over = office.case(), office.case(), office.case("3275"), office.case()
    office.opens(again, (CHECK, 1), (SIGN, 2), (CHECK, 3), (SIGN, 5), health=CaseHealth.STUCK)
    office.opens(elsewhere, (CHECK, 1))
    office.opens(over, (CHECK, 1))
    office.ends(over, 2)
    found = sorted(of_city(figures).cases, key=lambda case: case.case_number)
    assert found == [
        OpenCase(
            again.case_number,
            SIGN,
            MORNING + 5 * HOUR,
            MORNING + 5.5 * HOUR,
            MORNING + 29 * HOUR,
            CaseHealth.STUCK,
        ),
        OpenCase(fresh.case_number, CHECK, MORNING, MORNING, None, CaseHealth.OK),
    ]
    assert [type(case.health) for case in found] == [CaseHealth, CaseHealth]
    assert {type(case.step) for case in found} == {Step}


def test_a_reset_case_is_at_the_step_of_its_new_run(office: Office, figures: SqlFigures) -> None:
    """What the run before it opened later is history."""
    case = office.case()
    office.opens(case, (CHECK, 1), (SIGN, 2), (CHECK, 9))
    office.opens(case, (CHECK, 4), run="two")
    assert [one.opened_at for one in of_city(figures).cases] == [MORNING + 4 * HOUR]


def test_what_was_left_is_counted_from_the_first_opening(office: Office, figures: SqlFigures) -> None:
    """Only of the city's cases that were reactivated, in the window."""
    done, before, rejected, elsewhere = office.case(), office.case(), office.case(), office.case("3275")
    office.opens(done, (CHECK, 1), (SIGN, 2), (CHECK, 3), (SIGN, 5))
    office.ends(done, 10)
    office.opens(before, (CHECK, 1))
    office.ends(before, 3)
    office.opens(rejected, (CHECK, 1))
    office.ends(rejected, 10, Outcome.REJECTED)
    office.opens(elsewhere, (CHECK, 1))
    office.ends(elsewhere, 10)
    in_window = of_city(figures, MORNING + 4 * HOUR).remaining
    assert in_window == {CHECK: [9 * HOUR], SIGN: [8 * HOUR]}
    assert {type(step) for step in in_window} == {Step}
    assert sorted(of_city(figures, MORNING + 3 * HOUR).remaining[CHECK]) == [2 * HOUR, 9 * HOUR]


def test_only_the_newest_cases_are_read(office: Office, figures: SqlFigures) -> None:
    """However many ended."""
    for at in (4, 6, 5):
        case = office.case()
        office.opens(case, (CHECK, 1))
        office.ends(case, at)
    assert sorted(of_city(figures, at_most=2).remaining[CHECK]) == [4 * HOUR, 5 * HOUR]


def test_an_answer_from_before_the_step_takes_no_time(office: Office, figures: SqlFigures) -> None:
    """It happened earlier and was told late."""
    case = office.case()
    office.opens(case, (CHECK, 5))
    office.ends(case, 4)
    assert of_city(figures).remaining == {CHECK: [timedelta(0)]}


def test_work_in_nobodys_hand_is_counted(engine: Engine, office: Office, figures: SqlFigures) -> None:
    """Open items of this city alone."""
    facts = {"kind": "answer", "step": CHECK, "attempt": 1, "role": "verifier", "opened_at": MORNING}
    here, elsewhere = office.case().case_number, office.case("3275").case_number
    items: list[dict[str, object]] = [
        {"key": "free", "case_number": here},
        {"key": "free too", "case_number": here},
        {"key": "taken", "case_number": here, "assignee": "rina"},
        {"key": "done", "case_number": here, "closed_at": MORNING},
        {"key": "elsewhere", "case_number": elsewhere},
    ]
    with engine.begin() as connection:
        connection.execute(
            insert(desk_items),
            [{"assignee": None, "closed_at": None, "reason": None, **facts, **item} for item in items],
        )
    assert of_city(figures).unassigned == 2
    assert [item.assignee for item in of_city(figures).held] == ["rina"]
    with engine.begin() as connection:
        connection.execute(update(desk_items).values(assignee=MACHINE))
    assert of_city(figures).unassigned == 0
    assert of_city(figures).held == ()


def test_outages_that_are_open_are_told(engine: Engine, figures: SqlFigures) -> None:
    """The longest first."""
    facts = {"opened_at": MORNING, "opened_by": "machine", "probes": 0}
    rows = [
        {"system": System.BPJS, "since": MORNING, "closed_at": None},
        {"system": System.KEMENSOS, "since": MORNING, "closed_at": MORNING},
        {"system": System.SIKS_NG, "since": MORNING - HOUR, "closed_at": None},
    ]
    with engine.begin() as connection:
        connection.execute(insert(outages), [{**facts, **row} for row in rows])
    assert of_city(figures).outages == ((System.SIKS_NG, MORNING - HOUR), (System.BPJS, MORNING))

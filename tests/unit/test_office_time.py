"""A case round the clock shows how much of its time the office is open."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.office_time import office_left
from cli.screens import CaseReport, case_screen, console
from gateways.policy_folder import PolicyFolder
from models.case import CaseState, Outcome, SlaState
from models.messages import CaseEvent, EventKind
from models.wib import WIB
from tests.builders import a_case

SHELF = PolicyFolder(Path(__file__).resolve().parents[2] / "policies")
HOUR = timedelta(hours=1)
THURSDAY = datetime(2026, 2, 12, 12, 40, tzinfo=WIB)


def a_state(due_at: datetime | None, city: str = "3674") -> CaseState:
    """Return an open emergency that is due at a time."""
    return CaseState(case=a_case(city=city, received_at=THURSDAY), since=THURSDAY, due_at=due_at)


def started(**facts: str) -> CaseEvent:
    """Return the start of a clock."""
    return CaseEvent(seq=2, kind=EventKind.SLA_STARTED, at=THURSDAY, facts=dict(facts))


@pytest.mark.parametrize(
    ("now", "due", "hours"),
    [
        ("2026-02-12 12:40", "2026-02-12 16:00", 3 + 1 / 3),
        ("2026-02-12 12:40", "2026-02-13 12:40", 8),
        ("2026-02-13 18:00", "2026-02-14 18:00", 0),  # a Friday evening
        ("2026-03-18 09:00", "2026-03-19 09:00", 0),  # Nyepi with its joint leave
        ("2026-02-12 12:40", "2026-02-12 10:00", 0),  # overdue
    ],
)
def test_it_is_the_working_time_until_the_case_is_due(now: str, due: str, hours: float) -> None:
    """Over a weekend or a holiday nothing is left, though a whole day is."""
    at = [datetime.fromisoformat(text).replace(tzinfo=WIB) for text in (now, due)]
    assert office_left(a_state(at[1]), [started(counts="24x7")], SHELF, at[0]) == hours * HOUR


def test_a_clock_that_counts_office_time_shows_nothing_beside_it() -> None:
    """As its newest start says; an older case by the policy of its track."""
    state = a_state(THURSDAY + 24 * HOUR)
    both = [started(counts="24x7"), started(counts="office")]
    assert office_left(state, both, SHELF, THURSDAY) is None
    assert office_left(state, both[::-1], SHELF, THURSDAY) == 8 * HOUR
    assert office_left(state, [started()], SHELF, THURSDAY) == 8 * HOUR


def test_what_is_not_known_is_left_out() -> None:
    """A year without a table of holidays, a city without policy: the screen comes all the same."""
    history = [started(counts="24x7")]
    far = datetime(2031, 2, 12, tzinfo=UTC)
    assert office_left(a_state(far + HOUR), history, SHELF, far) is None
    assert office_left(a_state(THURSDAY + HOUR, city="9999"), history, SHELF, THURSDAY) is None
    assert office_left(a_state(THURSDAY + HOUR, city="9999"), [], SHELF, THURSDAY) is None
    assert office_left(a_state(None), history, SHELF, THURSDAY) is None
    over = a_state(THURSDAY + HOUR).model_copy(update={"outcome": Outcome.REACTIVATED})
    assert office_left(over, history, SHELF, THURSDAY) is None


def test_broken_calendars_do_not_keep_a_case_from_being_shown(tmp_path: Path) -> None:
    """Whoever mends them has to look at cases too."""
    shelf = PolicyFolder(tmp_path)
    assert office_left(a_state(THURSDAY + HOUR), [started(counts="24x7")], shelf, THURSDAY) is None


def test_the_screen_tells_both_times() -> None:
    """While the case is in time; a late one says how late."""
    state = a_state(THURSDAY + 21 * HOUR)
    report = CaseReport(
        state=state,
        history=[],
        alerts=[],
        desk=[],
        undelivered=0,
        letters=[],
        erased_at=None,
        read_at=THURSDAY,
        office_left=timedelta(hours=3, minutes=20),
        people=None,
    )
    assert shown(report) == "2026-02-13 09:40:00 WIB (sesuai waktu; sisa 21 jam, jam kerja: 3 jam 20 menit)"
    weekend = replace(report, office_left=timedelta(0))
    assert shown(weekend) == "2026-02-13 09:40:00 WIB (sesuai waktu; sisa 21 jam, jam kerja: 0 jam)"
    assert shown(replace(report, office_left=None)) == "2026-02-13 09:40:00 WIB (sesuai waktu)"
    late = state.model_copy(
        update={"sla_state": SlaState.BREACHED, "detected_at": THURSDAY + 21 * HOUR + timedelta(minutes=5)}
    )
    later = replace(report, state=late, read_at=THURSDAY + 22 * HOUR, office_left=timedelta(0))
    assert shown(later) == "2026-02-13 09:40:00 WIB (LEWAT BATAS, terlambat 1 jam)"


def shown(report: CaseReport) -> str:
    """Return the screen's line about the due time."""
    screen = console()
    with screen.capture() as captured:
        screen.print(case_screen(report, SHELF.reasons(), None))
    (line,) = [line for line in captured.get().splitlines() if line.startswith("due")]
    return line.removeprefix("due").strip()

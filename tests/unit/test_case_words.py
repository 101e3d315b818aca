"""What is said of where a case stands: true in each state, whatever it is not yet or no more."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from cli.screens import CaseReport, case_screen, console
from models.case import CaseState, Outcome, SlaState, WaitingOn
from models.case_words import CaseWords
from models.messages import CaseEvent, EventKind
from models.texts import details
from models.wib import WIB
from runtime.web_ui import WebUi
from tests.builders import a_case
from tests.unit.test_office_time import SHELF

NOON = datetime(2026, 2, 12, 12, 0, tzinfo=WIB)
HOUR = timedelta(hours=1)
REGISTERED, STARTED = EventKind.CASE_REGISTERED, EventKind.SLA_STARTED
OPENED = EventKind.CASE_OPENED


def told(*kinds: EventKind, now: datetime = NOON, **state: object) -> CaseWords:
    """Return the words on a case that was registered at noon and told these events."""
    history = [CaseEvent(seq=seq, kind=kind, at=NOON) for seq, kind in enumerate((REGISTERED, *kinds), 1)]
    found = CaseState(case=a_case(received_at=NOON), since=NOON).model_copy(update=state)
    return CaseWords.of(found, history, now)


def test_a_case_that_was_never_begun_waits_for_a_worker() -> None:
    """Not for an officer, and not for papers: nobody knows yet whether any is missing."""
    assert told().waiting == "worker, yang memulai kasus ini, sejak 2026-02-12 12:00:00 WIB"
    assert told().due == "belum berjalan"
    assert told(OPENED).waiting == "petugas Dinsos sejak 2026-02-12 12:00:00 WIB"


@pytest.mark.parametrize(
    ("kinds", "state", "words"),
    [
        ((OPENED,), {}, "belum berjalan: mulai saat berkas lengkap"),
        ((OPENED, STARTED), {"sla_state": SlaState.PAUSED}, "tidak berjalan selama dijeda"),
        ((OPENED, STARTED), {"sla_state": SlaState.BREACHED}, "LEWAT BATAS; tidak berjalan selama dijeda"),
        ((), {"outcome": Outcome.WITHDRAWN, "closed_at": NOON}, "tidak pernah berjalan"),
        (
            (OPENED, STARTED),
            {"outcome": Outcome.WITHDRAWN, "closed_at": NOON, "sla_state": SlaState.MET},
            "tidak berjalan lagi saat kasus berakhir",
        ),
    ],
)
def test_a_case_without_a_due_time_says_why(
    kinds: Sequence[EventKind], state: dict[str, object], words: str
) -> None:
    """Not begun, no complete file yet, paused without an end, over: each something else."""
    assert told(*kinds, **state).due == words  # type: ignore[arg-type]  # fields of the state


def test_a_late_case_says_how_late_it_is_now() -> None:
    """Not how late it was when it was noticed; one that nobody noticed is late all the same."""
    later = NOON + 5 * HOUR
    late = {"due_at": NOON + HOUR, "detected_at": NOON + 2 * HOUR, "sla_state": SlaState.BREACHED}
    assert told(STARTED, now=later, **late).due.endswith("(LEWAT BATAS, terlambat 4 jam)")
    unnoticed = told(STARTED, now=later, due_at=NOON + HOUR)
    assert unnoticed.due.endswith("(LEWAT BATAS, belum dicatat, terlambat 4 jam)")
    assert unnoticed.is_past_due
    ended = {"outcome": Outcome.REACTIVATED, "closed_at": NOON + 3 * HOUR, "sla_state": SlaState.MISSED}
    over = told(STARTED, now=later, **(late | ended))
    assert over.due.endswith("(terlambat 2 jam)")
    assert not over.is_past_due


def test_the_supervisors_screen_in_the_web_ui_says_the_same() -> None:
    """Its words stay as they were when the case last moved: lateness is of then."""
    state = CaseState(case=a_case(received_at=NOON), since=NOON)
    assert "belum berjalan: mulai saat berkas lengkap" in details(state)
    paused = state.model_copy(update={"sla_state": SlaState.PAUSED, "waiting_on": WaitingOn.APPLICANT})
    assert "Batas waktu: tidak berjalan selama dijeda (dijeda)" in details(paused)
    over = state.model_copy(update={"outcome": Outcome.WITHDRAWN, "closed_at": NOON})
    assert "Batas waktu: tidak ada" in details(over)
    late = state.model_copy(update={"due_at": NOON, "detected_at": NOON + HOUR})
    assert "Terlambat saat dicatat: 1 jam" in details(late)


def a_report(**fields: object) -> CaseReport:
    """Return a case as `show` reads it."""
    state = CaseState(case=a_case(received_at=NOON), since=NOON)
    values: dict[str, object] = {
        "state": state,
        "history": (),
        "alerts": (),
        "desk": (),
        "undelivered": 0,
        "letters": (),
        "erased_at": None,
        "read_at": NOON,
        "office_left": None,
        "people": None,
    }
    return CaseReport(**(values | fields))  # type: ignore[arg-type]  # a builder takes any field


def screen_of(report: CaseReport, ui: WebUi | None = None) -> str:
    """Return the screen as text."""
    screen = console()
    with screen.capture() as captured:
        screen.print(case_screen(report, SHELF.reasons(), ui))
    return captured.get()


def test_what_happened_in_another_year_says_in_which() -> None:
    """December is not this December."""
    events = [
        CaseEvent(seq=1, kind=REGISTERED, at=NOON - timedelta(days=60)),
        CaseEvent(seq=2, kind=OPENED, at=NOON),
    ]
    lines = screen_of(a_report(history=events)).splitlines()
    assert any("2025-12-14 12:00:00" in line for line in lines)
    assert any(" 02-12 12:00:00" in line and "2026" not in line for line in lines)


def test_commands_to_a_case_that_is_over_are_not_said_to_be_delivered() -> None:
    """It refuses them."""
    assert "2 command(s); a worker delivers them" in screen_of(a_report(undelivered=2))
    over = CaseState(case=a_case(), since=NOON, outcome=Outcome.WITHDRAWN, closed_at=NOON)
    told_of = screen_of(a_report(undelivered=2, state=over))
    assert "2 command(s); the case is over, and refuses them" in told_of


def test_the_page_of_a_case_is_in_its_own_namespace() -> None:
    """And there is none where no Web UI is known."""
    report = a_report()
    assert "web ui" not in screen_of(report)
    address = f"http://ui:8233/namespaces/reaktivasi/workflows/{report.state.case.case_number}"
    assert address in screen_of(report, WebUi("http://ui:8233", "reaktivasi"))

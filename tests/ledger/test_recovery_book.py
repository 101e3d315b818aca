"""What recovery reads of a ledger: what it lacks of a case, by what it holds and not by events alone."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, select

from gateways import submission_rows
from gateways.sql_ledger import SqlLedger
from gateways.sql_recovery import SqlRecovery
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Step
from models.desk import CaseMessage, NewLetter, PortalReceipt
from models.desk_tables import submissions
from models.dossier import Upload
from models.errors import WrongState
from models.messages import Acknowledge, CaseEvent, EventKind, Extend, Shorten
from models.recovery import Loss, Told
from models.tables import case_events
from tests.ledger.builders import MORNING, a_new_case, a_record, a_state, a_telling, an_event
from tests.vaults import a_vault

ANSWERED = EventKind.ANSWER_RECORDED


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case."""
    return registry.register(a_new_case()).case


@pytest.fixture
def book(engine: Engine) -> SqlRecovery:
    """The ledger as recovery reads it."""
    return SqlRecovery(engine, a_vault())


def answered(step: Step, decision: str = "approved", attempt: int = 1, **facts: str) -> CaseEvent:
    """Return the event that a step was answered."""
    told = {"step": step, "attempt": attempt, "reason": None, "facts": {"decision": decision, **facts}}
    return an_event(2, ANSWERED).model_copy(update=told)


def lost(told: Told, event: CaseEvent) -> list[Loss]:
    """Return what an event stands for and the ledger does not hold."""
    return list(told.lost(event))


def test_a_run_that_stands_before_what_it_told_is_known(
    ledger: SqlLedger, book: SqlRecovery, case: CaseRef
) -> None:
    """Temporal was put back and the run goes another time the same way: the ledger hears no such telling."""
    told, again = MORNING, MORNING + timedelta(minutes=1)
    ledger.record(a_telling(a_state(case, 2), an_event(2), task=23, at=told))
    known = book.told(case.case_number)
    assert known.is_beyond("first", (21, again, 2))
    assert ledger.record(a_telling(a_state(case, 3), an_event(2), an_event(3), task=21, at=again)) == []
    assert not known.is_beyond("first", (23, told, 2))
    assert not known.is_beyond("first", (25, again, 2))
    assert not known.is_beyond("second", (21, again, 2)), "another run is told anew"


def test_an_upload_without_its_submission_was_lost(
    ledger: SqlLedger, book: SqlRecovery, case: CaseRef
) -> None:
    """Also where the event itself was told after the ledger was put back: the row came before it."""
    uploaded = answered(Step.SIKS_NG_UPLOAD)
    ledger.record(a_telling(a_state(case, 2), uploaded))
    assert lost(book.told(case.case_number), uploaded) == [Loss.RECEIPT]
    ledger.save_submission(case.case_number, 1, "SIKS-1", MORNING)
    assert lost(book.told(case.case_number), uploaded) == []
    assert lost(book.told(case.case_number), answered(Step.SIKS_NG_UPLOAD, attempt=2)) == [Loss.RECEIPT]
    assert lost(book.told(case.case_number), answered(Step.SIKS_NG_UPLOAD, "handed_over", attempt=2)) == []


def test_a_case_begun_anew_does_not_upload_again_what_a_run_before_did(
    ledger: SqlLedger, book: SqlRecovery, case: CaseRef
) -> None:
    """It counts its attempts from one again; SIKS-NG knows the newest by its own key."""
    number = case.case_number
    assert ledger.upload(number, 1) == Upload(1, is_begun=False)
    ledger.begin_submission(number, 2)
    assert ledger.upload(number, 1) == Upload(2, is_begun=True)
    ledger.save_submission(number, 2, "SIKS-2", MORNING)
    assert ledger.upload(number, 1) == ledger.upload(number, 2) == Upload(2, is_begun=True)
    assert ledger.upload(number, 3) == Upload(3, is_begun=False), "returned since: another one is wanted"
    assert lost(book.told(number), answered(Step.SIKS_NG_UPLOAD)) == [], "or it would be begun anew for ever"


def test_an_upload_whose_receipt_became_void_is_done_again(
    ledger: SqlLedger, engine: Engine, case: CaseRef
) -> None:
    """Under a key that was never used, however the run counts."""
    ledger.begin_submission(case.case_number, 2)
    ledger.save_submission(case.case_number, 2, "SIKS-2", MORNING)
    with engine.begin() as connection:
        submission_rows.void(connection, case.case_number, 2, "tangsel-supervisor", MORNING)
    assert ledger.upload(case.case_number, 1) == Upload(3, is_begun=False)


def test_a_recommendation_without_its_letter_was_lost(
    ledger: SqlLedger, book: SqlRecovery, case: CaseRef
) -> None:
    """A step that was returned leaves no letter."""
    assert lost(book.told(case.case_number), answered(Step.RECOMMENDATION)) == [Loss.LETTER]
    assert lost(book.told(case.case_number), answered(Step.RECOMMENDATION, "returned")) == []
    ledger.issue_letter(case.case_number, 1, NewLetter(MORNING.date(), "dg", lambda n, _: str(n), None))
    assert lost(book.told(case.case_number), answered(Step.RECOMMENDATION)) == []


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (ANSWERED, Loss.ANSWER),
        (EventKind.PAPERS_ADDED, Loss.PAPERS),
        (EventKind.TRACK_SWITCHED, Loss.TRACK),
        (EventKind.DATA_CORRECTED, Loss.DATA),
    ],
)
def test_what_people_gave_was_lost_with_their_command(
    book: SqlRecovery, case: CaseRef, kind: EventKind, what: Loss
) -> None:
    """The ledger writes a command before it is given; the machine gives none."""
    by_hand = an_event(2, kind).model_copy(update={"facts": {"command": "c-1", "by": "sari"}})
    assert lost(book.told(case.case_number), by_hand) == [what]
    assert lost(book.told(case.case_number), an_event(2, kind)) == []
    retried = by_hand.model_copy(update={"kind": EventKind.STEP_RETRIED})
    assert lost(book.told(case.case_number), retried) == [], "a retry leaves nothing that is needed later"


@pytest.mark.parametrize(
    ("kind", "facts", "message"),
    [
        (
            EventKind.SLA_EXTENDED,
            {"minutes": 180},
            Extend(command_id="c-1", actor="sari", by=timedelta(hours=3)),
        ),
        (
            EventKind.SLA_EXTENDED,
            {},
            Extend(command_id="c-1", actor="sari", until=MORNING + timedelta(days=3)),
        ),
        (
            EventKind.SLA_SHORTENED,
            {"minutes": -60},
            Shorten(command_id="c-1", actor="sari", by=timedelta(hours=1)),
        ),
        (EventKind.SLA_ACKNOWLEDGED, {}, Acknowledge(command_id="c-1", actor="sari")),
    ],
)
def test_what_moved_the_due_time_is_written_again_as_the_case_told_it(
    book: SqlRecovery, case: CaseRef, kind: EventKind, facts: dict[str, int], message: CaseMessage
) -> None:
    """Only the reason in words is lost: the case never had it. Written once, also when it is done twice."""
    due = {"due_was": "none", "due": f"{MORNING + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"}
    told = {"by": "sari", "command": "c-1", **due, **facts}
    event = an_event(3, kind).model_copy(update={"facts": told})
    (command,) = book.told(case.case_number).lost_of_clock(event)
    assert (command.message, command.actor, command.given_at) == (message, "sari", event.at)
    for _ in range(2):
        book.keep([command])
    assert book.given_to_clock(case.case_number) == [command]
    assert list(book.told(case.case_number).lost_of_clock(event)) == []


def test_a_case_that_ended_with_a_gap_in_its_story_is_found(
    ledger: SqlLedger, book: SqlRecovery, case: CaseRef, engine: Engine
) -> None:
    """It came to its end after the ledger was put back: what it told in between is told again."""
    closing = an_event(4, EventKind.CASE_CLOSED)
    ledger.record(a_record(case, an_event(2), an_event(3), closing, closed=True))
    assert book.cases_with_gaps() == []
    with engine.begin() as connection:
        connection.execute(delete(case_events).where(case_events.c.seq == 3))
    assert book.cases_with_gaps() == [case.case_number]
    assert book.told(case.case_number).has_gap


def test_a_whole_story_of_another_epoch_has_no_gap(
    ledger: SqlLedger, book: SqlRecovery, case: CaseRef
) -> None:
    """A story that a reset began anew has no first event of its own."""
    ledger.record(a_record(case, an_event(2), an_event(3)))
    ending = a_state(case, 3, closed=True)
    ledger.record(a_telling(ending, an_event(2), an_event(3, EventKind.CASE_CLOSED), run="second"))
    assert book.cases_with_gaps() == []
    assert not book.told(case.case_number).has_gap


def test_a_receipt_that_an_answer_without_effect_left_may_be_given_again(
    engine: Engine, case: CaseRef
) -> None:
    """Somebody answered beside an older ledger; begun anew, the case asks for the same upload."""
    of_attempt = (case.case_number, 1)
    told, other = PortalReceipt("SNG-1", MORNING, None), PortalReceipt("SNG-2", MORNING, None)
    for again in (told, PortalReceipt("sng-1", MORNING, None)):
        with engine.begin() as connection:
            submission_rows.keep(connection, a_vault(), of_attempt, again, "siti", MORNING)
    with engine.begin() as connection:
        submission_rows.keep(connection, a_vault(), of_attempt, other, "siti", MORNING)
        assert submission_rows.receipt(connection, a_vault(), *of_attempt) == other
        submission_rows.void(connection, *of_attempt, "tangsel-supervisor", MORNING)
        assert submission_rows.receipt(connection, a_vault(), *of_attempt) is None
        submission_rows.keep(connection, a_vault(), of_attempt, told, "siti", MORNING)
    with engine.begin() as connection:
        rows = connection.execute(select(submissions).order_by(submissions.c.attempt)).all()
    assert [row.voided_at is None for row in rows] == [False, False, True], "nothing is overwritten"
    assert SqlLedger(engine, a_vault()).submission_reference(case.case_number) == "SNG-1"


def test_a_reference_that_the_case_was_given_before_is_taken_from_the_portal_again(
    ledger: SqlLedger, engine: Engine, case: CaseRef
) -> None:
    """By hand too: begun anew the case asks for attempt 1, and the portal shows what attempt 2 was given."""
    ledger.save_submission(case.case_number, 2, "SIKS-2", MORNING)
    receipt = PortalReceipt("SIKS-2", MORNING, None)
    with engine.begin() as connection:
        submission_rows.keep(connection, a_vault(), (case.case_number, 1), receipt, "siti", MORNING)
    assert ledger.submission_reference(case.case_number) == "SIKS-2"
    with engine.begin() as connection, pytest.raises(WrongState, match="belongs to"):
        submission_rows.keep(connection, a_vault(), (case.case_number, 3), receipt, "siti", MORNING)

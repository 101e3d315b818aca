"""What an attempt leaves in the ledger: a letter, a reference, alerts, notes."""

from collections.abc import Callable
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Engine

from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef
from models.desk import NewLetter
from models.errors import NotFound, ReferenceTaken, WrongState
from models.outbox import Addressed
from models.policy import DocumentKind
from tests.ledger.builders import MORNING, a_closing, a_new_case, a_paper, an_alert, at_once
from tests.vaults import a_vault

_TODAY = date(2026, 3, 2)


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case."""
    return registry.register(a_new_case()).case


@pytest.fixture
def other(registry: SqlRegistry) -> CaseRef:
    """Register a case of somebody else."""
    return registry.register(a_new_case()).case


def a_letter(digest: str = "d1") -> NewLetter:
    """Return a letter to be issued today."""
    return NewLetter(_TODAY, digest, lambda sequence, day: f"400.9/{sequence:04d}/DINSOS/{day.year}", None)


def test_a_letter_that_says_the_same_stands(engine: Engine, ledger: SqlLedger, case: CaseRef) -> None:
    """Asking again gives the same letter; when the ledger says something else, another replaces it."""
    assert ledger.letter(case.case_number) is None
    assert ledger.dossier(case.case_number).letter_number is None
    issued = [
        ledger.issue_letter(case.case_number, 1, a_letter(digest)) for digest in ("d1", "d1", "d2", "d2")
    ]
    first, second = "400.9/0001/DINSOS/2026", "400.9/0002/DINSOS/2026"
    assert [letter.number for letter in issued] == [first, first, second, second]
    assert ledger.letter(case.case_number) == issued[-1]
    assert ledger.dossier(case.case_number).letter_number == second
    kept = SqlDeskBook(engine, a_vault()).letters(case.case_number)
    assert [(letter.number, letter.is_valid) for letter in kept] == [(first, False), (second, True)]


def test_fifty_letters_at_once_have_numbers_without_gap_or_repeat(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry
) -> None:
    """Ten cases asked five times each use ten numbers, and the other city counts for itself."""
    ours = [registry.register(a_new_case()).case.case_number for _ in range(10)]
    theirs = [registry.register(a_new_case(city="3275")).case.case_number for _ in range(2)]
    issued = at_once([partial(ledger.issue_letter, number, 1, a_letter()) for number in ours * 5 + theirs])
    by_case = {letter.case_number: letter.number for letter in issued}
    assert sorted(by_case[number] for number in ours) == [f"400.9/{n:04d}/DINSOS/2026" for n in range(1, 11)]
    assert sorted(by_case[number] for number in theirs) == [f"400.9/{n:04d}/DINSOS/2026" for n in (1, 2)]
    assert len({letter.verification_code for letter in issued}) == 12


def test_first_reference_of_an_attempt_stays(ledger: SqlLedger, case: CaseRef) -> None:
    """Saving again changes nothing; the latest attempt's reference is the one to ask about."""
    assert ledger.submission_reference(case.case_number) is None
    ledger.save_submission(case.case_number, 1, "S-1", MORNING)
    ledger.save_submission(case.case_number, 1, "S-1", MORNING)
    ledger.save_submission(case.case_number, 1, "S-9", MORNING)
    assert ledger.submission_reference(case.case_number) == "S-1"
    ledger.save_submission(case.case_number, 2, "S-2", MORNING)
    assert ledger.submission_reference(case.case_number) == "S-2"


def test_new_attempt_may_be_answered_with_the_old_reference(ledger: SqlLedger, case: CaseRef) -> None:
    """SIKS-NG may keep one reference for a case; that is no quarrel."""
    ledger.save_submission(case.case_number, 1, "S-1", MORNING)
    ledger.save_submission(case.case_number, 2, "S-1", MORNING)
    assert ledger.submission_reference(case.case_number) == "S-1"


def test_reference_of_another_case_is_told_with_both_cases(
    ledger: SqlLedger, case: CaseRef, other: CaseRef
) -> None:
    """Whether or not the attempt has a reference already; and nothing is changed."""
    ledger.save_submission(case.case_number, 1, "S-1", MORNING)
    words = f"the reference for {other.case_number} belongs to {case.case_number} already"
    with pytest.raises(ReferenceTaken, match=words) as taken:
        ledger.save_submission(other.case_number, 1, "S-1", MORNING)
    assert taken.value.code == f"ReferenceTaken:{case.case_number}"
    assert ledger.submission_reference(other.case_number) is None
    ledger.save_submission(other.case_number, 1, "S-2", MORNING)
    with pytest.raises(ReferenceTaken):
        ledger.save_submission(other.case_number, 1, "S-1", MORNING)
    assert ledger.submission_reference(other.case_number) == "S-2"


@pytest.mark.parametrize(
    "again", ["sng-2/x", " SNG - 2 / X", "SNG\N{EN DASH}2/X", "\uff33NG\N{MINUS SIGN}2\uff0fX"]
)
def test_one_reference_written_in_another_way_is_one(
    ledger: SqlLedger, case: CaseRef, other: CaseRef, again: str
) -> None:
    """Capitals, spaces, wide letters and dashes make no other; it stays as it was written first."""
    ledger.save_submission(case.case_number, 1, "SNG-2/X", MORNING)
    with pytest.raises(ReferenceTaken):
        ledger.save_submission(other.case_number, 1, again, MORNING)
    assert ledger.submission_reference(case.case_number) == "SNG-2/X"
    ledger.save_submission(other.case_number, 1, "SNG2/X", MORNING)
    assert ledger.submission_reference(other.case_number) == "SNG2/X"


def test_alert_is_kept_once_per_key(outbox: SqlOutbox, registry: SqlRegistry, case: CaseRef) -> None:
    """The second one is told to be no news, and the first one stays."""
    assert outbox.put([Addressed(an_alert(case), ())]) == [an_alert(case)]
    assert outbox.put([Addressed(an_alert(case, level=3), ())]) == []
    assert registry.alerts(case.case_number) == [an_alert(case)]


def test_alert_raised_ten_times_at_once_is_news_once(outbox: SqlOutbox, case: CaseRef) -> None:
    """Exactly one caller is told that it is new."""
    news = at_once([lambda: outbox.put([Addressed(an_alert(case), ())])] * 10)
    assert sum(map(len, news)) == 1


def test_alerts_come_in_the_order_they_were_raised(
    outbox: SqlOutbox, registry: SqlRegistry, case: CaseRef, other: CaseRef
) -> None:
    """Only those of the case."""
    raised = [an_alert(case, "b", minute=0), an_alert(case, "a", minute=1), an_alert(case, "c", minute=2)]
    for alert in [an_alert(other, "z"), *reversed(raised)]:
        outbox.put([Addressed(alert, ())])
    assert registry.alerts(case.case_number) == raised


def test_nothing_is_kept_for_an_unknown_case(
    ledger: SqlLedger, outbox: SqlOutbox, registry: SqlRegistry, case: CaseRef
) -> None:
    """Every write says NotFound; every list is empty."""
    stranger = case.model_copy(update={"case_number": "PBI-3674-2026-999999"})
    number = stranger.case_number
    writes: list[Callable[[], object]] = [
        lambda: ledger.issue_letter(number, 1, a_letter()),
        lambda: ledger.save_submission(number, 1, "S-1", MORNING),
        lambda: outbox.put([Addressed(an_alert(stranger), ())]),
    ]
    for write in writes:
        with pytest.raises(NotFound):
            write()
    for look in (registry.history, registry.alerts):
        assert look(number) == []


def test_papers_that_come_later_are_added_once_and_in_order(registry: SqlRegistry, case: CaseRef) -> None:
    """The same paper again adds nothing; another kind of the same content is another paper."""
    ktp, kk = a_paper(DocumentKind.KTP), a_paper(DocumentKind.KK)
    assert [registry.add_papers(case.case_number, papers) for papers in ([ktp], [ktp, kk], [kk])] == [1, 1, 0]
    assert registry.papers(case.case_number) == [ktp, kk]


def test_a_closed_case_takes_no_papers(registry: SqlRegistry, ledger: SqlLedger, case: CaseRef) -> None:
    """What is over stays as it was; the operator is told how it ended."""
    ledger.record(a_closing(case))
    with pytest.raises(WrongState, match="reactivated"):
        registry.add_papers(case.case_number, [a_paper(DocumentKind.KTP)])

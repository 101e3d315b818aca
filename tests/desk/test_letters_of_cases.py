"""The office's letters: numbers without gaps, one valid letter a case, and never one that is not true."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import Row, func, select

from desk.decisions import Said, Verb
from desk.orders import Hand
from models.audit_tables import accesses
from models.case import CaseHealth, CaseRef, Outcome, Step
from models.desk import Completion, NewLetter
from models.desk_tables import commands
from models.desk_tables import letters as all_letters
from models.errors import DocumentLost, NotFound, WrongState
from models.messages import GiveAnswer
from tests.builders import a_person
from tests.desk.bench import (
    APPROVE,
    COUNTER,
    OPERATOR,
    SIGNER,
    SUPERVISOR,
    VERIFIER,
    Bench,
    an_ask,
    personal,
)
from tests.ledger.builders import at_once

LETTER = Step.RECOMMENDATION


def _sequence(number: str) -> int:
    return int(number.split("/")[1])


def _issued(bench: Bench, city: str) -> int:
    """Return how many letters there are of a city."""
    is_of_city = all_letters.c.case_number.startswith(f"PBI-{city}-")
    of_city = select(func.count()).select_from(all_letters).where(is_of_city)
    with bench.engine.begin() as connection:
        return int(connection.execute(of_city).scalar_one())


def _seen(bench: Bench, case: CaseRef) -> list[Row[Any]]:
    """Return what was shown of a case."""
    with bench.engine.begin() as connection:
        query = select(accesses).where(accesses.c.case_number == case.case_number)
        return list(connection.execute(query).all())


def _signed(bench: Bench, **fields: object) -> CaseRef:
    case = bench.case(LETTER, **fields)  # type: ignore[arg-type]  # a builder hands on fields
    bench.sign(case)
    return case


def test_a_signature_issues_a_numbered_letter_and_its_pdf(bench: Bench) -> None:
    """Number, day and signer; the PDF in the store names the person, and nothing else does."""
    person = a_person(name="Contoh Kenanga")
    case = _signed(bench, person=person)
    (letter,) = bench.book.letters(case.case_number)
    assert letter.number.startswith("400.9/")
    assert letter.number.endswith("/DINSOS/2026")
    assert (letter.issued_on, letter.signer, letter.attempt) == (date(2026, 3, 2), SIGNER, 1)
    assert letter.is_valid
    assert letter.pdf_sha256 is not None
    (page,) = PdfReader(BytesIO(bench.documents.get(letter.pdf_sha256))).pages
    text = page.extract_text()
    for said in (letter.number, letter.verification_code, "Contoh Kenanga", person.nik, "Pamulang"):
        assert said in text
    (row,) = bench.rows(commands, case)
    assert not any(word in str(row) + repr(letter) for word in personal(person))


def test_a_letter_printed_twice_is_the_same_bytes(bench: Bench) -> None:
    """Whoever prints it, and also when the data were corrected since: it is the letter that was signed."""
    case = _signed(bench)
    first = bench.work.print_letter(Hand(SIGNER), case.case_number)
    bench.move(case, Step.KEMENSOS_VERIFICATION, health=CaseHealth.STUCK)
    bench.work.correct(Hand(COUNTER), case.case_number, {"name": "Contoh Lain"})
    second = bench.work.print_letter(Hand(COUNTER), case.case_number)
    assert second == first
    assert second.pdf.startswith(b"%PDF-")


def test_a_printed_letter_that_is_gone_is_not_made_up_again(bench: Bench) -> None:
    """The store lost it: that is told, and no other document takes its place."""
    case = _signed(bench)
    sha256 = bench.book.letters(case.case_number)[0].pdf_sha256
    assert sha256 is not None
    bench.place(sha256).write_bytes(b"%PDF-lain")
    with pytest.raises(DocumentLost):
        bench.work.print_letter(Hand(COUNTER), case.case_number)


def test_a_letter_issued_anew_has_the_next_number(bench: Bench) -> None:
    """The old one is kept, void, under its own number and document; only one is valid."""
    case = _signed(bench)
    bench.clock.now += timedelta(days=1)
    new = bench.work.reissue_letter(Hand(SIGNER), case.case_number, "salah ketik").letter
    before, after = bench.book.letters(case.case_number)
    assert (before.is_valid, after.is_valid) == (False, True)
    assert before.voided_at == bench.clock()
    assert _sequence(after.number) == _sequence(before.number) + 1
    assert after.number == new.number
    assert after.issued_on == date(2026, 3, 3)
    assert before.verification_code != after.verification_code
    assert before.pdf_sha256 != after.pdf_sha256
    assert bench.documents.is_intact(str(before.pdf_sha256))
    assert "salah ketik" in bench.book.notes(case.case_number).values()
    assert bench.ledger.letter(case.case_number) == after


def test_a_second_approval_makes_the_first_letter_void(bench: Bench) -> None:
    """The case came back and was signed again, in another round."""
    case = _signed(bench)
    bench.move(case, LETTER, attempt=2)
    bench.sign(case)
    letters = bench.book.letters(case.case_number)
    assert [(letter.attempt, letter.is_valid) for letter in letters] == [(1, False), (2, True)]


def test_a_code_finds_its_letter(bench: Bench) -> None:
    """As somebody types it from paper; a void letter is found and says so, an unknown code is not."""
    case = _signed(bench)
    bench.work.reissue_letter(Hand(SIGNER), case.case_number, "salah ketik")
    for letter in bench.book.letters(case.case_number):
        typed = f" {letter.verification_code.lower()} "
        assert bench.work.letters.verify(typed) == letter
        assert not set(letter.verification_code) & set("01OI")
    with pytest.raises(NotFound):
        bench.work.letters.verify("TIDAKADA22")


def test_a_letter_that_is_no_longer_true_is_not_printed(bench: Bench) -> None:
    """It was issued and never printed, then the data changed: it is issued anew, and says the new name."""
    case = bench.case(LETTER)
    number = case.case_number
    bench.ledger.issue_letter(number, 1, bench.work.letters.draft(number, SIGNER, bench.clock()))
    bench.move(case, Step.KEMENSOS_VERIFICATION, health=CaseHealth.STUCK)
    bench.work.correct(Hand(COUNTER), number, {"name": "Contoh Terkini"})
    with pytest.raises(WrongState, match="the data changed since the letter was issued"):
        bench.work.print_letter(Hand(COUNTER), number)
    printed = bench.work.reissue_letter(Hand(SIGNER), number, "nama dibetulkan")
    assert "Contoh Terkini" in PdfReader(BytesIO(printed.pdf)).pages[0].extract_text()


def test_what_no_letter_prints_leaves_it_true(bench: Bench) -> None:
    """A corrected phone number is no reason to sign again."""
    case = bench.case(LETTER)
    number = case.case_number
    bench.ledger.issue_letter(number, 1, bench.work.letters.draft(number, SIGNER, bench.clock()))
    bench.move(case, Step.KEMENSOS_VERIFICATION, health=CaseHealth.STUCK)
    bench.work.correct(Hand(COUNTER), number, {"phone": "081299990000"})
    assert bench.work.print_letter(Hand(COUNTER), number).pdf.startswith(b"%PDF-")


def test_without_a_letter_there_is_nothing_to_print_or_replace(bench: Bench) -> None:
    """It is issued with the recommendation."""
    number = bench.case(LETTER).case_number
    with pytest.raises(NotFound, match="has no letter: it is issued with the recommendation"):
        bench.work.print_letter(Hand(COUNTER), number)
    with pytest.raises(WrongState, match="no letter to replace"):
        bench.work.reissue_letter(Hand(SIGNER), number, "x")


@pytest.mark.parametrize(
    "said", [Said(Verb.RETURN, "SURAT_DINSOS_SALAH"), Said(Verb.REJECT, "DINILAI_MAMPU")]
)
def test_a_no_issues_no_letter(bench: Bench, said: Said) -> None:
    """Only a signature does."""
    item = bench.claimed(SIGNER, LETTER)
    bench.work.complete(Hand(SIGNER), item.id, said)
    assert bench.book.letters(item.case.case_number) == []


@pytest.mark.parametrize("many", [20, pytest.param(50, marks=pytest.mark.slow)])
def test_letters_signed_at_once_are_numbered_without_gap_or_repeat(bench: Bench, many: int) -> None:
    """Cases of Bekasi, one thread each, through the officers' counter: 1 to 20, or the 50 that follow."""
    signer = Hand("bekasi-penandatangan")
    before = _issued(bench, "3275")
    cases = [bench.case(LETTER, city="3275", kecamatan="Bekasi Timur") for _ in range(many)]
    items = [bench.work.claim(signer, bench.open(case).id) for case in cases]
    at_once([partial(bench.work.complete, signer, item.id, APPROVE) for item in items])
    letters = [letter for case in cases for letter in bench.book.letters(case.case_number)]
    assert sorted(_sequence(letter.number) for letter in letters) == list(
        range(before + 1, before + many + 1)
    )
    assert len({letter.verification_code for letter in letters}) == many
    assert len({letter.pdf_sha256 for letter in letters}) == many


def test_a_completion_that_fails_gives_no_number_away(bench: Bench) -> None:
    """Work in another hand, a reference that is taken, a case that is over: the number is given back."""
    first = _sequence(bench.book.letters(_signed(bench).case_number)[0].number)
    letter = NewLetter(date(2026, 3, 2), "d", lambda n, day: f"400.9/{n:04d}/DINSOS/{day.year}", SIGNER)

    lost = bench.claimed(SIGNER, LETTER)
    command = bench.work.complete(Hand(VERIFIER), bench.claimed(VERIFIER).id, APPROVE)
    assert isinstance(command.message, GiveAnswer)
    message = command.message.model_copy(update={"command_id": f"gap-{lost.id}", "step": LETTER})
    good = Completion(
        replace(command, case_number=lost.case.case_number, message=message),
        item=lost.id,
        expects=SIGNER,
        letter=letter,
    )
    taken = bench.claimed(OPERATOR, Step.SIKS_NG_UPLOAD)
    bench.work.complete(Hand(OPERATOR), taken.id, bench.uploaded("SUDAH-ADA"))
    receipt = bench.book.receipt(taken.case.case_number, 1)
    over = bench.case(LETTER)
    bench.close(over)
    for bad in (
        replace(good, expects=VERIFIER),
        replace(good, receipt=receipt),
        replace(good, command=replace(good.command, case_number=over.case_number)),
    ):
        with pytest.raises(WrongState):
            bench.book.give(bad)
    assert bench.book.item(lost.id) == lost
    bench.book.give(good)
    assert _sequence(bench.book.letters(lost.case.case_number)[0].number) == first + 1


def test_forty_failures_beside_ten_signatures_leave_no_gap(bench: Bench) -> None:
    """Five threads want to finish each of ten pieces of work: ten letters, next to each other."""
    first = _sequence(bench.book.letters(_signed(bench).case_number)[0].number)
    items = [bench.claimed(SIGNER, LETTER) for _ in range(10)]

    def sign(number: int) -> bool:
        try:
            bench.work.complete(Hand(SIGNER), number, APPROVE)
        except WrongState:
            return False
        return True

    with ThreadPoolExecutor(25) as threads:
        assert sum(threads.map(sign, [item.id for item in items] * 5)) == 10
    letters = [letter for item in items for letter in bench.book.letters(item.case.case_number)]
    assert sorted(_sequence(letter.number) for letter in letters) == list(range(first + 1, first + 11))


def test_numbers_begin_anew_with_the_year(bench: Bench) -> None:
    """By the day of the signature in WIB, an hour after midnight in Jakarta."""
    bench.clock.now = datetime(2027, 12, 31, 18, 0, tzinfo=UTC)
    (letter,) = bench.book.letters(_signed(bench).case_number)
    assert letter.number == "400.9/0001/DINSOS/2028"
    assert letter.issued_on == date(2028, 1, 1)


def test_the_machine_keeps_a_letter_that_still_says_the_same(bench: Bench) -> None:
    """Rules that approve after a signature issue no second one."""
    case = _signed(bench)
    number = case.case_number
    (letter,) = bench.book.letters(number)
    draft = bench.work.letters.draft(number, SUPERVISOR, bench.clock())
    assert bench.ledger.issue_letter(number, 2, draft) == letter
    assert bench.desk.given(an_ask(case, LETTER)) is not None


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.REACTIVATED])
def test_a_letter_does_not_outlive_a_case_that_ended_otherwise(bench: Bench, outcome: Outcome) -> None:
    """It recommends a reactivation that nobody asks for any more: void, and why; nothing is printed."""
    case = _signed(bench)
    number = case.case_number
    issued = bench.work.letters.valid(number)
    bench.clock.now += timedelta(hours=1)
    bench.close(case, outcome)
    (letter,) = bench.book.letters(number)
    assert (letter.is_valid, letter.void_because, letter.voided_at) == (False, outcome, bench.clock())
    assert bench.work.letters.verify(issued.verification_code) == letter
    why = f"{number} ended as {outcome}: its letter {letter.number} is void"
    with pytest.raises(WrongState, match=why):
        bench.work.print_letter(Hand(COUNTER), number)
    with pytest.raises(WrongState, match=why):
        bench.work.reissue_letter(Hand(SIGNER), number, "hilang")
    assert [row.door for row in _seen(bench, case)] == []


def test_the_letter_of_a_reactivated_person_stands(bench: Bench) -> None:
    """It is what the reactivation came about by: printed again, and issued anew when it is lost."""
    case = _signed(bench)
    number = case.case_number
    first = bench.work.print_letter(Hand(COUNTER), number)
    bench.close(case, Outcome.REACTIVATED)
    assert bench.work.print_letter(Hand(COUNTER), number) == first
    assert first.letter.is_valid
    again = bench.work.reissue_letter(Hand(SIGNER), number, "hilang").letter
    assert bench.work.letters.valid(number).number == again.number
    assert [letter.void_because for letter in bench.book.letters(number)] == ["replaced", None]


def test_a_letter_that_was_replaced_says_so_whatever_became_of_the_case(bench: Bench) -> None:
    """The first cause of its end counts, and when that was."""
    case = _signed(bench)
    bench.work.reissue_letter(Hand(SIGNER), case.case_number, "salah ketik")
    replaced_at = bench.clock()
    bench.clock.now += timedelta(hours=1)
    bench.close(case)
    before, after = bench.book.letters(case.case_number)
    assert (before.void_because, before.voided_at) == ("replaced", replaced_at)
    assert (after.void_because, after.voided_at) == (Outcome.WITHDRAWN, bench.clock())


def test_a_case_that_is_begun_anew_has_its_letter_again(bench: Bench) -> None:
    """A withdrawal by mistake, and a reset: the signature counts again, and so does the paper."""
    case = _signed(bench)
    first = bench.work.print_letter(Hand(COUNTER), case.case_number)
    bench.close(case)
    bench.begin_anew(case, Step.SIKS_NG_UPLOAD)
    assert bench.work.print_letter(Hand(COUNTER), case.case_number) == first
    assert bench.work.letters.verify(first.letter.verification_code).is_valid


def test_the_machine_finds_the_letter_of_a_case_that_the_ledger_calls_over(bench: Bench) -> None:
    """A run that begins anew asks before it tells: no second letter, no second number."""
    case = _signed(bench)
    number = case.case_number
    (letter,) = bench.book.letters(number)
    bench.close(case)
    draft = bench.work.letters.draft(number, SIGNER, bench.clock())
    assert bench.ledger.issue_letter(number, 1, draft).number == letter.number
    found = bench.ledger.letter(number)
    assert found is not None
    assert found.number == letter.number


def test_a_case_that_is_over_without_a_letter_is_not_promised_one(bench: Bench) -> None:
    """It says that there is none, and how one comes about, in every state."""
    case = bench.case(LETTER)
    bench.close(case)
    with pytest.raises(NotFound) as told:
        bench.work.print_letter(Hand(COUNTER), case.case_number)
    assert "yet" not in str(told.value)

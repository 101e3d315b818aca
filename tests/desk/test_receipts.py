"""What proves an upload by hand: one reference is one person's, and a void one can be used again."""

from functools import partial

import pytest

from desk.orders import Hand
from models.case import CaseRef, Step
from models.desk import PortalReceipt
from models.desk_tables import commands, notes, submissions
from models.errors import NotAllowed, ReferenceTaken, WrongState
from models.messages import GiveAnswer, ReopenUpload
from tests.desk.bench import OPERATOR, SUPERVISOR, Bench, an_ask
from tests.ledger.builders import at_once

UPLOAD = Step.SIKS_NG_UPLOAD
HAND = Hand(OPERATOR)


def _uploaded(bench: Bench, reference: str) -> CaseRef:
    """Return a case that was handed in under a reference and is at Kemensos now."""
    item = bench.claimed(OPERATOR, UPLOAD)
    bench.work.complete(HAND, item.id, bench.uploaded(reference))
    bench.move(item.case, Step.KEMENSOS_VERIFICATION)
    return item.case


def test_a_receipt_is_kept_with_its_proof(bench: Bench) -> None:
    """The proof lies in the document store under its hash; the reference leaves the ledger by no message."""
    item = bench.claimed(OPERATOR, UPLOAD)
    said = bench.uploaded("  PRT/7-RAHASIA ", again="PRT/7-RAHASIA")
    command = bench.work.complete(HAND, item.id, said)
    number = item.case.case_number
    receipt = bench.book.receipt(number, 1)
    assert receipt is not None
    assert receipt == PortalReceipt("PRT/7-RAHASIA", bench.clock(), receipt.proof_sha256)
    assert receipt.proof_sha256 is not None
    assert bench.documents.get(receipt.proof_sha256) == bench.proof().read_bytes()
    assert isinstance(command.message, GiveAnswer)
    assert command.message.receipt == f"receipt:{item.id}"
    assert "RAHASIA" not in command.message.model_dump_json() + repr(receipt) + repr(command)
    (row,) = bench.rows(submissions, item.case)
    assert (row["submitted_by"], row["submitted_at"]) == (OPERATOR, bench.clock())
    assert bench.ledger.submission_reference(number) == "PRT/7-RAHASIA"


def test_one_reference_is_not_two_peoples(bench: Bench) -> None:
    """The second is told whose it is; his work stays open in his hand, and nothing else is written."""
    first = _uploaded(bench, "SATU")
    item = bench.claimed(OPERATOR, UPLOAD)
    with pytest.raises(WrongState, match=f"belongs to {first.case_number} already"):
        bench.work.complete(HAND, item.id, bench.uploaded("SATU"))
    assert bench.book.item(item.id) == item
    assert item.assignee == OPERATOR
    assert [bench.rows(table, item.case) for table in (submissions, commands, notes)] == [[], [], []]
    bench.work.complete(HAND, item.id, bench.uploaded("DUA"))


def test_a_reference_is_one_however_it_is_typed(bench: Bench) -> None:
    """A second person is not handed in under the same in small letters; the text stays as it was typed."""
    first = _uploaded(bench, "SNG - 20/x")
    item = bench.claimed(OPERATOR, UPLOAD)
    for typed in ("sng-20/X", "SNG\N{NON-BREAKING HYPHEN}20/x"):
        with pytest.raises(WrongState, match=f"belongs to {first.case_number} already"):
            bench.work.complete(HAND, item.id, bench.uploaded(typed))
    receipt = bench.book.receipt(first.case_number, 1)
    assert receipt is not None
    assert receipt.reference == "SNG - 20/x"


def test_who_works_on_a_reference_of_two_is_told_of_the_other_case(bench: Bench) -> None:
    """The machine left the upload to people: the sheet says with whom to compare."""
    first, second = _uploaded(bench, "DUA-ORANG"), bench.case(UPLOAD)
    with pytest.raises(ReferenceTaken) as taken:
        bench.ledger.save_submission(second.case_number, 1, "dua-orang", bench.clock())
    bench.desk.leave_to_people(an_ask(second, UPLOAD), taken.value.code)
    item = bench.work.claim(HAND, bench.items(second)[0].id)
    hints = bench.work.sheet(HAND, item.id).hints
    assert any(first.case_number in hint and "bandingkan" in hint for hint in hints)
    assert any(f"receipt void {first.case_number}" in hint for hint in hints)


def test_one_reference_typed_twice_at_once_is_kept_once(bench: Bench) -> None:
    """Five cases at the same moment: four are told whose it is, and can be finished with their own."""
    items = [bench.claimed(OPERATOR, UPLOAD) for _ in range(5)]
    said = bench.uploaded("BERSAMA")

    def complete(number: int) -> str | None:
        try:
            bench.work.complete(HAND, number, said)
        except WrongState as refusal:
            return str(refusal)
        return None

    told = at_once([partial(complete, item.id) for item in items])
    assert told.count(None) == 1
    owner = items[told.index(None)].case.case_number
    assert {words for words in told if words} == {
        f"this reference belongs to {owner} already: compare it with the portal"
    }
    assert [bench.book.item(item.id).is_open for item in items].count(True) == 4


def test_a_void_receipt_frees_its_reference_and_reopens_the_upload(bench: Bench) -> None:
    """The wrong person was handed in: the reference is the right one's, and this case is uploaded again."""
    wrong = _uploaded(bench, "TERTUKAR")
    command = bench.work.void_receipt(Hand(SUPERVISOR), wrong.case_number, "orang lain")
    assert isinstance(command.message, ReopenUpload)
    assert (command.message.attempt, command.message.actor) == (1, SUPERVISOR)
    assert bench.book.receipt(wrong.case_number, 1) is None
    assert bench.ledger.submission_reference(wrong.case_number) is None
    (row,) = bench.rows(submissions, wrong)
    assert (row["voided_by"], row["voided_at"]) == (SUPERVISOR, bench.clock())
    assert bench.book.notes(wrong.case_number) == {command.command_id: "orang lain"}
    right = _uploaded(bench, "TERTUKAR")
    assert bench.ledger.submission_reference(right.case_number) == "TERTUKAR"
    third = bench.claimed(OPERATOR, UPLOAD)
    with pytest.raises(WrongState, match=f"belongs to {right.case_number} already"):
        bench.work.complete(HAND, third.id, bench.uploaded("TERTUKAR"))
    bench.move(wrong, UPLOAD, attempt=2)
    again = bench.work.claim(HAND, bench.open(wrong).id)
    bench.work.complete(HAND, again.id, bench.uploaded("BENAR"))
    assert bench.ledger.submission_reference(wrong.case_number) == "BENAR"


def test_a_receipt_is_void_once(bench: Bench) -> None:
    """A second time there is none; nothing is written, and the case is asked to go back once."""
    case = _uploaded(bench, "SEKALI")
    bench.work.void_receipt(Hand(SUPERVISOR), case.case_number, "salah")
    with pytest.raises(WrongState, match="has no receipt that could be void"):
        bench.work.void_receipt(Hand(SUPERVISOR), case.case_number, "salah")
    assert [row["kind"] for row in bench.rows(commands, case)] == ["answer", "reopen_upload"]


def test_only_a_supervisor_takes_an_upload_back(bench: Bench) -> None:
    """And only once there is one."""
    case = _uploaded(bench, "MILIK")
    with pytest.raises(NotAllowed, match="takes the role supervisor"):
        bench.work.void_receipt(HAND, case.case_number, "salah")
    assert bench.ledger.submission_reference(case.case_number) == "MILIK"
    early = bench.case(Step.RECOMMENDATION)
    with pytest.raises(WrongState, match="there is no upload to take back"):
        bench.work.void_receipt(Hand(SUPERVISOR), early.case_number, "salah")


def test_an_attempt_is_handed_in_once(bench: Bench) -> None:
    """What the machine handed in is not recorded by hand as well."""
    item = bench.claimed(OPERATOR, UPLOAD)
    bench.ledger.save_submission(item.case.case_number, 1, "SIKS-1", bench.clock())
    with pytest.raises(WrongState, match="attempt 1, has a submission already"):
        bench.work.complete(HAND, item.id, bench.uploaded("LAIN-LAGI"))
    assert bench.ledger.submission_reference(item.case.case_number) == "SIKS-1"


def test_the_sheet_warns_when_the_machine_may_have_been_first(bench: Bench) -> None:
    """So that nobody is handed in twice."""
    item = bench.claimed(OPERATOR, UPLOAD)
    assert not any("MESIN" in hint for hint in bench.work.sheet(HAND, item.id).hints)
    bench.ledger.begin_submission(item.case.case_number, 1)
    assert bench.work.sheet(HAND, item.id).hints[0].startswith("MUNGKIN SUDAH TERKIRIM")

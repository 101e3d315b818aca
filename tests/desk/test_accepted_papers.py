"""What an officer looked at and accepted is not looked at again."""

from datetime import timedelta

from desk.decisions import Said, Verb
from desk.orders import Hand
from models.case import Step
from models.policy import DocumentKind
from models.tables import documents
from tests.desk.bench import APPROVE, SIGNER, SUPERVISOR, VERIFIER, Bench

CHECK = Step.DOCUMENT_CHECK


def test_an_approved_check_accepts_the_intact_papers(bench: Bench) -> None:
    """With who and when; a paper that was altered in the store is not accepted with them."""
    good, spoilt = bench.paper(), bench.paper(DocumentKind.KTP)
    bench.place(spoilt.sha256).write_bytes(b"%PDF-lain")
    case = bench.case(papers=(good, spoilt))
    assert bench.book.dossier(case.case_number).accepted == frozenset()
    bench.work.answer(Hand(VERIFIER), case.case_number, CHECK, APPROVE)
    assert bench.book.dossier(case.case_number).accepted == {good.sha256}
    checked = {row["name"]: (row["checked_by"], row["checked_at"]) for row in bench.rows(documents, case)}
    names = [bench.place(paper.sha256).name for paper in (good, spoilt)]
    assert checked == dict(zip(names, [(VERIFIER, bench.clock()), (None, None)], strict=True))


def test_a_later_paper_is_the_only_one_left_to_check(bench: Bench) -> None:
    """The sheet says which; the next yes accepts it and leaves the first officer's mark on the others."""
    case = bench.case()
    number = case.case_number
    bench.work.answer(Hand(VERIFIER), number, CHECK, APPROVE)
    late = bench.paper(DocumentKind.KTP)
    assert bench.registry.add_papers(number, [late]) == 1
    dossier = bench.book.dossier(number)
    assert {paper.sha256 for paper in dossier.papers} - dossier.accepted == {late.sha256}
    assert bench.ledger.dossier(number) == dossier
    bench.move(case, CHECK, attempt=2)
    item = bench.open(case)
    lines = bench.work.sheet(Hand(VERIFIER), item.id).papers
    assert {line.kind: line.is_accepted for line in lines} == {
        "KTP": False,
        "Surat keterangan faskes": True,
    }
    bench.work.complete(Hand(SUPERVISOR), item.id, APPROVE)
    rows = bench.rows(documents, case)
    assert {row["kind"]: row["checked_by"] for row in rows} == {
        "facility_letter": VERIFIER,
        "ktp": SUPERVISOR,
    }


def test_a_paper_that_came_after_the_work_was_taken_is_not_accepted_unseen(bench: Bench) -> None:
    """The officer looked at what was there; what came while he looked is still to be checked."""
    case = bench.case()
    item = bench.open(case)
    bench.work.claim(Hand(VERIFIER), item.id)
    bench.clock.now += timedelta(minutes=1)
    unseen = bench.paper(DocumentKind.KTP)
    bench.registry.add_papers(case.case_number, [unseen])
    bench.work.complete(Hand(VERIFIER), item.id, APPROVE)
    dossier = bench.book.dossier(case.case_number)
    assert {paper.sha256 for paper in dossier.papers} - dossier.accepted == {unseen.sha256}


def test_a_no_accepts_nothing(bench: Bench) -> None:
    """Papers that were returned are looked at again."""
    case = bench.case()
    said = Said(Verb.RETURN, "DOK_TIDAK_JELAS")
    bench.work.answer(Hand(VERIFIER), case.case_number, CHECK, said)
    assert bench.book.dossier(case.case_number).accepted == frozenset()


def test_a_signature_accepts_no_papers(bench: Bench) -> None:
    """They are checked at the check; mending and other steps leave them as they are."""
    case = bench.case(Step.RECOMMENDATION)
    bench.work.answer(Hand(SIGNER), case.case_number, Step.RECOMMENDATION, APPROVE)
    item = bench.mending()
    bench.work.complete(Hand(SUPERVISOR), item.id, APPROVE)
    for number in (case.case_number, item.case.case_number):
        assert bench.book.dossier(number).accepted == frozenset()

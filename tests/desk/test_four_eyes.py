"""Checking, signing and correcting take two people; every refusal is kept, and nothing typed by mistake."""

import pytest

from desk.decisions import Said, Verb
from desk.orders import Hand
from models.case import Step
from models.desk_tables import commands
from models.errors import BadInput, NotAllowed
from models.roles import Act
from tests.desk.bench import (
    APPROVE,
    OPERATOR,
    SECOND_VERIFIER,
    SERVANT_OF_ALL,
    SIGNER,
    VERIFIER,
    Bench,
)

MINE = Hand(SERVANT_OF_ALL)
_CHECKED = "who checked the papers or corrected the data does not sign"
_SIGNED = "who corrected the data or signed the letter does not check the papers"


def _is_refused(bench: Bench, item_step: Step, number: str, why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        bench.work.answer(MINE, number, item_step, APPROVE)


def test_who_checked_the_papers_does_not_sign(bench: Bench) -> None:
    """Neither by claiming nor by answering nor anew; another signer does, and the refusals are kept."""
    case = bench.case()
    number = case.case_number
    bench.work.answer(MINE, number, Step.DOCUMENT_CHECK, APPROVE)
    bench.move(case, Step.RECOMMENDATION)
    item = bench.open(case)
    with pytest.raises(NotAllowed, match=_CHECKED):
        bench.work.claim(MINE, item.id)
    _is_refused(bench, Step.RECOMMENDATION, number, _CHECKED)
    bench.sign(case)
    with pytest.raises(NotAllowed, match=_CHECKED):
        bench.work.reissue_letter(MINE, number, "salah ketik")
    kept = (SERVANT_OF_ALL, "desk work", f"four eyes: {_CHECKED}")
    assert bench.refused(case) == [kept] * 3
    assert [letter.signer for letter in bench.book.letters(number)] == [SIGNER]


def test_who_returned_the_papers_does_not_sign_either(bench: Bench) -> None:
    """A no is a look at the papers as well."""
    case = bench.case()
    bench.work.answer(MINE, case.case_number, Step.DOCUMENT_CHECK, Said(Verb.RETURN, "DOK_TIDAK_JELAS"))
    bench.move(case, Step.RECOMMENDATION, attempt=2)
    _is_refused(bench, Step.RECOMMENDATION, case.case_number, _CHECKED)


def test_who_signed_does_not_check_the_papers(bench: Bench) -> None:
    """When the case comes back, somebody else looks at the papers."""
    case = bench.case(Step.RECOMMENDATION)
    bench.sign(case, SERVANT_OF_ALL)
    bench.move(case, Step.DOCUMENT_CHECK, attempt=2)
    _is_refused(bench, Step.DOCUMENT_CHECK, case.case_number, _SIGNED)
    item = bench.open(case)
    with pytest.raises(NotAllowed, match=_SIGNED):
        bench.work.claim(MINE, item.id)
    bench.work.claim(Hand(VERIFIER), item.id)
    bench.work.complete(Hand(VERIFIER), item.id, APPROVE)


def test_who_corrected_the_data_neither_checks_nor_signs(bench: Bench) -> None:
    """Not even as a supervisor; a second verifier and the signer do."""
    case = bench.case()
    number = case.case_number
    bench.work.correct(MINE, number, {"name": "Contoh Baru"})
    item = bench.open(case)
    for act in (
        lambda: bench.work.claim(MINE, item.id),
        lambda: bench.work.complete(MINE, item.id, APPROVE),
    ):
        with pytest.raises(NotAllowed, match=_SIGNED):
            act()
    bench.work.answer(Hand(VERIFIER), number, Step.DOCUMENT_CHECK, APPROVE)
    bench.move(case, Step.RECOMMENDATION)
    _is_refused(bench, Step.RECOMMENDATION, number, _CHECKED)
    bench.sign(case)


def test_a_verifier_who_corrects_leaves_the_check_to_another(bench: Bench) -> None:
    """Correcting is allowed to him; the check is then the second verifier's."""
    case = bench.case()
    bench.work.correct(Hand(VERIFIER), case.case_number, {"kk": "3674061503109999"})
    item = bench.open(case)
    with pytest.raises(NotAllowed, match=_SIGNED):
        bench.work.claim(Hand(VERIFIER), item.id)
    bench.work.claim(Hand(SECOND_VERIFIER), item.id)


def test_the_other_steps_may_be_one_persons(bench: Bench) -> None:
    """Two pairs of eyes are for papers and letter; another case is another matter."""
    case = bench.case()
    bench.work.answer(MINE, case.case_number, Step.DOCUMENT_CHECK, APPROVE)
    bench.move(case, Step.KEMENSOS_VERIFICATION)
    bench.work.answer(MINE, case.case_number, Step.KEMENSOS_VERIFICATION, APPROVE)
    bench.move(case, Step.BPJS_RECONNECT)
    bench.work.answer(MINE, case.case_number, Step.BPJS_RECONNECT, APPROVE)
    assert bench.refused(case) == []
    bench.sign(bench.case(Step.RECOMMENDATION), SERVANT_OF_ALL)


def test_work_is_not_given_past_the_four_eyes(bench: Bench) -> None:
    """A supervisor cannot assign the signature to who checked the papers."""
    case = bench.case()
    bench.work.answer(MINE, case.case_number, Step.DOCUMENT_CHECK, APPROVE)
    bench.move(case, Step.RECOMMENDATION)
    item = bench.open(case)
    with pytest.raises(NotAllowed, match=_CHECKED):
        bench.work.assign(Hand("tangsel-supervisor"), item.id, SERVANT_OF_ALL)


@pytest.mark.parametrize(
    ("actor", "why"),
    [
        (OPERATOR, "this work is of the role verifier"),
        ("auditor", "`desk work` takes the role intake, signer, siks_ng_operator, supervisor, verifier"),
        ("bekasi-verifikator-1", "the case lies outside the officer's area"),
        ("andi", "nobody of this id works here (see people.toml)"),
    ],
)
def test_a_refusal_is_kept_with_who_what_where_and_why(bench: Bench, actor: str, why: str) -> None:
    """Wrong role, no work at all, wrong city, unknown; and nothing happened."""
    item = bench.item()
    with pytest.raises(NotAllowed) as refusal:
        bench.work.claim(Hand(actor), item.id)
    assert str(refusal.value) == f"{actor}: {why}"
    assert bench.refused(item.case) == [(actor, "desk work", why)]
    assert bench.book.item(item.id) == item
    assert bench.rows(commands, item.case) == []


def test_a_kecamatan_is_an_area(bench: Bench) -> None:
    """The second verifier serves three kecamatan of the city; the first one all of them."""
    near, far = bench.item(kecamatan="Ciputat"), bench.item(kecamatan="Serpong")
    bench.work.claim(Hand(SECOND_VERIFIER), near.id)
    with pytest.raises(NotAllowed, match="outside the officer's area"):
        bench.work.claim(Hand(SECOND_VERIFIER), far.id)
    assert [actor for actor, _, _ in bench.refused(far.case)] == [SECOND_VERIFIER]
    bench.work.claim(Hand(VERIFIER), far.id)


@pytest.mark.parametrize(
    "typed",
    [
        "3674064101900001",
        "3674.0641.0190.0001",
        "3674-0641-0190-0001",
        "nik-3674064101900001",
        "081234567890",
        "Siti Rahayu",
        "siti@rumah.example",
        "x" * 200,
    ],
)
def test_what_was_typed_for_an_officer_is_neither_kept_nor_echoed(bench: Bench, typed: str) -> None:
    """It may be a NIK, however it is written: the refusal is kept without it."""
    case = bench.case()
    with pytest.raises(NotAllowed) as refusal:
        bench.work.withdraw(Hand(typed), case.case_number, "x")
    assert str(refusal.value) == "unknown: nobody of this id works here (see people.toml)"
    why = "nobody of this id works here (see people.toml)"
    assert bench.refused(case) == [("unknown", "withdraw", why)]
    assert typed not in bench.dump()


def test_a_refusal_without_a_case_is_kept_too(bench: Bench) -> None:
    """Who may not look at the desk at all."""
    before = bench.refused(None)
    with pytest.raises(NotAllowed):
        bench.work.queue("andi")
    assert bench.refused(None)[len(before) :] == [
        ("andi", Act.READ_DESK, "nobody of this id works here (see people.toml)")
    ]


@pytest.mark.parametrize("nobody", [None, ""])
def test_a_command_of_nobody_is_bad_input(bench: Bench, nobody: str | None) -> None:
    """There is nobody to refuse: the operator is told how to say who he is."""
    case = bench.case()
    with pytest.raises(BadInput, match="--as: names nobody"):
        bench.work.retry(Hand(nobody), case.case_number)
    assert bench.refused(case) == []


def test_an_auditor_reads_what_was_refused_in_the_cities_he_serves(bench: Bench) -> None:
    """The newest first; an officer reads none, and a supervisor not those of another city."""
    ours, theirs = bench.case(), bench.case(city="3275", kecamatan="Bekasi Timur")
    for case, officer in ((ours, VERIFIER), (theirs, "bekasi-verifikator-1")):
        with pytest.raises(NotAllowed):
            bench.work.withdraw(Hand(officer), case.case_number, "x")
    read = [(one.actor, one.case_number) for one in bench.work.refusals("auditor")[:2]]
    assert read == [("bekasi-verifikator-1", theirs.case_number), (VERIFIER, ours.case_number)]
    cases = {one.case_number for one in bench.work.refusals("tangsel-supervisor")}
    assert ours.case_number in cases
    assert theirs.case_number not in cases
    with pytest.raises(NotAllowed):
        bench.work.refusals(VERIFIER)

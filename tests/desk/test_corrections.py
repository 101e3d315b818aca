"""Mending the applicant's data: the rules of intake hold, and no value leaves the ledger."""

from dataclasses import asdict, replace
from datetime import date
from functools import partial

import pytest

from desk.orders import Hand
from models.case import CaseHealth, CaseRef, Step
from models.desk import CommandKind
from models.desk_tables import commands, notes
from models.dossier import Person
from models.errors import BadInput, NotAllowed, ReactivationError, WrongState
from models.identity import Sex
from models.messages import DataCorrected
from models.tables import documents
from tests.builders import a_person
from tests.desk.bench import APPROVE, COUNTER, OPERATOR, SECOND_VERIFIER, VERIFIER, Bench, personal
from tests.ledger.builders import at_once

HAND = Hand(COUNTER)


def _person(bench: Bench, case: CaseRef) -> Person:
    return bench.book.dossier(case.case_number).person


def test_each_field_can_be_mended(bench: Bench) -> None:
    """All eight at once; the ledger holds what was said, in the form that intake writes."""
    case, new = bench.case(), a_person()
    changes = {
        "nik": new.nik,
        "kk": new.kk,
        "card_number": new.card_number,
        "name": "  Contoh Baru ",
        "birth_date": "1985-04-13",
        "sex": "L",
        "phone": "+62 812-3456-7890",
        "kelurahan": "3674061002",
    }
    command = bench.work.correct(HAND, case.case_number, changes)
    assert _person(bench, case) == replace(
        new,
        name="Contoh Baru",
        birth_date=date(1985, 4, 13),
        sex=Sex.MALE,
        phone="081234567890",
        kelurahan="36.74.06.1002",
    )
    assert isinstance(command.message, DataCorrected)
    assert command.message.fields == tuple(sorted(changes))


def test_what_was_not_named_stays(bench: Bench) -> None:
    """And a field that is named and does not change is not told as changed."""
    before = a_person(phone=None)
    case = bench.case(person=before)
    changes = {"name": before.name, "card_number": None}
    command = bench.work.correct(HAND, case.case_number, changes)
    assert _person(bench, case) == replace(before, card_number=None)
    assert isinstance(command.message, DataCorrected)
    assert command.message.fields == ("card_number",)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("nik", "123", "must be exactly 16 digits"),
        ("nik", "3674061313900001", "digits 7-12 are not a date"),
        ("nik", 3674064101900001, "must be text"),
        ("kk", "1111111111111111", "must not be one digit repeated"),
        ("card_number", "12345", "must be exactly 13 digits"),
        ("name", " ", "is empty"),
        ("name", "x" * 201, "more than 200"),
        ("birth_date", "2026-03-03", "lies in the future"),
        ("birth_date", "kemarin", "is not a date"),
        ("sex", "X", "is not one of the allowed values"),
        ("phone", "12", "must be an Indonesian mobile number"),
        ("kelurahan", "36.74.06.9999", "unknown kelurahan"),
        ("kelurahan", "36.74.01.1001", "lies in another kecamatan than the case"),
        ("kelurahan", "32.75.01.1001", "lies in another kecamatan than the case"),
    ],
)
def test_the_rules_of_intake_hold(bench: Bench, field: str, value: object, rule: str) -> None:
    """Field and rule are told, the value is not, and nothing is written."""
    case = bench.case()
    before = bench.book.dossier(case.case_number)
    with pytest.raises(BadInput) as refusal:
        bench.work.correct(HAND, case.case_number, {field: value, "phone": "081200000002"} | {field: value})
    assert [(finding.field, rule in finding.rule) for finding in refusal.value.findings] == [(field, True)]
    assert len(str(value).strip()) < 4 or str(value) not in str(refusal.value)
    assert bench.book.dossier(case.case_number) == before
    assert bench.rows(commands, case) == []


def test_what_is_no_field_is_not_repeated(bench: Bench) -> None:
    """It may be anything, also somebody's number; nothing is corrected."""
    case = bench.case()
    with pytest.raises(BadInput) as refusal:
        bench.work.correct(HAND, case.case_number, {"3674065203859001": "x", "phone": "081200000002"})
    (finding,) = refusal.value.findings
    assert (finding.field, finding.rule) == ("FIELD", "names what is no field of the applicant")


def test_fields_are_checked_together(bench: Bench) -> None:
    """A family card number that is the NIK, and every fault at once."""
    person = a_person()
    case = bench.case(person=person)
    with pytest.raises(BadInput, match="kk: must differ from the NIK"):
        bench.work.correct(HAND, case.case_number, {"kk": person.nik})
    with pytest.raises(BadInput) as refusal:
        bench.work.correct(HAND, case.case_number, {"nik": "1", "name": "", "kelurahan": "x"})
    assert {finding.field for finding in refusal.value.findings} == {"nik", "name", "kelurahan"}


def test_a_correction_that_changes_nothing_is_none(bench: Bench) -> None:
    """No command, and the papers stay checked."""
    person = a_person()
    case = bench.case(person=person)
    for changes in ({}, {"nik": person.nik, "birth_date": "1985-03-12", "sex": "P"}):
        with pytest.raises(BadInput, match="changes: change nothing"):
            bench.work.correct(HAND, case.case_number, changes)
    assert bench.rows(commands, case) == []


def test_another_persons_nik_is_refused(bench: Bench) -> None:
    """Two people of the ledger do not become one; the message names neither."""
    other = a_person()
    bench.case(person=other)
    case = bench.case()
    before = _person(bench, case)
    with pytest.raises(WrongState) as refusal:
        bench.work.correct(HAND, case.case_number, {"nik": other.nik, "name": "Contoh Lain"})
    assert str(refusal.value) == "the NIK belongs to another person of the ledger"
    assert _person(bench, case) == before
    assert bench.rows(commands, case) == []


def test_two_people_do_not_become_one_at_the_same_moment(bench: Bench) -> None:
    """Two cases are given one free NIK at once: one gets it, the other stays who he was."""
    cases, free = [bench.case() for _ in range(2)], a_person().nik

    def correct(case: CaseRef) -> str | None:
        try:
            bench.work.correct(HAND, case.case_number, {"nik": free})
        except ReactivationError as refusal:
            return str(refusal)
        return None

    told = at_once([partial(correct, case) for case in cases])
    assert told.count(None) == 1
    assert free not in str(told)
    assert [_person(bench, case).nik == free for case in cases].count(True) == 1
    assert sum(len(bench.rows(commands, case)) for case in cases) == 1


def test_the_papers_must_be_compared_again(bench: Bench) -> None:
    """What was accepted is unchecked, and another officer accepts it anew."""
    case = bench.case()
    number = case.case_number
    bench.work.answer(Hand(VERIFIER), number, Step.DOCUMENT_CHECK, APPROVE)
    assert bench.book.dossier(number).accepted
    bench.move(case, Step.KEMENSOS_VERIFICATION, health=CaseHealth.STUCK, trouble="NIK_BEDA")
    bench.work.correct(HAND, number, {"name": "Contoh Dibetulkan"})
    assert bench.book.dossier(number).accepted == frozenset()
    assert [row["checked_by"] for row in bench.rows(documents, case)] == [None]
    bench.move(case, Step.DOCUMENT_CHECK, attempt=2)
    bench.work.answer(Hand(SECOND_VERIFIER), number, Step.DOCUMENT_CHECK, APPROVE)
    assert [row["checked_by"] for row in bench.rows(documents, case)] == [SECOND_VERIFIER]


def test_nothing_personal_is_in_the_command(bench: Bench) -> None:
    """Neither the old values nor the new: names of fields alone, in the message, the row and its words."""
    old, new = a_person(), a_person()
    case = bench.case(person=old)
    changes = {field: asdict(new)[field] for field in ("nik", "kk", "card_number", "name", "phone")}
    command = bench.work.correct(HAND, case.case_number, changes)
    (row,) = bench.rows(commands, case)
    assert row["kind"] == CommandKind.DATA_CORRECTED
    told = f"{row} {command!r} {command.message.model_dump_json()} {bench.rows(notes, case)}"
    assert not any(word in told for word in personal(old) | personal(new))


def test_data_are_not_mended_while_a_case_only_takes_long(bench: Bench) -> None:
    """It is called stuck and goes on: what was handed in must stay what the ledger says."""
    step = Step.KEMENSOS_VERIFICATION
    case = bench.case(step, health=CaseHealth.STUCK, trouble="waits.kemensos")
    with pytest.raises(WrongState, match="return it first"):
        bench.work.correct(HAND, case.case_number, {"name": "Contoh Baru"})


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.DOCUMENT_CHECK])
def test_data_are_not_mended_under_way(bench: Bench, step: Step) -> None:
    """What was handed in would no longer be what the ledger says: the case is returned first."""
    case = bench.case(step)
    with pytest.raises(WrongState, match=f"is at {step}: return it first"):
        bench.work.correct(HAND, case.case_number, {"name": "Contoh"})
    bench.move(case, step, health=CaseHealth.STUCK, trouble="NIK_BEDA")
    bench.work.correct(HAND, case.case_number, {"name": "Contoh"})


def test_a_case_that_is_over_is_not_mended(bench: Bench) -> None:
    """And not by everybody."""
    case = bench.case()
    with pytest.raises(NotAllowed):
        bench.work.correct(Hand(OPERATOR), case.case_number, {"name": "Contoh"})
    bench.close(case)
    with pytest.raises(WrongState, match="is over"):
        bench.work.correct(HAND, case.case_number, {"name": "Contoh"})

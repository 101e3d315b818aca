"""The adapters against institutions that lose replies, say no, or answer wrongly."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateways.http_bpjs import HttpBpjs
from gateways.ports.institutions import Decision, Verdict
from models.errors import BadReply, Refused, Unavailable
from tests.gateways.institutions import (
    CREDENTIALS,
    NAME,
    PATIENCE,
    TODAY,
    Adapters,
    Institutions,
    a_submission,
    fresh_nik,
)


def test_participant_is_active_after_approval(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """One person's whole way: unknown, submitted, approved, active, each effect once."""
    assert adapters.bpjs.participant(nik, on=TODAY) is None
    institutions.turn("kemensos", nik, decide_after_s=3600)
    institutions.turn("bpjs", nik, activate_after_s=3600)
    reference = adapters.siks_ng.submit(a_submission(nik), key=nik)
    assert adapters.kemensos.decision(reference) is None
    institutions.turn("kemensos", nik)
    assert adapters.kemensos.decision(reference) == Decision(Verdict.APPROVED)
    waiting = adapters.bpjs.participant(nik, on=TODAY)
    assert waiting is not None
    assert not waiting.is_active
    institutions.turn("bpjs", nik)
    for _ in range(2):
        found = adapters.bpjs.participant(nik, on=TODAY)
        assert found is not None
        assert found.is_active
        assert (found.name, found.birth_date, found.type_code) == (NAME, date(1990, 1, 5), "21")
        assert adapters.kemensos.decision(reference) == Decision(Verdict.APPROVED)
    assert institutions.effects("siks_ng")[nik] == 1
    assert institutions.effects("kemensos")[reference] == 1
    assert institutions.effects("bpjs")[reference] == 1


def test_a_lost_reply_is_found_again_with_the_same_key(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """The submission was taken and the reply lost: asking again finds it and submits nothing new."""
    institutions.turn("siks_ng", nik, lose_reply=2)
    for _ in range(2):
        with pytest.raises(Unavailable):
            adapters.siks_ng.submit(a_submission(nik), key=nik)
    reference = adapters.siks_ng.submit(a_submission(nik), key=nik)
    assert adapters.siks_ng.submit(a_submission(nik), key=nik) == reference
    assert institutions.effects("siks_ng")[nik] == 1


def test_another_attempt_is_another_submission(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """Two keys are two effects with two references, so a changed key would be noticed."""
    first, second = (adapters.siks_ng.submit(a_submission(nik), key=f"{nik}:{n}") for n in (1, 2))
    assert first != second
    effects = institutions.effects("siks_ng")
    assert (effects[f"{nik}:1"], effects[f"{nik}:2"]) == (1, 1)


def test_many_threads_share_an_adapter(institutions: Institutions, adapters: Adapters) -> None:
    """Forty calls at once with ten keys are ten submissions."""
    people = [fresh_nik() for _ in range(10)] * 4
    with ThreadPoolExecutor(8) as pool:
        references = list(pool.map(lambda nik: adapters.siks_ng.submit(a_submission(nik), key=nik), people))
    assert references == references[:10] * 4
    assert len(set(references)) == 10
    effects = institutions.effects("siks_ng")
    assert {effects[nik] for nik in people} == {1}


def test_a_key_of_another_person_is_refused(adapters: Adapters, nik: str) -> None:
    """A key that comes back with another person is an error of ours, not that person's submission."""
    adapters.siks_ng.submit(a_submission(nik), key=nik)
    with pytest.raises(Refused, match="key belongs to another submission"):
        adapters.siks_ng.submit(a_submission(fresh_nik()), key=nik)


def test_an_incomplete_submission_is_refused(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """SIKS-NG says no to a file without papers, and nothing happened."""
    with pytest.raises(Refused, match=r"^siks_ng: call refused$"):
        adapters.siks_ng.submit(replace(a_submission(nik), documents=()), key=nik)
    assert nik not in institutions.effects("siks_ng")


def test_a_no_comes_with_its_reason(institutions: Institutions, adapters: Adapters, nik: str) -> None:
    """The ministry's code is handed on, if it has the form of one; the person stays inactive."""
    institutions.turn("kemensos", nik, decision="returned", reason="KK_BEDA")
    first = adapters.siks_ng.submit(a_submission(nik), key=f"{nik}:1")
    returned = Decision(Verdict.RETURNED, "KK_BEDA")
    assert adapters.kemensos.decision(first) == returned
    institutions.turn("kemensos", nik, decision="rejected", reason="KODE_BARU")
    second = adapters.siks_ng.submit(a_submission(nik), key=f"{nik}:2")
    assert adapters.kemensos.decision(second) == Decision(Verdict.REJECTED, "KODE_BARU")
    assert adapters.kemensos.decision(first) == returned
    found = adapters.bpjs.participant(nik, on=TODAY)
    assert found is not None
    assert not found.is_active


def test_first_submissions_are_returned_before_approval(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """`returned_times` returns that many submissions of a person, then approves."""
    institutions.turn("kemensos", nik, returned_times=2)
    references = [adapters.siks_ng.submit(a_submission(nik), key=f"{nik}:{n}") for n in range(3)]
    answers = [adapters.kemensos.decision(reference) for reference in references]
    returned = Decision(Verdict.RETURNED, "NIK_BEDA")
    assert answers == [returned, returned, Decision(Verdict.APPROVED)]


def test_an_unknown_reference_is_refused(adapters: Adapters) -> None:
    """Kemensos does not know it: asking again does not help."""
    with pytest.raises(Refused, match=r"^kemensos: reference unknown$"):
        adapters.kemensos.decision("SIKS-2026-999999")


def test_a_reference_of_another_form_is_noticed(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """The submission is done, and a person must find out its reference."""
    institutions.turn("siks_ng", nik, wrong="wrong_reference_form")
    with pytest.raises(BadReply):
        adapters.siks_ng.submit(a_submission(nik), key=nik)
    assert institutions.effects("siks_ng")[nik] == 1


@pytest.mark.parametrize("form", ["string", "number", "lower", "code_upper"])
def test_every_spelling_of_metadata_is_read(
    institutions: Institutions, adapters: Adapters, nik: str, form: str
) -> None:
    """Known or unknown, a person is read the same however BPJS spells `metaData`."""
    institutions.turn("bpjs", nik, metadata_form=form)
    assert adapters.bpjs.participant(nik, on=TODAY) is None
    person = {"nama": "BUDI 😀", "tgl_lahir": "1980-02-29", "aktif": True, "jenis": "22"}
    institutions.turn("bpjs", nik, metadata_form=form, person=person)
    found = adapters.bpjs.participant(nik, on=TODAY)
    assert found is not None
    assert (found.name, found.birth_date) == ("BUDI 😀", date(1980, 2, 29))
    assert (found.is_active, found.type_code) == (True, "22")


def test_a_reply_is_opened_with_the_timestamp_of_its_own_request(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """With a clock that moves at each look, the key still fits, since a call looks once."""
    adapters.siks_ng.submit(a_submission(nik), key=nik)
    hours = (datetime(2026, 3, 10, hour, tzinfo=UTC) for hour in range(24))
    address = f"{institutions.urls['bpjs']}/vclaim-rest"
    asking = HttpBpjs(address, CREDENTIALS, clock=lambda: next(hours), patience=PATIENCE)
    assert [asking.participant(nik, on=TODAY) is not None for _ in range(3)] == [True] * 3
    asking.close()


def test_another_name_at_bpjs_is_seen(institutions: Institutions, adapters: Adapters, nik: str) -> None:
    """BPJS may hold another name under the NIK; the adapter hands it on for comparison."""
    adapters.siks_ng.submit(a_submission(nik), key=nik)
    institutions.turn("bpjs", nik, wrong="other_person")
    found = adapters.bpjs.participant(nik, on=TODAY)
    assert found is not None
    assert found.name == "ORANG LAIN"

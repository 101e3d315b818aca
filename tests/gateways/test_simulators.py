"""The simulated institutions do what their dials say, and forget nothing."""

import signal
from pathlib import Path

import pytest

from gateways.ports.institutions import Decision, Verdict
from models.errors import Unavailable
from tests.gateways.institutions import (
    SYSTEMS,
    TODAY,
    Adapters,
    Institutions,
    a_submission,
    fresh_nik,
)

every_system = pytest.mark.parametrize("system", SYSTEMS)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"nik":"1"}'])
def test_siks_ng_answers_broken_calls_with_400(institutions: Institutions, content: bytes) -> None:
    """A body that is no JSON or lacks fields is a 400 with a code."""
    reply = institutions.post(content, {"Idempotency-Key": "k"})
    assert reply.status_code == 400
    assert reply.json()["kode"] in {"BUKAN_JSON", "DATA_TIDAK_LENGKAP"}


@every_system
def test_first_calls_fail_and_the_next_succeeds(
    institutions: Institutions, adapters: Adapters, nik: str, system: str
) -> None:
    """`fail_first` counts down for the person, and somebody else is not touched."""
    reference = adapters.siks_ng.submit(a_submission(nik), key=nik)
    institutions.turn(system, nik, fail_first=2)
    for _ in range(2):
        with pytest.raises(Unavailable):
            adapters.ask(system, nik, reference)
    assert adapters.ask(system, nik, reference) is not None
    assert institutions.dials(system, nik)["fail_first"] == 0


def test_somebody_else_is_not_touched_by_a_persons_dials(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """An override holds for one person only."""
    institutions.turn("siks_ng", nik, down=True)
    assert adapters.ask("siks_ng", fresh_nik())
    with pytest.raises(Unavailable):
        adapters.ask("siks_ng", nik)


@every_system
def test_every_dial_for_everybody_works_and_can_be_taken_back(
    institutions: Institutions, adapters: Adapters, nik: str, system: str
) -> None:
    """`error_rate` 1 fails every call of everybody; empty dials set all back."""
    reference = adapters.siks_ng.submit(a_submission(nik), key=nik)
    assert institutions.turn_for_all(system, error_rate=1).status_code == 200
    try:
        with pytest.raises(Unavailable):
            adapters.ask(system, nik, reference)
    finally:
        institutions.turn_for_all(system)
    assert adapters.ask(system, nik, reference) is not None


def test_latency_is_waited_for(institutions: Institutions, adapters: Adapters, nik: str) -> None:
    """A reply later than the time limit is a passing fault, a reply within it is an answer."""
    institutions.turn("siks_ng", nik, latency_ms=400)
    late = pytest.raises(Unavailable, match="no answer in time")
    with Adapters.at(institutions.urls, timeout=0.1) as hasty, late:
        hasty.ask("siks_ng", nik)
    assert adapters.ask("siks_ng", nik)


@every_system
@pytest.mark.parametrize(
    "dials",
    [{"doun": True}, {"down": 1}, {"fail_first": -1}, {"error_rate": 2}, {"wrong": "x"}, {"latency_ms": "1"}],
    ids=str,
)
def test_wrong_dials_are_refused(institutions: Institutions, system: str, dials: dict[str, object]) -> None:
    """A misspelt or impossible dial is a 400 that names it, and turns nothing."""
    reply = institutions.turn_for_all(system, **dials)
    assert reply.status_code == 400
    assert next(iter(dials)) in reply.json()["pesan"]


def test_a_card_number_finds_the_same_person(
    institutions: Institutions, adapters: Adapters, nik: str
) -> None:
    """The second door of VClaim, by card number, leads to the person of the first."""
    adapters.siks_ng.submit(a_submission(nik), key=nik)
    first = institutions.peserta(f"nik/{nik}")
    assert len(first["noKartu"]) == 13
    assert institutions.peserta(f"nokartu/{first['noKartu']}") == first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restart_forgets_nothing(tmp_path: Path, nik: str, number: signal.Signals) -> None:
    """Submissions, decisions, people, effects and dials are there again after a stop or a kill."""
    with Institutions(tmp_path) as before, Adapters.at(before.urls) as asking:
        before.turn("kemensos", nik, fail_first=1)
        before.turn("bpjs", nik, latency_ms=1)
        reference = asking.siks_ng.submit(a_submission(nik), key=nik)
        with pytest.raises(Unavailable):
            asking.kemensos.decision(reference)
        assert asking.kemensos.decision(reference) == Decision(Verdict.APPROVED)
        assert before.effects("bpjs") == {reference: 1}
        assert before.stop(number) == (0 if number == signal.SIGTERM else -number)

    with Institutions(tmp_path) as after, Adapters.at(after.urls) as asking:
        assert after.dials("kemensos", nik)["fail_first"] == 0
        assert after.dials("bpjs", nik)["latency_ms"] == 1
        after.turn("kemensos", nik, decision="rejected")
        assert asking.siks_ng.submit(a_submission(nik), key=nik) == reference
        assert asking.siks_ng.submit(a_submission(nik), key=f"{nik}:2") > reference
        assert asking.kemensos.decision(reference) == Decision(Verdict.APPROVED)
        found = asking.bpjs.participant(nik, on=TODAY)
        assert found is not None
        assert found.is_active
        assert after.effects("bpjs") == {reference: 1}
        assert after.effects("siks_ng") == {nik: 1, f"{nik}:2": 1}
        assert after.stop() == 0
        assert after.log.read_text() == ""

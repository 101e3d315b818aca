"""Whatever goes wrong on the wire becomes one of our errors, and tells nothing personal."""

import logging
import socket
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateways.http_bpjs import HttpBpjs
from gateways.http_kemensos import HttpKemensos
from gateways.http_siks_ng import HttpSiksNg
from gateways.vclaim import Credentials
from models.errors import BadReply, Misconfigured, ReactivationError, Refused, Unavailable
from tests.gateways.conftest import Script
from tests.gateways.institutions import (
    CREDENTIALS,
    KK,
    NAME,
    PATIENCE,
    SYSTEMS,
    Adapters,
    Institutions,
    a_submission,
    fresh_nik,
)

every_system = pytest.mark.parametrize("system", SYSTEMS)


@every_system
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, BadReply),
        (400, Refused),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Refused),
        (408, Unavailable),
        (409, Refused),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_every_http_status_says_who_must_act(
    scripted: Adapters, script: Script, system: str, status: int, error: type[ReactivationError]
) -> None:
    """A status becomes the error whose reader can do something, for each system alike."""
    script.status, script.body = status, b"<html>Gangguan</html>"
    with pytest.raises(error):
        scripted.ask(system, fresh_nik())


def put_off(scripted: Adapters, script: Script, system: str, reply: tuple[int, str]) -> timedelta | None:
    """Return how long a reply of this status, with these words in `Retry-After`, puts us off."""
    script.status, script.body = reply[0], b""
    with pytest.MonkeyPatch.context() as saying:
        saying.setattr(script, "headers", {"Retry-After": reply[1]})
        with pytest.raises(Unavailable) as raised:
            scripted.ask(system, fresh_nik())
    return raised.value.ask_again_in


@every_system
@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        ((429, "120"), 120),
        ((503, "0"), 0),
        ((503, "9" * 400), 999_999_999),
        ((503, ""), None),
        ((500, "soon"), None),
        ((429, "-5"), None),
        ((503, "Thu, 01 Jan 1970 00:00:00 GMT"), 0),
        ((503, "Fri, 31 Dec 99999 99:99:99 GMT"), None),
    ],
)
def test_a_system_that_wants_to_be_left_alone_is_heard(
    scripted: Adapters, script: Script, system: str, reply: tuple[int, str], seconds: int | None
) -> None:
    """Seconds, or a time; what is no form of either says nothing, and no number is too large to read."""
    wait = put_off(scripted, script, system, reply)
    assert (None if wait is None else wait.total_seconds()) == seconds


def test_a_time_from_which_on_a_system_may_be_asked_counts_from_now(
    scripted: Adapters, script: Script
) -> None:
    """Two minutes ahead are two minutes, whatever our zone is."""
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    wait = put_off(scripted, script, "bpjs", (503, at))
    assert wait is not None
    assert timedelta(seconds=110) < wait <= timedelta(seconds=120)


@every_system
@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"[]", b"{}", b"null", b"\xff\xfe", b'{"referensi":1}']
)
def test_a_success_of_another_form_is_a_bad_reply(
    scripted: Adapters, script: Script, nik: str, system: str, body: bytes
) -> None:
    """A 200 that is not in the agreed form is never read as an answer."""
    script.status, script.body = 200, body
    with pytest.raises(BadReply):
        scripted.ask(system, nik)


@pytest.mark.parametrize("reference", ["", "a b", "x" * 65, "<b>", "SIKS-1\\n", "SIKS\\u00e9"])
def test_a_reference_of_another_form_is_a_bad_reply(
    scripted: Adapters, script: Script, nik: str, reference: str
) -> None:
    """Outside text that is not a plain reference never enters the house."""
    script.status, script.body = 201, f'{{"referensi":"{reference}"}}'.encode()
    with pytest.raises(BadReply):
        scripted.ask("siks_ng", nik)


@pytest.mark.parametrize("field", ["nik", "tglLahir", "nama", "statusPeserta"])
def test_a_participant_of_another_form_is_a_bad_reply(
    scripted: Adapters, script: Script, nik: str, field: str
) -> None:
    """A stranger's NIK, a date in another order, or a missing part is never read as this person."""
    codes = '"statusPeserta":{"kode":0},"jenisPeserta":{"kode":21}'
    good = f'"nik":"{nik}","tglLahir":"1990-01-05","nama":"A",{codes}'
    envelope = '{"metaData":{"code":200},"response":{"peserta":{%s}}}'
    script.status, script.body = 200, (envelope % good).encode()
    found = scripted.bpjs.participant(nik, on=a_submission(nik).deactivated_on)
    assert found is not None
    assert (found.status_code, found.type_code, found.is_active) == ("0", "21", True)
    wrong = {
        "nik": good.replace(nik, "3275014501909999"),
        "tglLahir": good.replace("1990-01-05", "05-01-1990"),
        "nama": good.replace('"nama":"A",', ""),
        "statusPeserta": good.replace('"kode":0', '"kode":null'),
    }
    script.body = (envelope % wrong[field]).encode()
    with pytest.raises(BadReply):
        scripted.ask("bpjs", nik)


@every_system
def test_a_closed_port_is_unavailable(nik: str, system: str) -> None:
    """Nobody listening is a passing fault."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    nobody = dict.fromkeys(SYSTEMS, f"http://127.0.0.1:{port}")
    cut = pytest.raises(Unavailable, match=f"^{system}: connection failed or was cut$")
    with Adapters.at(nobody) as away, cut:
        away.ask(system, nik)


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a server that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@every_system
def test_silence_is_unavailable(silent: str, nik: str, system: str) -> None:
    """No answer within the time limit is a passing fault."""
    late = pytest.raises(Unavailable, match=f"^{system}: no answer in time$")
    with Adapters.at(dict.fromkeys(SYSTEMS, silent), timeout=0.05) as hasty, late:
        hasty.ask(system, nik)


@pytest.mark.parametrize("address", ["", "siks.kemensos.go.id", "ftp://x", "http://", "http://x:y"])
def test_an_impossible_address_names_the_setting(address: str) -> None:
    """An administrator reads which setting is wrong when the worker starts, before any case is touched."""
    with pytest.raises(Misconfigured, match="REAKTIVASI_SIKS_NG_URL"):
        HttpSiksNg(address, patience=PATIENCE)
    with pytest.raises(Misconfigured, match="REAKTIVASI_KEMENSOS_URL"):
        HttpKemensos(address, patience=PATIENCE)
    with pytest.raises(Misconfigured, match="REAKTIVASI_BPJS_URL"):
        HttpBpjs(address, CREDENTIALS, patience=PATIENCE)


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("54321", "rahasia-demo", "demo"),
        Credentials("12345", "salah", "demo"),
        Credentials("12345", "rahasia-demo", "salah"),
    ],
    ids=["cons_id", "cons_secret", "user_key"],
)
def test_wrong_credentials_name_the_settings(
    institutions: Institutions, nik: str, credentials: Credentials
) -> None:
    """BPJS refuses a wrong id, secret or key, and the administrator reads where to look."""
    refused = pytest.raises(Misconfigured, match="REAKTIVASI_BPJS_CONS_ID")
    with Adapters.at(institutions.urls, credentials=credentials) as stranger, refused:
        stranger.ask("bpjs", nik)


@every_system
@pytest.mark.parametrize(
    "dials",
    [{"down": True}, {"lose_reply": 1}, {"wrong": "html"}, {"wrong": "empty"}, {"wrong": "garbage"}],
    ids=str,
)
def test_no_error_tells_who_the_person_is(
    institutions: Institutions,
    adapters: Adapters,
    caplog: pytest.LogCaptureFixture,
    system: str,
    dials: dict[str, object],
) -> None:
    """Neither the words, the traceback nor the chain of an error, nor any log line, names the person."""
    caplog.set_level(logging.DEBUG)
    nik = fresh_nik()
    reference = adapters.siks_ng.submit(a_submission(nik), key=f"{nik}:first")
    institutions.turn(system, nik, **dials)
    with pytest.raises(ReactivationError) as caught:
        adapters.ask(system, nik, reference)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    told = [str(error), repr(error), *map(str, error.args), *traceback.format_exception(error), caplog.text]
    told.append(institutions.log.read_text())
    for secret in (nik, KK, NAME, reference, "rahasia-demo", "127.0.0.1"):
        assert all(secret not in words for words in told)

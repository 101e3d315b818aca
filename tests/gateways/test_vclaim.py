"""The VClaim protocol agrees with a known answer and with the public client pybpjs."""

import base64
import contextlib
import hashlib
import json

import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st
from pybpjs import bpjs as pybpjs

from gateways import vclaim
from models.errors import BadReply, Misconfigured, ReactivationError, Refused, Unavailable
from simulators.bpjs import Credentials as TheirCredentials

KNOWN = vclaim.Credentials(cons_id="12345", cons_secret="rahasiaABC", user_key="kunci")
STAMP = "1770706800"
KNOWN_SIGNATURE = "yH/yu/XOfPKlN7bQdl9ywy5zX2hxB+a7CURxCkf69m8="
KNOWN_SEALED = (
    "82+S5/5sJ9yo2/tNXlYX0wNG22c7Yz56PRwGKdkJlZyNXAfbRysSH8vxST0vm2b8jHJOKUV5pc04AqhrjPJo1Z7Ou6ltKiW8bKVTBypB"
    "KNtVpIr7o68IYuYqU2sQlV37ouGTJQpkqAzBvjtYOv1O++kxd1bTcj4qwzQl+JZzVX1rQDdOgzd7v0FhVcETFBIJ"
)
KNOWN_TEXT = (
    '{"peserta":{"nik":"3275014501900001","noKartu":"0001234567891",'
    '"statusPeserta":{"kode":"0","keterangan":"AKTIF"}}}'
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def seal(content: object, stamp: str = STAMP) -> str:
    """Seal a reply as the simulated BPJS does."""
    return TheirCredentials(KNOWN.cons_id, KNOWN.cons_secret, KNOWN.user_key).seal(content, stamp)


def encrypt(plain: bytes) -> str:
    """Encrypt without compressing, by a third library."""
    key = hashlib.sha256(f"{KNOWN.cons_id}{KNOWN.cons_secret}{STAMP}".encode()).digest()
    gap = 16 - len(plain) % 16
    padded = plain + bytes([gap]) * gap
    return base64.b64encode(AES.new(key, AES.MODE_CBC, iv=key[:16]).encrypt(padded)).decode()


def test_signature_is_the_known_one() -> None:
    """The headers of the known-answer vector (domain 3.1) come out."""
    assert vclaim.headers(KNOWN, STAMP) == {
        "X-cons-id": "12345",
        "X-timestamp": STAMP,
        "X-signature": KNOWN_SIGNATURE,
        "user_key": "kunci",
    }


def test_known_reply_is_unsealed() -> None:
    """The ciphertext of the known-answer vector (domain 3.1) gives its text."""
    assert vclaim.unseal(KNOWN_SEALED, KNOWN, STAMP) == KNOWN_TEXT


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])), st.text(), st.integers(0, 2**33))
def test_signature_agrees_with_pybpjs(cons_id: str, secret: str, seconds: int) -> None:
    """Whatever the credentials, a public client signs the same call in the same way."""
    theirs: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pybpjs.requests, "get", lambda _url, headers: theirs.update(headers))
        pybpjs.rest_bpjs(cons_id, secret, "kunci", "http://x", "get", "", str(seconds))
    ours = vclaim.headers(vclaim.Credentials(cons_id, secret, "kunci"), str(seconds))
    assert ours.items() <= theirs.items()


@settings(deadline=None)
@given(JSON)
def test_any_payload_is_unsealed_as_pybpjs_does(payload: object) -> None:
    """Random Unicode payloads survive, and a public client reads the same."""
    sealed = seal(payload)
    theirs = pybpjs.decrypt_data(f"{KNOWN.cons_id}{KNOWN.cons_secret}{STAMP}", sealed)
    # pybpjs leaves wide characters in two halves; a trip through ASCII JSON joins them.
    assert json.loads(vclaim.unseal(sealed, KNOWN, STAMP)) == json.loads(json.dumps(theirs)) == payload


def test_name_beyond_sixteen_bits_is_read_whole() -> None:
    """A character that LZString packs as two halves comes back as one."""
    assert vclaim.unseal(seal("Siti 𝒜 😀"), KNOWN, STAMP) == '"Siti 𝒜 😀"'


def test_timestamp_of_another_request_does_not_open_the_reply() -> None:
    """The key belongs to one request: one second later it is another."""
    with pytest.raises(BadReply):
        vclaim.unseal(KNOWN_SEALED, KNOWN, "1770706801")


@settings(deadline=None)
@given(st.text() | st.binary(max_size=64).map(lambda raw: base64.b64encode(raw).decode()))
def test_anything_else_is_a_bad_reply(sealed: str) -> None:
    """What is not a sealed reply raises BadReply and nothing else."""
    with pytest.raises(BadReply):
        vclaim.unseal(sealed, KNOWN, STAMP)


@settings(deadline=None)
@given(st.binary(max_size=40) | st.text("ABCDEFabcdef0123+-$ ", max_size=40).map(str.encode))
def test_broken_compression_never_escapes(packed: bytes) -> None:
    """A reply that decrypts well and decompresses badly is text or BadReply, never another error."""
    with contextlib.suppress(BadReply):
        assert isinstance(vclaim.unseal(encrypt(packed), KNOWN, STAMP), str)


@pytest.mark.parametrize(
    "meta",
    [
        '"metaData":{"code":"200","message":"OK"}',
        '"metaData":{"code":200,"message":"OK"}',
        '"metadata":{"code":1,"message":"Ok"}',
        '"metadata":{"code":200}',
        '"metaData":{"Code":"200"}',
        '"metadata":{"Code":1}',
    ],
)
@pytest.mark.parametrize("response", [json.dumps(KNOWN_SEALED), KNOWN_TEXT], ids=["sealed", "clear"])
def test_every_spelling_of_success_is_understood(meta: str, response: str) -> None:
    """Case, number or text, 200 or 1, sealed or in the clear: the content is the same."""
    text = vclaim.read(f'{{{meta},"response":{response}}}'.encode(), KNOWN, STAMP)
    assert text is not None
    assert json.loads(text) == json.loads(KNOWN_TEXT)


@pytest.mark.parametrize("code", ['"201"', "201"])
@pytest.mark.parametrize("rest", [',"response":null', ""])
def test_no_data_is_none(code: str, rest: str) -> None:
    """Code 201 means that BPJS knows nobody, whether `response` is null or left out."""
    assert vclaim.read(f'{{"metaData":{{"code":{code}}}{rest}}}'.encode(), KNOWN, STAMP) is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"metaData":{"code":"401"},"response":null}', Misconfigured),
        (b'{"metaData":{"code":403},"response":null}', Misconfigured),
        (b'{"metaData":{"code":"429"},"response":null}', Unavailable),
        (b'{"metaData":{"code":"500"},"response":null}', Unavailable),
        (b'{"metaData":{"code":"503"},"response":null}', Unavailable),
        (b'{"metadata":{"code":0},"response":null}', Refused),
        (b'{"metaData":{"code":"400"},"response":null}', Refused),
        (b'{"metaData":{"code":"200"},"response":null}', BadReply),
        (b'{"metaData":{"code":"200"},"response":[]}', BadReply),
        (b'{"metaData":{"code":"baik"},"response":null}', BadReply),
        (b'{"metaData":null}', BadReply),
        (b'{"response":"x"}', BadReply),
        (b"[]", BadReply),
        (b"<html>Gangguan</html>", BadReply),
        (b"\xff\xfe", BadReply),
        (b"", BadReply),
    ],
)
def test_every_other_reply_says_who_must_act(body: bytes, error: type[ReactivationError]) -> None:
    """Each code or malformed reply becomes the error whose reader can do something."""
    with pytest.raises(error):
        vclaim.read(body, KNOWN, STAMP)


def test_refused_credentials_name_the_settings() -> None:
    """An administrator reads which settings to check, and no secret."""
    with pytest.raises(Misconfigured, match="REAKTIVASI_BPJS_CONS_ID, _CONS_SECRET, _USER_KEY") as caught:
        vclaim.read(b'{"metaData":{"code":"401"}}', KNOWN, STAMP)
    assert "rahasia" not in str(caught.value) + repr(KNOWN)

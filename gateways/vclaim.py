"""The protocol of BPJS VClaim: signed calls, sealed replies, many spellings of `metaData`. No I/O.

Algorithm and variants: domain 3.1 and 3.3, from public PHP, Go, TypeScript and Python clients.
"""

import base64
import hashlib
import hmac
import json
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from lzstring import LZString
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from models.errors import BadReply, Misconfigured, ReactivationError, Refused, Unavailable

ACCESS_REFUSED = "credentials refused (check REAKTIVASI_BPJS_CONS_ID, _CONS_SECRET, _USER_KEY)"

_SYSTEM = "bpjs"
_OK = {200, 1}
_NO_DATA = 201


@dataclass(frozen=True, repr=False)
class Credentials:
    """What BPJS gives to a client of one of its services."""

    cons_id: str
    cons_secret: str
    user_key: str

    def __repr__(self) -> str:
        """Keep secrets out of tracebacks and logs."""
        return "<Credentials>"


class _MetaData(BaseModel):
    code: int = Field(validation_alias=AliasChoices("code", "Code"))


class _Envelope(BaseModel):
    meta: _MetaData = Field(validation_alias=AliasChoices("metaData", "metadata"))
    response: object = None


def headers(credentials: Credentials, timestamp: str) -> dict[str, str]:
    """Return the headers that sign a call; `timestamp` is Unix seconds (UTC)."""
    message = f"{credentials.cons_id}&{timestamp}".encode()
    digest = hmac.new(credentials.cons_secret.encode(), message, hashlib.sha256).digest()
    return {
        "X-cons-id": credentials.cons_id,
        "X-timestamp": timestamp,
        "X-signature": base64.b64encode(digest).decode(),
        "user_key": credentials.user_key,
    }


_LONGEST_SEALED = 16 * 1024
"""A person is a tenth of it; what is packed could grow with the square of its length."""


def read(content: bytes, credentials: Credentials, timestamp: str) -> str | None:
    """Return the JSON text of a reply's `response`; None when BPJS has no data.

    `timestamp` is the one sent with this very call: it is part of the key.
    Raises Misconfigured, Unavailable, Refused or BadReply.
    """
    envelope = _open(content)
    code = envelope.meta.code
    if code == _NO_DATA:
        return None
    if code not in _OK:
        raise _fault(code)
    match envelope.response:
        case str(sealed):
            return unseal(sealed, credentials, timestamp)
        case dict(clear):
            return json.dumps(clear)
    raise BadReply(_SYSTEM, "reply says success and holds nothing")


def unseal(sealed: str, credentials: Credentials, timestamp: str) -> str:
    """Decrypt and decompress the `response` of a reply. Raises BadReply."""
    if len(sealed) > _LONGEST_SEALED:
        raise BadReply(_SYSTEM, "reply is too large")
    secret = f"{credentials.cons_id}{credentials.cons_secret}{timestamp}".encode()
    key = hashlib.sha256(secret).digest()
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        packed = (unpadder.update(padded) + unpadder.finalize()).decode("ascii")
        text: object = LZString().decompress(_repacked(packed))
        if isinstance(text, str) and text:
            # LZString knows UTF-16 units; a character beyond 16 bits comes as two of them.
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except (ValueError, LookupError, TypeError, NameError):  # NameError: lzstring has an unset variable
        pass
    raise BadReply(_SYSTEM, "reply cannot be deciphered")


def _repacked(packed: str) -> str:
    """Return the same stream of bits with 16 in a character in place of the 6 that fit into a web address.

    lzstring builds its table of those anew for every character: 2.4 ms for a participant, 0.5 so.
    Raises ValueError for what is in no such alphabet.
    """
    sextets = packed.replace(" ", "+").rstrip("$")
    whole = sextets + "A" * (-len(sextets) % 8)  # zeros, so that they make whole characters of 16
    octets = base64.b64decode(whole, altchars=b"+-", validate=True)
    return "".join(map(chr, struct.unpack(f">{len(octets) // 2}H", octets)))


def _open(content: bytes) -> _Envelope:
    try:
        return _Envelope.model_validate_json(content)
    except ValidationError:
        pass
    raise BadReply(_SYSTEM, "reply not in the agreed form")


def _fault(code: int) -> ReactivationError:
    match code:
        case 401 | 403:
            return Misconfigured(f"{_SYSTEM}: {ACCESS_REFUSED}")
        case 408 | 429:
            return Unavailable(_SYSTEM, "overloaded")
        case _ if code // 100 == 5:  # noqa: PLR2004 - as in HTTP
            return Unavailable(_SYSTEM, "out of order")
    return Refused(_SYSTEM, "call refused")

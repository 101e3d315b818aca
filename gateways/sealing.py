"""Sealing: AES-256-GCM under a key, bound to a place, so that a value moved elsewhere does not open."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.errors import BadReply, KeyLost

KEY_BYTES: Final = 32
_NONCE_BYTES = 12
FORM: Final = b"\x01"
"""Which way of sealing this is; the first byte of everything sealed."""


class DoesNotOpen(Exception):
    """The key is not the one, or the content or its place is not what was sealed."""


def seal(key: bytes, place: str, content: bytes) -> bytes:
    """Return the content, sealed under a 256-bit key and bound to a place."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return FORM + nonce + AESGCM(key).encrypt(nonce, content, place.encode())


def unseal(key: bytes, place: str, sealed: bytes) -> bytes:
    """Return what was sealed. Raises DoesNotOpen."""
    if sealed[:1] != FORM:
        raise DoesNotOpen
    nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, place.encode())
    except (InvalidTag, ValueError):
        raise DoesNotOpen from None


@lru_cache(64)
def derived(secret: bytes, purpose: str) -> bytes:
    """Return the key for one purpose out of a secret (HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)


def keyed_hash(key: bytes, value: bytes) -> bytes:
    """Return the HMAC-SHA256 of a value."""
    return digest(key, value, sha256)


@dataclass(frozen=True)
class DataKey:
    """The key of one person. Satisfies `gateways.ports.vault.PersonKey`."""

    id: str
    secret: bytes = field(repr=False)
    renewed_at: Callable[[], datetime | None] = field(default=lambda: None, repr=False, compare=False)
    """Says when it took the place of a key that was lost; asked where something does not open."""

    def seal(self, place: str, content: str) -> bytes:
        """Return the text sealed, bound to this person and to a place in the ledger."""
        return seal(self.secret, f"{self.id}/{place}", content.encode())

    def digest(self, place: str, content: str) -> str:
        """Return the keyed hash of a text, bound to this person and to a place in the ledger."""
        # Not `derived`: it keeps what it was given, and no key of a person outlives the call.
        key = derived.__wrapped__(self.secret, f"digest/{place}")
        return keyed_hash(key, content.encode("utf-8", "surrogatepass")).hex()

    def unseal(self, place: str, sealed: bytes) -> str:
        """Return what was sealed at this place.

        Raises KeyLost when the key that sealed it is gone, and BadReply when it was altered or moved.
        """
        try:
            return unseal(self.secret, f"{self.id}/{place}", sealed).decode()
        except DoesNotOpen:
            if (at := self.renewed_at()) is not None:
                raise KeyLost(at) from None
            raise BadReply("ledger", "a sealed value was altered, or is not at its place") from None

"""The recommendation letter (*surat keterangan pengaktifan kembali*, domain 1.4): what is printed on it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import quote

from models.case import Outcome
from models.dossier import Need, Person
from models.letter_policy import LetterPolicy

REPLACED: Final = "replaced"
"""Why a letter is void after another was issued in its place."""


def void_because(outcome: Outcome | None, *, is_replaced: bool) -> str | None:
    """Return why a letter is void, `REPLACED` or how its case ended; None for one that is valid.

    It says that the office recommends to switch the person on again: that holds while it is asked for, and
    once it came about. Who is withdrawn, rejected, dead, elsewhere or covered already is recommended no more.
    """
    if is_replaced:
        return REPLACED
    return None if outcome is Outcome.REACTIVATED else outcome


@dataclass(frozen=True, repr=False)
class Letter:
    """One letter, ready to be printed. Prints as nothing personal."""

    number: str
    issued_on: date
    verification_code: str
    case_number: str
    person: Person
    kelurahan: str
    """Name of the kelurahan of domicile; `person.kelurahan` is its code."""
    kecamatan: str
    city_name: str
    deactivated_on: date
    need: Need
    legal_basis: str
    policy: LetterPolicy
    is_void: bool = False

    @property
    def subject_digest(self) -> str:
        """Digest of the personal content; see `subject_digest`."""
        return subject_digest(self.person, self.need, self.deactivated_on)

    @property
    def verify_url(self) -> str:
        """Where this letter can be checked; empty when the office has no such address."""
        return self.policy.verify_at.format(code=quote(self.verification_code, safe=""))

    @property
    def qr_text(self) -> str:
        """What the QR code holds: the address at which the letter can be checked, or number and code."""
        return self.verify_url or f"Nomor: {self.number}\nKode verifikasi: {self.verification_code}"

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Letter>"


def subject_digest(person: Person, need: Need, deactivated_on: date) -> str:
    """Return the SHA-256 in hex of what a letter says about a person.

    Equal digests mean that a letter still says what the ledger says. What no letter prints (family card, sex,
    phone, kind of need) does not count, nor do number, date and code, which belong to the paper.
    """
    said = {
        "nik": person.nik,
        "card_number": person.card_number,
        "name": person.name,
        "birth_date": person.birth_date.isoformat(),
        "kelurahan": person.kelurahan,
        "facility": need.facility,
        "letter_number": need.letter_number,
        "letter_date": need.letter_date.isoformat(),
        "deactivated_on": deactivated_on.isoformat(),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

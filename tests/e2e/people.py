"""Invented people whose every value can be told from anything else that a file may hold."""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime

from models.wib import wib_date

_numbers = itertools.count(1)

BORN = date(1951, 9, 27)
KELURAHAN = "36.74.06.1003"


@dataclass(frozen=True)
class Someone:
    """A person who comes to the office; valid in form, invented in content."""

    nik: str
    kk: str
    card_number: str
    name: str
    phone: str
    facility: str
    letter_number: str

    @property
    def secrets(self) -> dict[str, str]:
        """What must stay in the ledger, by what it is; the phone without the 0 that a form may drop."""
        words = {f"name {place}": word for place, word in enumerate(self.name.split())}
        return words | {
            "NIK": self.nik,
            "KK": self.kk,
            "card number": self.card_number,
            "phone": self.phone.removeprefix("0"),
            "facility": self.facility,
            "letter number": self.letter_number,
            "birth date": BORN.isoformat(),
            "kelurahan": KELURAHAN,
        }

    def application(self, *, need_kind: str = "emergency", **changes: object) -> dict[str, object]:
        """Return this person's application as JSON data; `changes` replace top-level fields."""
        data: dict[str, object] = {
            "city": "3674",
            "track": "emergency",
            "applicant": {
                "nik": self.nik,
                "kk": self.kk,
                "card_number": self.card_number,
                "name": self.name,
                "birth_date": BORN.isoformat(),
                "sex": "P",
                "phone": self.phone,
                "kelurahan": KELURAHAN,
            },
            "need": {
                "kind": need_kind,
                "facility": self.facility,
                "letter_number": self.letter_number,
                "letter_date": "2026-02-10",
            },
            "deactivated_on": wib_date(datetime.now(UTC)).isoformat(),
            "documents": [{"kind": "facility_letter", "path": "surat.pdf"}],
        }
        return data | changes


def someone() -> Someone:
    """Return a person that no other test has: a woman born 27 September 1951."""
    number = next(_numbers)
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number:04d}")
    return Someone(
        nik=f"367406670951{4000 + number}",
        kk=f"36740628081{70000 + number}",
        card_number=f"000{2718281000 + 37 * number}",
        name=f"Xubaidah{letters} Qoriyüzza{letters}",
        phone=f"0813{57913000 + number}",
        facility=f"RSUD-{letters}-Wijayakusumawati",
        letter_number=f"YM.02/{7000 + number}/RSWK/II/2026",
    )

"""The people of a run: by their place in the plan, each with values that can be told from anything else."""

from datetime import UTC, datetime
from pathlib import Path

from models.wib import wib_date
from tests.builders import PDF
from tests.chaos.plan import Fate

STEMS = {
    "NIK": "367406670951",
    "KK": "3674062808",
    "card number": "00027182",
    "first name": "Xubaidah",
    "last name": "Qoriyüzza",
    "phone": "8135791",
    "facility": "Wijayakusumawati",
    "letter number": "RSWKQ",
    "birth date": "1951-09-27",
}
"""With what every value of every person begins."""

KINDS = ("facility_letter", "ktp", "kk", "jkn_card", "referral")
_BEKASI = KINDS[1:]


def nik_of(place: int) -> str:
    """Return the NIK of the person at a place in the plan."""
    return f"{STEMS['NIK']}{1000 + place:04d}"


def write_papers(folder: Path) -> None:
    """Write a paper of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (folder / f"{kind}.pdf").write_bytes(PDF + f"% {kind}\n".encode())


def papers_of(fate: Fate) -> tuple[str, ...]:
    """Return the kinds of papers that the office asks for."""
    return _BEKASI if fate.office.startswith("bekasi") else KINDS[:1]


def application(place: int, fate: Fate) -> dict[str, object]:
    """Return a person's application as JSON data."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{place:04d}")
    is_bekasi = fate.office.startswith("bekasi")
    is_medical = fate.office in {"tangsel-medical", "bekasi-short"}
    kinds = papers_of(fate) if fate.papers == "all" else papers_of(fate)[:1]
    return {
        "city": "3275" if is_bekasi else "3674",
        "track": "medical" if is_medical else "emergency",
        "applicant": {
            "nik": nik_of(place),
            "kk": f"{STEMS['KK']}{100000 + place}",
            "card_number": f"{STEMS['card number']}{10000 + place}",
            "name": f"{STEMS['first name']}{letters} {STEMS['last name']}{letters}",
            "birth_date": STEMS["birth date"],
            "sex": "P",
            "phone": f"0{STEMS['phone']}{1000 + place}",
            "kelurahan": "32.75.09.1002" if is_bekasi else "36.74.06.1003",
        },
        "need": {
            "kind": "chronic" if is_medical else "emergency",
            "facility": f"RSUD {STEMS['facility']}",
            "letter_number": f"{STEMS['letter number']}/{place}/II/2026",
            "letter_date": "2026-02-10",
        },
        "deactivated_on": wib_date(datetime.now(UTC)).isoformat(),
        "documents": [{"kind": kind, "path": f"{kind}.pdf"} for kind in kinds],
    }

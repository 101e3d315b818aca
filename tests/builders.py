"""Builders of test data: valid in form, invented in content. Each call makes another person."""

import hashlib
import itertools
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Unpack, cast

from typing_extensions import TypedDict

from models.case import CaseRef, Track
from models.dossier import Dossier, Need, NewCase, Paper, Person
from models.identity import Sex
from models.policy import DocumentKind, NeedKind

_numbers = itertools.count(1)

PDF = b"%PDF-1.4\n% contoh\n"


class CaseFields(TypedDict, total=False):
    """What a test may say about a case."""

    track: Track
    city: str
    kecamatan: str
    received_at: datetime


def a_case(**fields: Unpack[CaseFields]) -> CaseRef:
    """Return a case that no other test has."""
    city = fields.get("city", "3674")
    return CaseRef(
        case_number=f"PBI-{city}-2026-{next(_numbers):06d}",
        city=city,
        track=fields.get("track", Track.EMERGENCY),
        kecamatan=fields.get("kecamatan", "Pamulang"),
        received_at=fields.get("received_at", datetime.now(UTC)),
    )


def a_person(**fields: object) -> Person:
    """Return a person that no other test has; born 12 March 1985."""
    number = next(_numbers)
    values = {
        "nik": f"{367400 + number // 10000:06d}520385{number % 10000:04d}",
        "kk": f"{367400 + number // 10000:06d}150310{number % 10000:04d}",
        "card_number": f"000{number:010d}",
        "name": f"Contoh Warga{_letters(number)}",
        "birth_date": date(1985, 3, 12),
        "sex": Sex.FEMALE,
        "phone": f"0812{number:08d}",
        "kelurahan": "36.74.06.1001",
    }
    return Person(**cast(dict[str, str], values | fields))  # type: ignore[arg-type]  # a builder takes any field


def a_new_case(received_at: datetime) -> NewCase:
    """Return what intake would register: a straight emergency case of Tangsel."""
    paper = Paper(DocumentKind.FACILITY_LETTER, hashlib.sha256(PDF).hexdigest(), "application/pdf", len(PDF))
    return NewCase(
        city="3674",
        track=Track.EMERGENCY,
        kecamatan="Pamulang",
        received_at=received_at,
        person=a_person(),
        need=Need(NeedKind.EMERGENCY, "RS Contoh", "RS/001/II/2026", date(2026, 2, 10)),
        deactivated_on=date(2026, 2, 1),
        papers=(paper,),
    )


def a_dossier(
    case: CaseRef, *, kinds: tuple[str, ...] = ("facility_letter",), need: str = "emergency"
) -> Dossier:
    """Return what the ledger would hold on a case with papers of these kinds."""
    return Dossier(
        case=case,
        person=a_person(),
        need=Need(NeedKind(need), "RS Contoh", "RS/001/II/2026", date(2026, 2, 10)),
        deactivated_on=date(2026, 2, 1),
        papers=tuple(
            Paper(DocumentKind(kind), f"{index:064x}", "application/pdf", 20)
            for index, kind in enumerate(kinds)
        ),
    )


def an_application(**changes: object) -> dict[str, object]:
    """Return a valid application as JSON data; `changes` replace top-level fields."""
    person = a_person()
    data: dict[str, object] = {
        "city": "3674",
        "track": "emergency",
        "applicant": {
            "nik": person.nik,
            "kk": person.kk,
            "card_number": person.card_number,
            "name": person.name,
            "birth_date": "1985-03-12",
            "sex": "P",
            "phone": person.phone,
            "kelurahan": person.kelurahan,
        },
        "need": {
            "kind": "emergency",
            "facility": "RS Contoh Pamulang",
            "letter_number": "RS/001/II/2026",
            "letter_date": "2026-02-10",
        },
        "deactivated_on": "2026-02-01",
        "documents": [{"kind": "facility_letter", "path": "surat.pdf"}],
    }
    return data | changes


def write_application(folder: Path, data: dict[str, object], name: str = "application.json") -> Path:
    """Write an application and the paper it names into a folder; return the application's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "surat.pdf").write_bytes(PDF)
    path = folder / name
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def _letters(number: int) -> str:
    """Return the number as letters, so that names hold no digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))

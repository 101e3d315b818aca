"""Makes lists for `starter.py import`: invented people, valid in form, some rows faulty on purpose.

`python -m examples.generate --rows 20990 --city 3674 --out list.csv`, or `make generate N=20990 CITY=3674`.
The same seed on the same day makes the same list.
"""

import argparse
import csv
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from openpyxl import Workbook

from examples.make_papers import pdf
from gateways.policy_folder import PolicyFolder
from intake.layouts import BNBA_HEADER, OWN_HEADER
from models.case import Track
from models.policy import NeedKind
from models.wib import wib_date
from runtime.settings import ROOT

PAPER: Final = "contoh-surat.pdf"
"""The one scan that every row names; it is written beside the list."""
FACILITY: Final = "RS Contoh"
_UNTOLD_BY_BNBA: Final = frozenset(
    {"need_kind", "facility", "letter_number", "letter_date", "deactivated_on", "documents"}
)
PUBLISHED: Final[Mapping[str, Mapping[str, int]]] = {
    "3674": {
        "Serpong": 3852,
        "Serpong Utara": 1528,
        "Pondok Aren": 3662,
        "Ciputat": 3804,
        "Ciputat Timur": 2471,
        "Pamulang": 4006,
        "Setu": 1667,
    }
}
"""People by kecamatan, where a city has published it; otherwise the kecamatan have equal shares."""
_MEN: Final = ("Agus", "Budi", "Dedi", "Eko", "Hasan", "Joko", "Ma'ruf", "Rizky", "Slamet", "Yusuf")
_WOMEN: Final = ("Ani", "Dewi", "Fitri", "Lestari", "Nur'aini", "Ratna", "Siti", "Sri", "Wati", "Yuni")
_LAST: Final = (
    "Hidayat",
    "Kurniawan",
    "Lubis",
    "Nasution",
    "Pratama",
    "Saputra",
    "Siregar",
    "Wijaya",
    "Sa'adah",
)
_WOMEN_DAY_OFFSET: Final = 40
_OLDEST_DAYS: Final = 95 * 365
_HIGHEST_NIK: Final = 6000
"""Numbers of a day from here on are those of KK, so that no KK equals a NIK."""
_FAMILIES: Final = 4000


@dataclass(frozen=True)
class Invented:
    """A row of a list."""

    nik: str
    kk: str
    card_number: str
    name: str
    birth_date: str
    sex: str
    phone: str
    kelurahan: str
    """Kemendagri code."""
    kelurahan_name: str
    kecamatan: str
    letter_number: str
    letter_date: str
    deactivated_on: str
    documents: str


@dataclass
class People:
    """Invents people; no two have a number in common."""

    chance: random.Random
    today: date
    documents: str
    _niks: set[str] = field(default_factory=set)

    def one(self, number: int, code: str, kelurahan: str, kecamatan: str) -> Invented:
        """Return the person with this number, who lives in this kelurahan."""
        is_woman = self.chance.random() < 0.5  # noqa: PLR2004 - half of them
        born = self.today - timedelta(days=self.chance.randrange(1, _OLDEST_DAYS))
        deactivated = (self.today.replace(day=1) - timedelta(days=1)).replace(day=1)
        first = self.chance.choice(_WOMEN if is_woman else _MEN)
        return Invented(
            nik=self._nik(code, born, is_woman=is_woman),
            kk=f"{_area(code)}150317{_HIGHEST_NIK + number % _FAMILIES:04d}",
            card_number=f"000{number:010d}",
            name=f"{first} {self.chance.choice(_LAST)} {self.chance.choice(_LAST)}",
            birth_date=f"{born:%d-%m-%Y}",
            sex="P" if is_woman else "L",
            phone=f"0812{number:08d}",
            kelurahan=code,
            kelurahan_name=kelurahan,
            kecamatan=kecamatan,
            letter_number=f"445/{number:06d}/RSC/{self.today.year}",
            letter_date=f"{self.today - timedelta(days=self.chance.randrange(14)):%d-%m-%Y}",
            deactivated_on=f"{deactivated:%d-%m-%Y}",
            documents=self.documents,
        )

    def _nik(self, code: str, born: date, *, is_woman: bool) -> str:
        day = born.day + _WOMEN_DAY_OFFSET * is_woman
        begins = f"{_area(code)}{day:02d}{born:%m}{born.year % 100:02d}"
        while (nik := f"{begins}{self.chance.randrange(1, _HIGHEST_NIK):04d}") in self._niks:
            pass
        self._niks.add(nik)
        return nik


FAULTS: Final[tuple[Callable[[Invented, Invented], Invented], ...]] = (
    lambda row, _: replace(row, nik=row.nik[:-1]),
    lambda row, _: replace(row, nik=f"{row.nik[0]}.{row.nik[1:6]}E+15"),
    lambda row, before: replace(row, nik=before.nik),
    lambda row, _: replace(row, kk="0" * 16),
    lambda row, _: replace(row, card_number=row.card_number.lstrip("0")),
    lambda row, _: replace(row, name=""),
    lambda row, _: replace(row, name="#N/A"),
    lambda row, _: replace(row, birth_date="31-02-1990"),
    lambda row, _: replace(row, birth_date="32905"),
    lambda row, _: replace(row, sex="X"),
    lambda row, _: replace(row, kelurahan="36.74.99.1001", kelurahan_name="Antah Berantah"),
)
"""What goes wrong in a row; the second row is a good one that came before."""


def shares(city: str, rows: int, kecamatan: list[str]) -> dict[str, int]:
    """Return how many rows each kecamatan has; they make up `rows`."""
    weights = PUBLISHED.get(city, dict.fromkeys(kecamatan, 1))
    total = sum(weights.values())
    found = {name: rows * weights[name] // total for name in kecamatan}
    most_left = sorted(kecamatan, key=lambda name: -(rows * weights[name] % total))
    for name in most_left[: rows - sum(found.values())]:
        found[name] += 1
    return found


def invent(city: str, rows: int, faults: float, seed: int, today: date) -> Iterator[Invented]:
    """Return the rows of a list, by kecamatan and kelurahan; this share of them is faulty.

    The good rows are the same whatever the share.
    """
    shelf = PolicyFolder(ROOT / "policies")
    chance, mischance = random.Random(seed), random.Random(f"faults {seed}")  # noqa: S311 - no secret
    areas = {
        area: place
        for area, place in shelf.regions().kecamatan.items()
        if area.replace(".", "").startswith(city)
    }
    checklist = shelf.city(city).tracks[Track.MEDICAL].documents
    people = People(chance, today, "|".join(f"{min(kinds)}={PAPER}" for kinds in checklist))
    faulty = set(mischance.sample(range(1, rows), round(rows * faults))) if rows > 1 else set()
    how_many = shares(city, rows, [place.name for place in areas.values()])
    number, before, kind = 0, None, 0
    for area, place in areas.items():
        kelurahan = list(place.kelurahan.items())
        for at in range(how_many[place.name]):
            tail, name = kelurahan[at * len(kelurahan) // how_many[place.name]]
            row = people.one(number, f"{area}.{tail}", name, place.name)
            if number in faulty and before is not None:
                yield FAULTS[kind % len(FAULTS)](row, before)
                kind += 1
            else:
                yield row
                before = row
            number += 1


def own_cells(row: Invented) -> dict[str, str]:
    """Return a row in our own columns."""
    told = vars(row) | {"track": Track.MEDICAL, "need_kind": NeedKind.ROUTINE, "facility": FACILITY}
    return {name: told[name] for name in OWN_HEADER if name != "kecamatan"}


def bnba_cells(row: Invented, city: str) -> dict[str, str]:
    """Return a row in the columns of a PBI list by name and address."""
    told = {
        "kota": city.upper(),
        "kecamatan": row.kecamatan.upper(),
        "kelurahan": row.kelurahan_name.upper(),
        "noka_bpjs": row.card_number,
        "psnoka_bpjs": row.card_number,
        "nama": row.name.upper(),
        "tanggal_lahir": row.birth_date,
        "jenis_kelamin": row.sex,
        "nik": row.nik,
        "nokk": row.kk,
    }
    return {name: told.get(name, "") for name in BNBA_HEADER}


def write(rows: Iterator[dict[str, str]], out: Path, delimiter: str) -> None:
    """Write a list as its name says: `.xlsx`, otherwise CSV as a spreadsheet saves it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    first = next(rows)
    if out.suffix == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet("daftar")
        sheet.append(list(first))
        for row in (first, *rows):
            sheet.append(list(row.values()))
        book.save(out)
        return
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        lines = csv.DictWriter(file, list(first), delimiter=delimiter)
        lines.writeheader()
        lines.writerow(first)
        lines.writerows(rows)


def main() -> None:
    """Write a list and the scan that it names, and say how to import it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_990)
    parser.add_argument("--city", default="3674", choices=("3674", "3275"))
    parser.add_argument("--out", type=Path, required=True, help="ends in .csv or .xlsx")
    parser.add_argument("--faults", type=float, default=0.01, help="share of faulty rows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layout", choices=("own", "bnba"), default="own")
    choice = parser.parse_args()
    if choice.rows < 1 or not 0 <= choice.faults <= 1:
        parser.error("--rows is 1 or more, --faults between 0 and 1")
    people = invent(choice.city, choice.rows, choice.faults, choice.seed, wib_date(datetime.now(UTC)))
    first = next(people)
    rows, constants = chain([first], people), ""
    if choice.layout == "own":
        write(map(own_cells, rows), choice.out, ",")
    else:
        city = PolicyFolder(ROOT / "policies").city(choice.city).name
        write((bnba_cells(row, city) for row in rows), choice.out, ";")
        told = {name: value for name, value in own_cells(first).items() if name in _UNTOLD_BY_BNBA}
        constants = "".join(f" --set {name}='{value}'" for name, value in told.items())
    choice.out.with_name(PAPER).write_bytes(pdf("Surat keterangan layak membutuhkan layanan", FACILITY))
    say = sys.stdout.write
    say(f"{choice.rows} rows, {round(choice.rows * choice.faults)} of them faulty\n")
    say(f"starter.py import {choice.out} --city {choice.city}{constants}\n")


def _area(code: str) -> str:
    """Return the first six digits of a NIK that was given out in a kelurahan's kecamatan."""
    return code.replace(".", "")[:6]


if __name__ == "__main__":
    main()

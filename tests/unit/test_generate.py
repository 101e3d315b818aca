"""Synthetic lists: the published distribution, the share of faults that was asked for, nobody twice."""

import csv
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from examples import generate
from models.identity import parse_nik

TODAY = date(2026, 2, 11)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Run the command."""
    monkeypatch.setattr(sys, "argv", ["generate", *words])
    generate.main()


def test_people_of_tangsel_are_spread_as_published() -> None:
    """The whole list has the published figures; a part of it their shares."""
    names = list(generate.PUBLISHED["3674"])
    assert sum(generate.PUBLISHED["3674"].values()) == 20_990
    assert generate.shares("3674", 20_990, names) == generate.PUBLISHED["3674"]
    assert generate.shares("3674", 2_099, names)["Pamulang"] == 401
    assert sum(generate.shares("3674", 1_001, names).values()) == 1_001


def test_people_of_bekasi_are_spread_evenly() -> None:
    """No distribution is published."""
    found = Counter(row.kecamatan for row in generate.invent("3275", 1_205, 0, 1, TODAY))
    assert sorted(found.values()) == [100] * 7 + [101] * 5


def test_within_a_kecamatan_every_kelurahan_has_its_share() -> None:
    """Evenly."""
    found = Counter(row.kelurahan for row in generate.invent("3674", 2_099, 0, 1, TODAY))
    pamulang = [many for code, many in found.items() if code.startswith("36.74.06.")]
    assert (len(found), len(pamulang)) == (54, 8)
    assert max(pamulang) - min(pamulang) <= 1


def test_nobody_is_in_a_list_twice_and_numbers_agree() -> None:
    """NIK, birth date and sex say the same; KK and card are somebody's own or his family's."""
    rows = list(generate.invent("3674", 2_000, 0, 1, TODAY))
    assert len({row.nik for row in rows}) == len({row.card_number for row in rows}) == 2_000
    assert not {row.nik for row in rows} & {row.kk for row in rows}
    for row in rows:
        nik = parse_nik(row.nik)
        assert nik is not None
        day, month, year = map(int, row.birth_date.split("-"))
        assert nik.is_born_on(date(year, month, day))
        assert nik.sex == row.sex


def test_faults_change_no_other_row() -> None:
    """As many rows as were asked for, and only those."""
    good, faulty = (list(generate.invent("3674", 200, share, 1, TODAY)) for share in (0, 0.1))
    assert sum(one != other for one, other in zip(good, faulty, strict=True)) == 20


def test_the_same_seed_makes_the_same_list() -> None:
    """And another seed another one."""
    first, again, other = (list(generate.invent("3674", 50, 0.1, seed, TODAY)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("layout", "mark", "columns"), [("own", ",", 15), ("bnba", ";", 21)])
def test_a_list_is_written_with_the_scan_it_names(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    layout: str,
    mark: str,
    columns: int,
) -> None:
    """As CSV with a mark of UTF-8, as a spreadsheet saves it; and how to import it is told."""
    out = tmp_path / "new" / "list.csv"
    run(monkeypatch, "--rows", "30", "--out", str(out), "--layout", layout)
    with out.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=mark)
    assert (len(header), len(rows), {len(row) for row in rows}) == (columns, 30, {columns})
    assert out.with_name(generate.PAPER).read_bytes().startswith(b"%PDF-")
    said = capsys.readouterr().out
    assert f"starter.py import {out} --city 3674" in said
    assert ("--set need_kind='routine' --set facility='RS Contoh'" in said) == (layout == "bnba")

"""Synthetic lists and the importer know each other: good rows are taken, each kind of fault is found."""

from pathlib import Path

import pytest

from examples import generate
from models.wib import wib_date
from tests.builders import PDF
from tests.intake.lists import NOW, SHELF, Desk
from tests.intake.test_layouts import NEED


@pytest.mark.parametrize("layout", ["own", "bnba"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_as_many_rows_are_faulty_as_were_asked_for(
    desk: Desk, tmp_path: Path, layout: str, kind: str
) -> None:
    """In both layouts and both kinds of file."""
    rows = generate.invent("3674", 440, 0.05, 1, wib_date(NOW))
    city = SHELF.city("3674").name
    told = (
        map(generate.own_cells, rows) if layout == "own" else (generate.bnba_cells(row, city) for row in rows)
    )
    path = tmp_path / f"daftar.{kind}"
    generate.write(told, path, ";")
    (tmp_path / generate.PAPER).write_bytes(PDF)
    constants = {} if layout == "own" else NEED | {"documents": f"facility_letter={generate.PAPER}"}
    checked = await desk.check(desk.wanted(path, constants=constants))
    assert (checked.rows, checked.rejected) == (440, 22)
    assert [one.rows for one in checked.faults.values()] == [2] * len(generate.FAULTS)
    assert not checked.warnings


async def test_a_generated_case_has_the_papers_that_its_city_asks_for(desk: Desk, tmp_path: Path) -> None:
    """So that it runs to its end; Bekasi asks for four."""
    path = tmp_path / "daftar.csv"
    generate.write(map(generate.own_cells, generate.invent("3275", 12, 0, 1, wib_date(NOW))), path, ",")
    (tmp_path / generate.PAPER).write_bytes(PDF)
    taken = await desk.take(desk.wanted(path, city="3275"))
    assert taken.new == 12
    for state in desk.registry.cases():
        track = SHELF.city("3275").tracks[state.case.track]
        assert track.missing({paper.kind for paper in desk.registry.papers(state.case.case_number)}) == []

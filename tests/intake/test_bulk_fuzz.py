"""Damaged lists: what comes out of one is what was written, or it is told; never half of it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.table_files import TableFiles
from intake.layouts import ColumnMap, plan
from intake.rows import RowReader
from models.application import Application, IntakeContext
from models.errors import BadInput
from tests.intake.lists import SHELF, a_row, write

CITY = SHELF.city("3674")
_FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for lists."""
    return tmp_path_factory.mktemp("lists")


@pytest.fixture(scope="module")
def whole(folder: Path) -> bytes:
    """Write a good list with everything that CSV can do in it."""
    names = ('Siti "Neng" Aminah', "Nur'aini; binti Ma’ruf", "Baris\nDua", "Biasa")
    return write(folder, [a_row(name=name) for name in names], mark=";").read_bytes()


def read(folder: Path, content: bytes) -> Iterator[tuple[int, Application | int]]:
    """Return the number of each row, and the application in it or how many faults. Raises BadInput."""
    context = IntakeContext(
        today=date(2026, 2, 11),
        city_codes=("3674",),
        city_names={"3674": CITY.name},
        regions=SHELF.regions(),
        inspect_paper=lambda name: None if name == "surat.pdf" else "missing",
    )
    path = folder / "damaged.csv"
    path.write_bytes(content)
    with TableFiles().open(path) as table:
        reader = RowReader(plan(table.header, ColumnMap(), {}), CITY, context)
        for row in table.rows():
            found = reader.read(row)
            yield row.number, found if isinstance(found, Application) else len(found)


@_FUZZ
@given(data=st.data())
def test_a_list_that_is_cut_off_gives_whole_applications(
    folder: Path, whole: bytes, data: st.DataObject
) -> None:
    """Wherever it ends."""
    expected = dict(read(folder, whole))
    assert len(expected) == 4
    try:
        found = dict(read(folder, whole[: data.draw(st.integers(0, len(whole)))]))
    except BadInput:
        return
    for number, application in found.items():
        assert application == expected[number] or isinstance(application, int)


@_FUZZ
@given(data=st.data())
def test_a_list_with_damaged_bytes_is_read_or_told(folder: Path, whole: bytes, data: st.DataObject) -> None:
    """No other error; a row that was not touched says what it said, as long as there are as many."""
    expected = dict(read(folder, whole))
    start = data.draw(st.integers(0, len(whole)))
    end = min(len(whole), start + data.draw(st.integers(0, 3)))
    damaged = whole[:start] + data.draw(st.binary(max_size=3)) + whole[end:]
    try:
        found = dict(read(folder, damaged))
    except BadInput:
        return
    if len(found) == len(expected) and b"\n" not in damaged[start : start + 3] + whole[start:end]:
        # Bytes that are no UTF-8 make the whole list Windows-1252, where other letters differ too.
        niks = {one.applicant.nik for one in expected.values() if isinstance(one, Application)}
        read_niks = {one.applicant.nik for one in found.values() if isinstance(one, Application)}
        assert len(read_niks - niks) <= 1


@_FUZZ
@given(cells=st.lists(st.text(max_size=30), min_size=15, max_size=15))
def test_any_cells_are_an_application_or_told(folder: Path, whole: bytes, cells: list[str]) -> None:
    """Whatever somebody types; and no more than one application comes of one row."""
    header = whole.split(b"\r\n", 1)[0]
    line = ";".join('"' + cell.replace('"', '""').replace("\0", "") + '"' for cell in cells)
    try:
        found = dict(read(folder, header + b"\r\n" + line.encode("utf-8", "replace") + b"\r\n"))
    except BadInput:
        return
    assert len(found) <= 1

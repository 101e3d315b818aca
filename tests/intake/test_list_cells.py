"""What spreadsheets do to values: undone where nothing is lost, told where something is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake import cells
from intake.cells import CellFault, Reading
from intake.places import Places
from tests.intake.lists import SHELF

PLACES = Places(SHELF.regions(), "3674")


def read(reading: Reading, cell: str) -> str:
    """Return what a cell is read as, or the code of what is wrong with it."""
    words = cells.bare(cell)
    value = words if isinstance(words, CellFault) else reading(words)
    return value.code if isinstance(value, CellFault) else value


@pytest.mark.parametrize(
    ("reading", "cell", "value"),
    [
        (cells.digits, "3674065203859001", "3674065203859001"),
        (cells.digits, " '3674065203859001 ", "3674065203859001"),
        (cells.digits, "’3674065203859001", "3674065203859001"),
        (cells.digits, '="3674065203859001"', "3674065203859001"),
        (cells.digits, "\u00a03674065203859001\u00a0", "3674065203859001"),
        (cells.digits, "3.67406520385900E+15", "digits_lost"),
        (cells.digits, "3,67407E+15", "digits_lost"),
        (cells.digits, "4E15", "digits_lost"),
        (cells.card, "0001234567890", "0001234567890"),
        (cells.card, "1234567890", "zeros_lost"),
        (cells.card, "105234567890", "zeros_lost"),
        (cells.card, "00012345", "00012345"),
        (cells.phone, "081234567890", "081234567890"),
        (cells.phone, "+6281234567890", "+6281234567890"),
        (cells.phone, "81234567890", "zeros_lost"),
        (cells.phone, "8,12346E+11", "digits_lost"),
        (cells.day, "1985-03-12", "1985-03-12"),
        (cells.day, "12-03-1985", "1985-03-12"),
        (cells.day, "12/03/1985", "1985-03-12"),
        (cells.day, "1/3/1985", "1985-03-01"),
        (cells.day, "12.03.1985", "1985-03-12"),
        (cells.day, "'12-03-1985", "1985-03-12"),
        (cells.day, "1985-03-12 00:00:00", "1985-03-12"),
        (cells.day, "1985-03-12T00:00:00", "1985-03-12"),
        (cells.day, "12/03/1985 0.00", "not_a_date"),
        (cells.day, "12/03/1985 00:00", "1985-03-12"),
        (cells.day, "1985-03-12 08:30:00", "not_a_date"),
        (cells.day, "03/25/1985", "not_a_date"),
        (cells.day, "31-02-1985", "not_a_date"),
        (cells.day, "12-03-85", "not_a_date"),
        (cells.day, "12-03/1985", "not_a_date"),
        (cells.day, "12 Maret 1985", "not_a_date"),
        (cells.day, "0000-00-00", "not_a_date"),
        (cells.day, "31118", "day_count"),
        (cells.sex, "l", "L"),
        (cells.sex, "Perempuan", "P"),
        (cells.sex, "LAKI - LAKI", "L"),
        (cells.sex, "F", "not_a_sex"),
        (cells.code, "Medical", "medical"),
        (cells.text, "  Nur'aini \n binti  Ma’ruf ", "Nur'aini binti Ma’ruf"),
        (cells.text, "'Aisyah", "'Aisyah"),
        (cells.text, "-", ""),
        (cells.text, "NULL", ""),
        (cells.text, "#N/A", "excel_error"),
        (cells.text, "#REF!", "excel_error"),
        (cells.text, "########", "excel_error"),
        (cells.text, "Siti\x00", "unprintable"),
        (cells.text, "Siti\u200b", "unprintable"),
    ],
)
def test_a_cell_is_read_as_it_was_meant_or_told(reading: Reading, cell: str, value: str) -> None:
    """Nothing is guessed: what a spreadsheet has lost is told as such."""
    assert read(reading, cell) == value


@pytest.mark.parametrize(
    ("kelurahan", "kecamatan", "code"),
    [
        ("36.74.06.1001", "", "36.74.06.1001"),
        ("3674061001", "Pamulang", "3674061001"),
        ("36.74.06.1001", "Ciputat", "other_kecamatan"),
        ("Pamulang Barat", "", "36.74.06.1001"),
        ("PAMULANG  BARAT", "KEC. PAMULANG", "36.74.06.1001"),
        ("Kel. Pamulangbarat", "Pamulang", "36.74.06.1001"),
        ("Pamulang Barat", "Ciputat", "unknown_kelurahan"),
        ("Bintara", "", "unknown_kelurahan"),
        ("Jl. Mawar", "Pamulang", "unknown_kelurahan"),
        ("36.74.06.1099", "Pamulang", "36.74.06.1099"),  # the application's own rule refuses it
    ],
)
def test_a_kelurahan_is_found_by_code_or_by_name(kelurahan: str, kecamatan: str, code: str) -> None:
    """Spelling varies; a contradiction between the columns is told."""
    found = PLACES.code(kelurahan, kecamatan)
    assert (found.code if isinstance(found, CellFault) else found) == code


@given(cell=st.text())
def test_no_cell_is_too_strange(cell: str) -> None:
    """Whatever a cell holds, it is read or told, and what is read can be printed."""
    for reading in (cells.text, cells.code, cells.digits, cells.card, cells.phone, cells.day, cells.sex):
        assert read(reading, cell).isprintable()
    words = cells.bare(cell)
    if isinstance(words, str):
        PLACES.code(words, words)

"""NIK, KK and names: what the digits say, whatever the person."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.identity import Sex, is_sixteen_digits, parse_nik, same_name

BORN = st.dates(min_value=date(1920, 1, 1), max_value=date(2026, 11, 20))
REGIONS = st.integers(min_value=110101, max_value=969999)
SERIALS = st.integers(min_value=1, max_value=9999)


def nik_of(born: date, sex: Sex, region: int = 367406, serial: int = 9001) -> str:
    """Write a NIK as Dukcapil does (domain 2.1)."""
    day = born.day + (40 if sex is Sex.FEMALE else 0)
    return f"{region:06d}{day:02d}{born:%m%y}{serial:04d}"


@given(BORN, st.sampled_from(Sex), REGIONS, SERIALS)
def test_a_nik_gives_back_the_birth_date_and_the_sex_it_was_made_of(
    born: date, sex: Sex, region: int, serial: int
) -> None:
    """Whatever the date, women's days carry +40 and the parts are read back."""
    nik = parse_nik(nik_of(born, sex, region, serial))
    assert nik is not None
    assert nik.is_born_on(born)
    assert (nik.sex, nik.region) == (sex, f"{region:06d}"[:4])


@given(st.integers(1, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_nik_is_read_only_when_its_digits_are_a_date(day: int, month: int, year: int) -> None:
    """Days 1-31 and 41-71 of a real month; the 29th of February only in leap years."""

    def exists(century: int) -> bool:
        try:
            date(century + year, month, day - 40 if day > 40 else day)
        except ValueError:
            return False
        return True

    assert (parse_nik(f"367406{day:02d}{month:02d}{year:02d}9001") is not None) == (
        exists(1900) or exists(2000)
    )


@given(BORN, BORN)
def test_another_birth_date_is_noticed(born: date, other: date) -> None:
    """Dates agree only when day, month and year of the century do."""
    nik = parse_nik(nik_of(born, Sex.MALE))
    assert nik is not None
    assert nik.is_born_on(other) == (
        (born.day, born.month, born.year % 100) == (other.day, other.month, other.year % 100)
    )


@given(st.text(max_size=20))
def test_sixteen_digits_means_ascii_digits(value: str) -> None:
    """Arabic-Indic or full-width digits are not what SIKS-NG takes."""
    assert is_sixteen_digits(value) == (len(value) == 16 and all(char in "0123456789" for char in value))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SITI AMINAH", "Siti  Aminah"),
        ("Nur'aini", "Nuraini"),
        ("Hj. Contoh Melati, S.Pd", "CONTOH MELATI"),
        ("dr. Contoh Anggrek", "Contoh Anggrek"),
        ("Contoh Débora", "CONTOH DEBORA"),
    ],
)
def test_names_that_an_officer_calls_the_same_are_the_same(one: str, other: str) -> None:
    """Case, spaces, apostrophes, titles and accents do not count."""
    assert same_name(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("Contoh Melati", "Contoh Mawar"), ("", ""), ("...", "'"), ("Siti", "")]
)
def test_names_that_differ_or_are_empty_are_not_the_same(one: str, other: str) -> None:
    """An empty name matches nobody."""
    assert not same_name(one, other)

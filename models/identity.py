"""Who a person is in the office's files: NIK, KK, JKN card, names. Parsing and comparison only."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sex(StrEnum):
    """As on the KTP: L (laki-laki) or P (perempuan)."""

    MALE = "L"
    FEMALE = "P"


_WOMEN_DAY_OFFSET = 40
_TITLES = {"dr", "drg", "ir", "h", "hj", "prof", "drs", "dra"}


@dataclass(frozen=True)
class Nik:
    """What the digits of a NIK say (PPKKCC + DDMMYY + NNNN; domain 2.1).

    The region is that of *first registration* and never changes; the number is not
    reissued when a birth date is corrected. Neither is proof of an error.
    """

    region: str
    """Four digits: province and city of first registration."""
    day: int
    month: int
    year_of_century: int
    sex: Sex

    def is_born_on(self, born: date) -> bool:
        """Tell whether the digits agree with a birth date (the century is not encoded)."""
        return (self.day, self.month, self.year_of_century) == (born.day, born.month, born.year % 100)


def is_sixteen_digits(value: str) -> bool:
    """Tell whether the value is exactly 16 ASCII digits, the form of a NIK and of a KK number."""
    return re.fullmatch(r"[0-9]{16}", value) is not None


def is_one_digit_repeated(value: str) -> bool:
    """Tell whether all digits are the same; BPJS answers such a NIK with a stranger's record."""
    return len(set(value)) == 1


def parse_nik(value: str) -> Nik | None:
    """Read the parts of a 16-digit NIK; None when its digits are not a real date.

    Women have 40 added to the day. A date is real when it exists in the 1900s or the 2000s.
    """
    if not is_sixteen_digits(value):
        return None
    day, month, year = int(value[6:8]), int(value[8:10]), int(value[10:12])
    sex = Sex.MALE
    if day > _WOMEN_DAY_OFFSET:
        day, sex = day - _WOMEN_DAY_OFFSET, Sex.FEMALE
    if not any(_exists(century + year, month, day) for century in (1900, 2000)):
        return None
    return Nik(region=value[:4], day=day, month=month, year_of_century=year, sex=sex)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def same_name(one: str, other: str) -> bool:
    """Compare two names as an officer would: case, spaces, apostrophes and titles do not count."""
    return _bare(one) == _bare(other) != ""


def _bare(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    words = re.sub(r"['`.]", " ", plain.split(",")[0].replace("'", "")).split()
    return "".join(re.sub(r"[^a-z0-9]", "", word) for word in words if word not in _TITLES)

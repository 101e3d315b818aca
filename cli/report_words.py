"""What officers read in a report, in Indonesian: names of groups, numbers, shares, times."""

from datetime import timedelta
from typing import Final

from models.report import OVER, Grouping, Pace
from models.texts import OWNER, STEP, TRACK, duration

GROUPING: Final = {
    Grouping.KECAMATAN: "Kecamatan",
    Grouping.STEP: "Langkah",
    Grouping.TRACK: "Jalur",
    Grouping.OWNER: "Menunggu",
}
NOTHING: Final = "-"
_NAMES: Final[dict[Grouping, dict[str, str]]] = {
    Grouping.KECAMATAN: {},
    Grouping.STEP: {**STEP},
    Grouping.TRACK: {**TRACK},
    Grouping.OWNER: {**OWNER, OVER: "Sudah selesai"},
}


def name_of(by: Grouping, group: str) -> str:
    """Return what a group is called; one that nobody expected keeps its own name."""
    return _NAMES[by].get(group, group)


def number(value: int) -> str:
    """Return for example `1.234`."""
    return f"{value:,}".replace(",", ".")


def share(value: float | None) -> str:
    """Return for example `87,5 %`; a whole only when it is one."""
    if value is None:
        return NOTHING
    tenths = int(value * 1000)  # 99,96 % of the cases in time is not all of them
    return "100 %" if value == 1 else f"{tenths // 10},{tenths % 10} %"


def span(value: timedelta | None) -> str:
    """Return for example `4 jam 10 menit`."""
    return NOTHING if value is None else duration(value)


def half_of(pace: Pace | None) -> str:
    """Return the median as words."""
    return span(None if pace is None else pace.median)


def most_of(pace: Pace | None) -> str:
    """Return the time that nine in ten do not exceed, as words."""
    return span(None if pace is None else pace.p90)

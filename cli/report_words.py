"""What officers read in a report, in Indonesian: names of groups, numbers, shares, times."""

from datetime import timedelta
from typing import Final

from models.case import Step, Track
from models.report import OVER, Figures, Grouping, Pace
from models.texts import OWNER, STEP, TRACK, duration
from models.turns import Owner

GROUPING: Final = {
    Grouping.KECAMATAN: "Kecamatan",
    Grouping.STEP: "Langkah",
    Grouping.TRACK: "Jalur",
    Grouping.OWNER: "Menunggu",
}
NOTHING: Final = "-"


def name_of(by: Grouping, group: str) -> str:
    """Return what a group is called."""
    match by:
        case Grouping.KECAMATAN:
            return group
        case Grouping.STEP:
            return STEP[Step(group)]
        case Grouping.TRACK:
            return TRACK[Track(group)]
        case Grouping.OWNER:
            return "Sudah selesai" if group == OVER else OWNER[Owner(group)]


def number(value: int) -> str:
    """Return for example `1.234`."""
    return f"{value:,}".replace(",", ".")


def share(value: float | None) -> str:
    """Return for example `87,5 %`; all of it only when not one is missing."""
    if value is None:
        return NOTHING
    tenths = round(value * 1000) if value == 1 else min(round(value * 1000), 999)
    return f"{tenths // 10},{tenths % 10} %"


def span(value: timedelta | None) -> str:
    """Return for example `4 jam 10 menit`."""
    return NOTHING if value is None else duration(value)


def half_of(pace: Pace | None) -> str:
    """Return the median as words."""
    return span(None if pace is None else pace.median)


def most_of(pace: Pace | None) -> str:
    """Return the time that nine in ten do not exceed, as words."""
    return span(None if pace is None else pace.p90)


def pace_of(by: Grouping, group: str, figures: Figures) -> Pace | None:
    """Return how long a group took: a step its own time, everything else from receipt to end."""
    return figures.steps.get(Step(group)) if by is Grouping.STEP else figures.whole

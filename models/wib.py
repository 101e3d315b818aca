"""Western Indonesian Time. Times are stored in UTC and shown in WIB; WIB is UTC+7 and has no DST."""

from datetime import date, datetime, timedelta, timezone

WIB = timezone(timedelta(hours=7), "WIB")

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"]
_LONG_MONTHS = [
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
]


def wib_date(at: datetime) -> date:
    """Return the calendar day in WIB."""
    return at.astimezone(WIB).date()


def wib_text(at: datetime) -> str:
    """Return for example `11 Feb 2026 08.00 WIB`."""
    local = at.astimezone(WIB)
    return f"{short_date(local.date())} {local:%H.%M} WIB"


def wib_clock(at: datetime) -> str:
    """Return a time to the second, for example `2026-02-11 08:00:00`."""
    return f"{at.astimezone(WIB):%Y-%m-%d %H:%M:%S}"


def short_date(day: date) -> str:
    """Return a day as tables write it, for example `12 Feb 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def indonesian_date(day: date) -> str:
    """Return a day as letters write it, for example `12 Februari 2026`."""
    return f"{day.day} {_LONG_MONTHS[day.month - 1]} {day.year}"

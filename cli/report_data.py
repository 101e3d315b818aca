"""A report for machines: JSON, and CSV as a spreadsheet opens it."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from models.case import Outcome, Step
from models.plain import safe_cell
from models.report import Figures, Grouping, Pace, Report
from models.turns import Owner
from models.wib import WIB

TOTAL: Final = "total"
_MINUTE: Final = timedelta(minutes=1)


def report_data(report: Report, by: Grouping | None) -> dict[str, object]:
    """Return a report as JSON data; times it took are in seconds, time in somebody's hands in minutes."""
    groups = {} if by is None else report.groups[by]
    return {
        **_about(report),
        "total": _figures(report.total),
        "by": by,
        "groups": {name: _figures(figures) for name, figures in groups.items()},
        "days": [vars(day) for day in report.days],
    }


def report_csv(report: Report, by: Grouping | None) -> bytes:
    """Return one line for each group and one for the total: commas, UTF-8 with a mark that Excel knows.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    groups = {} if by is None else report.groups[by]
    lines = [(name, figures) for name, figures in groups.items()] + [(TOTAL, report.total)]
    text = io.StringIO()
    writer = csv.writer(text)
    for at, (name, figures) in enumerate(lines):
        line = {**_about(report), by or "group": name, **dict(_columns(figures))}
        if not at:
            writer.writerow(line)
        writer.writerow(safe_cell(value) for value in line.values())
    return text.getvalue().encode("utf-8-sig")


def _about(report: Report) -> dict[str, object]:
    period = report.ask.period
    as_of = report.ask.until.astimezone(WIB).isoformat(timespec="seconds")
    return {"city": report.ask.city, "from": period.first, "to": period.last, "as_of": as_of}


def _counts(figures: Figures) -> dict[str, int]:
    return {
        "open_before": figures.before,
        "received": figures.received,
        "reactivated": figures.reactivated,
        "closed": figures.closed,
        "on_time": figures.on_time,
        "late": figures.late,
        "open": figures.open,
        "overdue": figures.overdue,
    }


def _figures(figures: Figures) -> dict[str, object]:
    return {
        **_counts(figures),
        "outcomes": figures.ended,
        "whole": _pace(figures.whole),
        "steps": {step: _pace(pace) for step, pace in figures.steps.items()},
        "minutes": figures.minutes,
        "paused_minutes_at_most": figures.paused,
    }


def _pace(pace: Pace | None) -> dict[str, float] | None:
    if pace is None:
        return None
    return {
        "count": pace.count,
        "median_seconds": pace.median.total_seconds(),
        "p90_seconds": pace.p90.total_seconds(),
    }


def _columns(figures: Figures) -> Iterator[tuple[str, object]]:
    yield from _counts(figures).items()
    yield from ((f"ended_{outcome}", figures.ended.get(outcome, 0)) for outcome in Outcome)
    yield from _pace_columns("whole", figures.whole)
    for step in Step:
        yield from _pace_columns(step, figures.steps.get(step))
    for owner in Owner:
        yield f"{owner}_minutes", figures.minutes.get(owner, 0)
        yield f"{owner}_paused_minutes_at_most", figures.paused.get(owner, 0)


def _pace_columns(what: str, pace: Pace | None) -> Iterator[tuple[str, object]]:
    yield f"{what}_count", 0 if pace is None else pace.count
    yield f"{what}_median_minutes", None if pace is None else round(pace.median / _MINUTE)
    yield f"{what}_p90_minutes", None if pace is None else round(pace.p90 / _MINUTE)

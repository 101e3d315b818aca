"""A report on a terminal; plain text in a pipe."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.report_words import NOTHING, half_of, most_of, name_of, number, pace_of, share
from cli.screens import clock
from models.case import Step
from models.report import Figures, Grouping, Report
from models.texts import OUTCOME, OWNER, STEP
from models.turns import Owner


def report_screen(report: Report, city: str, by: Grouping | None, width: int) -> RenderableType:
    """Return the figures of a report; `by` one line for each group, and the total under them."""
    period = report.ask.period
    head = f"{city}, {period.first} to {period.last}, as of {clock(report.ask.until)[:16]} WIB"
    parts: list[RenderableType] = [Text(head, style="bold"), _summary(report.total)]
    if report.ask.is_part:
        parts.insert(1, Text(f"only {', '.join(report.ask.kecamatan) or 'nothing'}", style="yellow"))
    if by is not None:
        parts.append(_groups(report, by, is_wide=width >= _WIDE))
    return Group(*parts, _steps(report.total), _minutes(report.total))


_WIDE = 110


def _summary(figures: Figures) -> RenderableType:
    ended = ", ".join(f"{number(count)} {OUTCOME[outcome]}" for outcome, count in figures.ended.items())
    grid = Table.grid(padding=(0, 2))
    grid.add_row("open before", number(figures.before))
    grid.add_row("received", number(figures.received))
    grid.add_row("reactivated", Text(number(figures.reactivated), style="bold green"))
    grid.add_row("closed", f"{number(figures.closed)} ({ended})" if ended else "0")
    grid.add_row("on time", f"{number(figures.on_time)} ({share(figures.share)})")
    grid.add_row("late", Text(number(figures.late), style="bold red" if figures.late else ""))
    overdue = f", {number(figures.overdue)} of them overdue" if figures.overdue else ""
    grid.add_row("open", f"{number(figures.open)}{overdue}")
    grid.add_row("receipt to end", f"median {half_of(figures.whole)}, p90 {most_of(figures.whole)}")
    return grid


def _groups(report: Report, by: Grouping, *, is_wide: bool) -> Table:
    """Return the groups; a narrow screen goes without the times."""
    columns = ("received", "reactivated", "closed", "on time", "late", "share", "open", "overdue")
    groups = report.groups[by].items()
    rows = [(name_of(by, name), figures, pace_of(by, name, figures)) for name, figures in groups]
    table = _table(f"by {by}", (by, *columns, *(("median", "p90") if is_wide else ())))
    for label, figures, pace in (*rows, ("total", report.total, report.total.whole)):
        times = (half_of(pace), most_of(pace)) if is_wide else ()
        table.add_row(Text(label), *_counts(figures), *times, style="bold" if label == "total" else "")
    return table


def _counts(figures: Figures) -> Iterator[str]:
    yield from map(number, (figures.received, figures.reactivated, figures.closed))
    yield from (number(figures.on_time), number(figures.late), share(figures.share))
    yield from map(number, (figures.open, figures.overdue))


def _steps(figures: Figures) -> Table:
    table = _table("time per step, from its opening to the answer", ("step", "answered", "median", "p90"))
    for step in Step:
        pace = figures.steps.get(step)
        table.add_row(STEP[step], number(pace.count if pace else 0), half_of(pace), most_of(pace))
    return table


def _minutes(figures: Figures) -> Table:
    """Return whose time passed; what may have paused is the most that it can have been."""
    columns = ("whose", "minutes", "of them paused, at most (by today's policy)")
    table = _table("whose time passed in the cases that ended", columns)
    for owner in Owner:
        paused = figures.paused.get(owner)
        minutes = number(figures.minutes.get(owner, 0))
        table.add_row(OWNER[owner], minutes, NOTHING if paused is None else number(paused))
    return table


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at else "left", overflow="fold")
    return table

"""How a report is counted: each row once, for the total and for every group that it belongs to. Pure."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import median

from models.case import Outcome, SlaState, Step, Track
from models.report import (
    OVER,
    CaseLine,
    DayFigures,
    Figures,
    Grouping,
    OwnedTime,
    Pace,
    Report,
    ReportAsk,
    ReportRows,
    StepTime,
)
from models.turns import Owner
from models.wib import wib_date


def report_of(ask: ReportAsk, rows: ReportRows) -> Report:
    """Count the rows. Holds a number for each step that was answered and each case that ended, and no row."""
    total, days = _Tally(ask), _Days(ask)
    groups = {by: {name: _Tally(ask) for name in _known(ask, by)} for by in ask.by}

    def tallies(row: CaseLine | StepTime) -> Iterator[_Tally]:
        yield total
        for by, group in groups.items():
            yield _of(ask, group, getattr(row, by))

    for line in rows.cases:
        days.count(line)
        for tally in tallies(line):
            tally.count(line)
    for one in rows.steps:
        for tally in tallies(one):
            tally.steps.setdefault(one.step, array("q")).append(max(one.seconds, 0))
    for spent in rows.minutes:
        total.spend(spent)
        for by, group in groups.items():
            # Time in an owner's hands is that owner's, whoever has the case by now.
            name = spent.whose if by is Grouping.OWNER else getattr(spent, by)
            _of(ask, group, name).spend(spent)
    return Report(
        ask=ask,
        total=total.figures(),
        groups={by: {name: one.figures() for name, one in group.items()} for by, group in groups.items()},
        days=days.figures(total.before),
    )


def pace_of(seconds: Sequence[int]) -> Pace | None:
    """Return the median, and the least time that nine in ten do not exceed; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    nine_in_ten = ordered[math.ceil(len(ordered) * 9 / 10) - 1]
    return Pace(len(ordered), timedelta(seconds=median(ordered)), timedelta(seconds=nine_in_ten))


class _Tally:
    """Counts the cases of a group."""

    def __init__(self, ask: ReportAsk) -> None:
        self._ask, self._start, self._until = ask, ask.period.start, ask.until
        self.before = self._received = self._on_time = self._late = self._open = self._overdue = 0
        self._ended = Counter[str]()
        self._whole = array("q")
        self.steps: dict[str, array[int]] = {}
        self._minutes = Counter[str]()
        self._paused = Counter[str]()

    def count(self, line: CaseLine) -> None:
        """Count a case."""
        if line.received_at < self._start:
            self.before += 1
        else:
            self._received += 1
        if line.closed_at is None or line.closed_at >= self._until:
            self._open += 1
            self._overdue += line.due_at is not None and line.due_at <= self._until
            return
        self._ended[str(line.outcome)] += 1
        self._on_time += line.sla_state == SlaState.MET
        self._late += line.sla_state == SlaState.MISSED
        self._whole.append(max(int((line.closed_at - line.received_at).total_seconds()), 0))

    def spend(self, spent: OwnedTime) -> None:
        """Add time in somebody's hands."""
        self._minutes[spent.whose] += spent.minutes
        if spent.whose in self._ask.pausing.get(spent.track, ()):
            self._paused[spent.whose] += spent.minutes

    def figures(self) -> Figures:
        """Return what was counted."""
        paces = {step: pace_of(self.steps.get(step, ())) for step in Step}
        return Figures(
            before=self.before,
            received=self._received,
            ended={outcome: self._ended[outcome] for outcome in Outcome if self._ended[outcome]},
            on_time=self._on_time,
            late=self._late,
            open=self._open,
            overdue=self._overdue,
            whole=pace_of(self._whole),
            steps={step: pace for step, pace in paces.items() if pace is not None},
            minutes={owner: self._minutes[owner] for owner in Owner if self._minutes[owner]},
            paused={owner: self._paused[owner] for owner in Owner if self._paused[owner]},
        )


class _Days:
    """Counts what happened on each day."""

    def __init__(self, ask: ReportAsk) -> None:
        self._ask, self._start, self._until = ask, ask.period.start, ask.until
        self._received, self._closed = Counter[date](), Counter[date]()
        self._by_sla = {SlaState.MET: Counter[date](), SlaState.MISSED: Counter[date]()}

    def count(self, line: CaseLine) -> None:
        """Count a case on the days on which it came and ended."""
        if line.received_at >= self._start:
            self._received[wib_date(line.received_at)] += 1
        if line.closed_at is not None and line.closed_at < self._until:
            day = wib_date(line.closed_at)
            self._closed[day] += 1
            for state, counter in self._by_sla.items():
                counter[day] += line.sla_state == state

    def figures(self, open_before: int) -> tuple[DayFigures, ...]:
        """Return the days, the first one after a day that left so many open."""
        days = []
        for day in self._ask.period.days():
            open_before += self._received[day] - self._closed[day]
            on_time, late = (counter[day] for counter in self._by_sla.values())
            days.append(DayFigures(day, self._received[day], self._closed[day], on_time, late, open_before))
        return tuple(days)


def _known(ask: ReportAsk, by: Grouping) -> Sequence[str]:
    """Return the groups that may be there, in their order."""
    match by:
        case Grouping.KECAMATAN:
            return ask.kecamatan
        case Grouping.STEP:
            return tuple(Step)
        case Grouping.TRACK:
            return tuple(Track)
        case Grouping.OWNER:
            return (*Owner, OVER)


def _of(ask: ReportAsk, group: dict[str, _Tally], name: str) -> _Tally:
    """Return the tally of a group, a new one for a name that nobody expected."""
    if name not in group:
        group[name] = _Tally(ask)
    return group[name]

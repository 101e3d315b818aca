"""The daily digest of a city: what is late, due or unassigned, and what will be late. Figures, then words."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final

from models.alert_texts import DailyText
from models.case import CaseHealth, CityCode, Step, WaitingOn
from models.desk import DeskItem
from models.holding import looked_at
from models.outage import System
from models.payload import Payload
from models.roles import People
from models.texts import STEP, WAITING_ON
from models.wib import wib_date, wib_text

NAMED: Final = 10
"""How many case numbers a line names."""
WORDS_AT_MOST: Final = 4000
"""Characters that `models.messages.Alert` takes."""
SAMPLE_WINDOW: Final = timedelta(days=30)
"""Cases that ended in this time tell the pace: long enough to bridge a week of leave, short enough to follow
a portal that has become slower."""
SAMPLES_AT_MOST: Final = 2_000
"""The newest of them: a median hardly moves with more, and what is read stays the same however many ended."""
SAMPLES_AT_LEAST: Final = 5
"""With fewer one odd case decides: there is no forecast."""


class DigestOrder(Payload):
    """Which city's digest a schedule sends; the day follows from when it fires."""

    city: CityCode


class DigestAsk(Payload):
    """Send a city's digest of a day in WIB. A day's digest is one, however often it is asked for."""

    city: CityCode
    day: date

    @property
    def key(self) -> str:
        """The key of the alert."""
        return f"digest:{self.city}:{self.day}"


@dataclass(frozen=True)
class OpenCase:
    """What the digest needs of a case that is open."""

    case_number: str
    step: Step
    opened_at: datetime
    """When its present step was opened."""
    since: datetime
    """Since when it has waited for whom it waits for."""
    due_at: datetime | None
    health: CaseHealth


@dataclass(frozen=True)
class CityFigures:
    """What the ledger knows of a city at one moment."""

    cases: Sequence[OpenCase]
    unassigned: int
    """Open desk items that are in nobody's hand."""
    remaining: Mapping[Step, Sequence[timedelta]]
    """From the first opening of a step to the end, for each case that was reactivated lately."""
    outages: Sequence[tuple[System, datetime]] = ()
    """Systems that are down, and since when."""
    held: Sequence[DeskItem] = ()
    """Open desk items that are in a person's hand."""


@dataclass(frozen=True)
class DigestFigures:
    """What a digest tells. Case numbers stand in the order in which they are due."""

    at: datetime
    open: int
    stuck: int
    parked: int
    unassigned: int
    gone: Mapping[str, int]
    """Holder -> open desk items in a hand that is gone: nobody works on them."""
    overdue: tuple[str, ...]
    due_today: tuple[str, ...]
    """Due on the digest's day, and not overdue yet."""
    late_soon: tuple[str, ...]
    """Not overdue, and will be if they take as long as others did. One that took longer may end at once."""
    without_forecast: int
    """Not overdue, and too few like them have ended to say."""
    oldest: Mapping[Step, tuple[str, datetime]]
    """The case that has waited longest at each step, and since when."""
    outages: Sequence[tuple[System, datetime]]


def digest_of(city: CityFigures, people: People, day: date, now: datetime) -> DigestFigures:
    """Return what the digest of a day in WIB tells at a moment."""
    left = [item.assignee or "" for item in looked_at(city.held, people, day) if item.gone is not None]
    medians = {step: pace for step, spans in city.remaining.items() if (pace := _median(spans)) is not None}
    in_time: list[tuple[datetime, OpenCase]] = []
    overdue: list[str] = []
    for due_at, case in sorted(_due(city.cases), key=lambda one: (one[0], one[1].case_number)):
        if due_at <= now:
            overdue.append(case.case_number)
        else:
            in_time.append((due_at, case))
    oldest: dict[Step, tuple[str, datetime]] = {}
    for case in sorted(city.cases, key=lambda one: (one.since, one.case_number)):
        oldest.setdefault(case.step, (case.case_number, case.since))
    return DigestFigures(
        at=now,
        open=len(city.cases),
        stuck=sum(case.health is CaseHealth.STUCK for case in city.cases),
        parked=sum(case.health is CaseHealth.PARKED for case in city.cases),
        unassigned=city.unassigned,
        gone=dict(sorted(Counter(left).items())),
        overdue=tuple(overdue),
        due_today=tuple(case.case_number for due_at, case in in_time if wib_date(due_at) == day),
        late_soon=tuple(
            case.case_number
            for due_at, case in in_time
            if case.step in medians and case.opened_at + medians[case.step] > due_at
        ),
        without_forecast=sum(case.step not in medians for _, case in in_time),
        oldest={step: oldest[step] for step in Step if step in oldest},
        outages=tuple(city.outages),
    )


def words_of(figures: DigestFigures, city_name: str, texts: DailyText) -> str:
    """Return the digest in whole lines, from the office's templates; never longer than an alert may be."""
    words = ""
    for line in _lines(figures, city_name, texts):
        if len(words) + len(line) + 1 > WORDS_AT_MOST:
            break  # templates as long as these are not ours
        words += f"{line}\n"
    return words.rstrip("\n")


def _due(cases: Sequence[OpenCase]) -> Iterator[tuple[datetime, OpenCase]]:
    """Yield the cases that have a due time, with it."""
    for case in cases:
        if case.due_at is not None:
            yield case.due_at, case


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    """Return the middle one; None when there are too few."""
    if len(spans) < SAMPLES_AT_LEAST:
        return None
    return timedelta(seconds=median(span.total_seconds() for span in spans))


def _lines(figures: DigestFigures, city_name: str, texts: DailyText) -> Iterator[str]:
    yield texts.as_of.format(city=city_name, at=wib_text(figures.at))
    for system, since in figures.outages:
        yield texts.outage.format(system=WAITING_ON[WaitingOn(system)], since=wib_text(since))
    if not figures.open:
        yield texts.empty
        return
    yield texts.open.format(count=figures.open, stuck=figures.stuck, parked=figures.parked)
    yield from _named(texts.overdue, figures.overdue, texts)
    yield from _named(texts.due_today, figures.due_today, texts)
    yield from _named(texts.late_soon, figures.late_soon, texts)
    if figures.without_forecast:
        yield texts.without_forecast.format(count=figures.without_forecast)
    yield texts.unassigned.format(count=figures.unassigned)
    if figures.gone:
        holders = list(figures.gone)
        named = ", ".join(holders[:NAMED]) + _more(holders, texts)
        yield texts.gone.format(count=sum(figures.gone.values()), holders=named)
    yield texts.oldest
    for step, (case_number, since) in figures.oldest.items():
        yield texts.oldest_one.format(step=STEP[step], case_number=case_number, since=wib_text(since))


def _named(template: str, numbers: Sequence[str], texts: DailyText) -> Iterator[str]:
    """Yield how many cases there are, and the first of them by number."""
    yield template.format(count=len(numbers))
    if numbers:
        yield texts.cases.format(cases=", ".join(numbers[:NAMED]), more=_more(numbers, texts))


def _more(all_of_them: Sequence[str], texts: DailyText) -> str:
    rest = len(all_of_them) - NAMED
    return texts.more.format(rest=rest) if rest > 0 else ""

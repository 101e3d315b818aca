"""Which people hear of an alert: from roles to officers of the area, their deputies, and who is left."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from models.ladder import LadderPolicy
from models.messages import Alert, AlertKind
from models.outbox import Addressed
from models.roles import ANSWERS, Act, Officer, OfficerId, People, Role

_ABOUT_ALERTS = frozenset({AlertKind.UNROUTABLE, AlertKind.UNDELIVERABLE})
_FOR_THE_FIRST_LEVEL = frozenset(
    {
        AlertKind.CASE_STUCK,
        AlertKind.ROUNDS_EXHAUSTED,
        AlertKind.CASE_LOST,
        AlertKind.BREACH_UNTOLD,
        AlertKind.KEY_LOST,
        AlertKind.TASK_FAILING,
    }
)
_STEP_ROLE = 0


@dataclass(frozen=True)
class Routing:
    """Who is told, at least one person; and why somebody was left out."""

    recipients: tuple[OfficerId, ...]
    problems: tuple[str, ...] = ()
    """Codes as `supervisor:nobody` or `supervisor:absent`, for each role that led to nobody."""


def route(alert: Alert, ladder: LadderPolicy, people: People, today: date) -> Routing:
    """Return who hears of an alert on a day in WIB.

    An alert about a whole city goes to everybody of a role who serves any part of it. A role is served by
    everybody who has it in the case's kecamatan; who is absent, by his deputy. A role that leads to nobody
    hands over to the next level, the last one to the fallback, and that one, while he is away, to whoever is
    present. When nobody is, he and everybody else are told though absent.
    """
    recipients: dict[OfficerId, None] = {}
    problems: dict[str, None] = {}
    for level in _levels(alert):
        first = ladder.levels[0].role if alert.step is None else ANSWERS[alert.step]
        roles = (first, *(step.role for step in ladder.levels))
        for role in () if level is None else roles[min(level, len(roles) - 1) :]:
            there = [officer for officer in people.person if _has(officer, role, alert)]
            if present := _present(there, people, today):
                recipients |= dict.fromkeys(present)
                break
            problems[f"{role}:{'absent' if there else 'nobody'}"] = None
        else:
            left = _beyond_the_ladder(alert, ladder, people, today)
            recipients |= dict.fromkeys(next(group for group in left if group))
    return Routing(tuple(recipients), tuple(problems))


def climb(alert: Alert, ladder: LadderPolicy, people: People, today: date) -> Iterator[list[OfficerId]]:
    """Yield who is told next, group after group, while nobody of those before can be reached.

    First the levels above those that were told, then who is left beyond the ladder; in the end everybody of
    the city: who serves another area cannot acknowledge, but can call somebody.
    """
    for level in ladder.levels[level_of(alert) :]:
        there = [officer for officer in people.person if _has(officer, level.role, alert)]
        yield _present(there, people, today)
    yield from _beyond_the_ladder(alert, ladder, people, today)
    yield [one.id for one in people.person if one.may(Act.ACK) and alert.city in one.cities]


def addressed(
    alert: Alert, ladder: LadderPolicy, people: People, today: date, also: tuple[str, ...] = ()
) -> tuple[Addressed, tuple[str, ...]]:
    """Return the alert with who is told, `also` among them, and why somebody is not."""
    routing, level = route(alert, ladder, people, today), level_of(alert)
    told = Addressed(
        alert,
        (*routing.recipients, *also),
        wait=ladder.undelivered_wait(level, is_urgent=False),
        urgent_wait=ladder.undelivered_wait(level, is_urgent=True),
    )
    return told, routing.problems


def level_of(alert: Alert) -> int:
    """Return the highest level of the ladder that an alert is for; 0 when that is none."""
    return max((level for level in _levels(alert) if level is not None), default=0)


def about(alert: Alert, kind: AlertKind, detail: str) -> Alert:
    """Return the alert that tells the fallback what went wrong with an alert; `detail` is a code."""
    change = {"key": f"{alert.key}:{kind}:{detail}", "kind": kind, "detail": detail, "levels": ()}
    return alert.model_copy(update=change)


def _levels(alert: Alert) -> Iterable[int | None]:
    """Return the levels that are told; 0 is the role whose step it is, None the fallback alone."""
    if alert.kind in _ABOUT_ALERTS:
        return (None,)
    if alert.levels:
        return alert.levels
    if alert.step is None or alert.kind in _FOR_THE_FIRST_LEVEL:
        return (1,)
    return (max(alert.level, 1),) if alert.kind is AlertKind.SLA_BREACH else (_STEP_ROLE,)


def _has(officer: Officer, role: Role, alert: Alert) -> bool:
    return role in officer.roles and _serves(officer, alert)


def _serves(officer: Officer, alert: Alert) -> bool:
    if alert.kecamatan is None:
        return alert.city in officer.cities
    return officer.serves_area(alert.city, alert.kecamatan)


def _beyond_the_ladder(
    alert: Alert, ladder: LadderPolicy, people: People, today: date
) -> Iterator[list[OfficerId]]:
    """Yield the fallback; then whoever is present and may acknowledge; then all of them, though absent.

    An absent person may still read a message. The last group is never empty.
    """
    fallback = people.find(ladder.fallback)
    yield _present([] if fallback is None else [fallback], people, today)
    able = [one for one in people.person if one.may(Act.ACK) and _serves(one, alert)]
    yield [one.id for one in able if not one.is_absent(today)]
    yield [ladder.fallback, *(one.id for one in able if one.id != ladder.fallback)]


def _present(officers: Iterable[Officer], people: People, today: date) -> list[OfficerId]:
    """Return these officers; in place of one who is absent his deputy, if he has one who is not."""
    found = (_stand_in(officer, people, today) for officer in officers)
    return [one for one in found if one is not None]


def _stand_in(officer: Officer, people: People, today: date) -> OfficerId | None:
    """Return the officer, or who stands in for him; None when that is nobody."""
    seen: set[OfficerId] = set()
    here: Officer | None = officer
    while here is not None and here.is_absent(today) and here.id not in seen:
        seen.add(here.id)
        here = None if here.deputy is None else people.find(here.deputy)
    return None if here is None or here.id in seen else here.id

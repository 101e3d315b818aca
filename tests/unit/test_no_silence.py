"""Whoever is away, dead or without a contact: an alert reaches somebody who can be reached, or it is said."""

from collections.abc import Callable, Iterator
from datetime import date
from random import Random

import pytest
import structlog
from hypothesis import HealthCheck, Phase, find, given, settings

import runtime.climber
from models.ladder import LadderPolicy
from models.messages import Alert
from models.roles import People
from models.routing import climb, level_of, route
from tests.unit.drawn_offices import TODAY, Town, World, worlds
from workflows import options


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Give the town; what it logs is nobody's business."""
    made = Town(tmp_path_factory.mktemp("town"))
    with structlog.testing.capture_logs() as logged:
        made.logged = logged
        yield made
    made.sql.dispose()


def who_should_hear(world: World, alert: Alert) -> set[str]:
    """Return who hears by the rule: of the first group in which somebody can be reached, whoever can."""
    levels = (world.officers(role=level.role) for level in world.ladder.levels[level_of(alert) :])
    groups: list[set[str]] = [
        set(route(alert, world.ladder, world.people, TODAY).recipients),
        *(set().union(*map(world.stand_in, level)) for level in levels),
        world.stand_in(world.ladder.fallback),
        world.officers(is_present=True),
        {world.ladder.fallback, *world.officers()},
        world.officers(everywhere=True),
    ]
    return next((group & world.reachable for group in groups if group & world.reachable), set())


def is_told(town: Town, world: World) -> bool:
    """Let a day pass in a world; tell whether its alert was heard as it should be, or the silence said."""
    town.begin(world)
    alert = town.raise_()
    should, end = who_should_hear(world, alert), town.now + world.bound
    town.pass_until(end)
    if not should:
        silence = town.watch.silence(end - options.WATCH_SENT_AFTER)
        return town.heard(alert) == [] and silence is not None and silence.since == alert.raised_at
    return sorted(town.heard(alert)) == sorted(should)


@given(worlds())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_alert_reaches_whoever_can_be_reached_or_it_is_said_that_nobody_can(
    town: Town, world: World
) -> None:
    """Each once, level by level, within the time of the ladder; the doctor hears of what reaches nobody."""
    assert is_told(town, world)


_Groups = list[list[str]]
_SOON = 4
"""Worlds drawn from this seed find the holes soon."""


@pytest.mark.parametrize(
    "hole",
    [lambda groups: [], lambda groups: groups[:-2] + groups[-1:]],
    ids=["nothing climbs", "whoever is absent is left out"],
)
def test_a_climb_that_is_taken_out_is_found(
    town: Town, monkeypatch: pytest.MonkeyPatch, hole: Callable[[_Groups], _Groups]
) -> None:
    """The property above finds a hole that is planted, be it one group of several that is told no more."""

    def holey(alert: Alert, ladder: LadderPolicy, people: People, today: date) -> Iterator[list[str]]:
        return iter(hole(list(climb(alert, ladder, people, today))))

    monkeypatch.setattr(runtime.climber, "climb", holey)
    first = settings(max_examples=200, phases=(Phase.generate,), database=None, deadline=None)
    find(worlds(), lambda world: not is_told(town, world), settings=first, random=Random(_SOON))

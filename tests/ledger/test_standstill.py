"""Cases that may be stuck, as the ledger finds them."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from gateways.sql_outages import SqlOutages
from gateways.sql_registry import SqlRegistry
from gateways.sql_standstill import SqlStandstills
from models.case import CaseHealth, Step, Track
from models.outage import System
from models.standstill import StuckPolicy
from models.tables import cases
from tests.ledger.builders import MORNING, a_new_case


@pytest.fixture
def numbers(registry: SqlRegistry) -> list[str]:
    """Five cases of five people."""
    return [registry.register(a_new_case()).case.case_number for _ in range(5)]


def test_the_cases_that_may_be_stuck_are_found(engine: Engine, numbers: list[str]) -> None:
    """Those that say so, that waited too long, or were begun too often; not those that are well."""
    started: dict[str, object] = {"started_at": MORNING}
    changes: list[dict[str, object]] = [
        started | {"health": "parked"},
        started | {"since": MORNING - timedelta(days=2)},
        started | {"attempt": 4},
        started,
        {"health": "stuck"},
    ]
    with engine.begin() as connection:
        for number, change in zip(numbers, changes, strict=True):
            connection.execute(cases.update().where(cases.c.case_number == number).values(**change))
    found = SqlStandstills(engine).unwell({"3674": StuckPolicy(), "3275": StuckPolicy()}, MORNING)
    assert {state.case.case_number for state in found} == set(numbers[:3])
    assert SqlStandstills(engine).unwell({"3275": StuckPolicy()}, MORNING) == []


def test_each_track_has_a_patience_of_its_own(engine: Engine, registry: SqlRegistry) -> None:
    """Seven hours at Kemensos are too long for an emergency, and not for another."""
    waits = {"started_at": MORNING, "waiting_on": "kemensos", "since": MORNING - timedelta(hours=7)}
    tracks = (Track.EMERGENCY, Track.MEDICAL)
    numbers = {track: registry.register(a_new_case()).case.case_number for track in tracks}
    with engine.begin() as connection:
        for track, number in numbers.items():
            change = waits | {"track": track}
            connection.execute(cases.update().where(cases.c.case_number == number).values(**change))
    found = SqlStandstills(engine).unwell({"3674": StuckPolicy()}, MORNING)
    assert [state.case.case_number for state in found] == [numbers[Track.EMERGENCY]]


def test_a_case_that_only_waits_too_long_is_parked_like_any_other(engine: Engine, numbers: list[str]) -> None:
    """It goes on, so the outage of its system is its outage; one that stands still waits for a person."""
    troubles = (None, "waits.siks_ng", "attempts", "Refused", "DOK_TIDAK_JELAS")
    with engine.begin() as connection:
        for number, trouble in zip(numbers, troubles, strict=True):
            health = CaseHealth.OK if trouble is None else CaseHealth.STUCK
            change = {
                "health": health,
                "trouble": trouble,
                "step": Step.SIKS_NG_UPLOAD,
                "started_at": MORNING,
            }
            connection.execute(cases.update().where(cases.c.case_number == number).values(**change))
    assert SqlOutages(engine).to_park(System.SIKS_NG) == numbers[:3]

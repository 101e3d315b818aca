"""Outages in SQL: one of a system at a time, one probe an interval, who is parked, who is released first."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from gateways.ports.outages import Outages
from gateways.sql_outages import SqlOutages
from gateways.sql_registry import SqlRegistry
from models.case import CaseHealth, Step, Track
from models.outage import System
from models.tables import cases
from tests.ledger.builders import MORNING, a_new_case, at_once

MINUTE = timedelta(minutes=1)


@pytest.fixture
def outages(engine: Engine) -> Outages:
    """Give the outages of an empty ledger."""
    return SqlOutages(engine)


def declare(outages: Outages, system: System = System.SIKS_NG, *, at: datetime = MORNING) -> object:
    """Open an outage that began a quarter of an hour before."""
    return outages.open(system, "operator", since=at - 15 * MINUTE, note="Siti menelepon", now=at)


def test_a_system_has_one_outage_at_a_time(outages: Outages) -> None:
    """However many find it down at once; another system has its own, and the next outage is another one."""
    opened = at_once([lambda: declare(outages)] * 6)
    assert len([one for one in opened if one is not None]) == 1
    assert declare(outages, System.BPJS) is not None
    ended = outages.end(System.SIKS_NG, "operator", until=MORNING + MINUTE, now=MORNING + 2 * MINUTE)
    assert ended is not None
    assert (ended.since, ended.until, ended.closed_by) == (
        MORNING - 15 * MINUTE,
        MORNING + MINUTE,
        "operator",
    )
    assert outages.end(System.SIKS_NG, "operator", until=MORNING, now=MORNING) is None
    assert [one.system for one in outages.present()] == [System.BPJS]
    assert declare(outages) is not None


def test_old_outages_are_found_for_a_while(outages: Outages) -> None:
    """Those that are open, or were at that time."""
    declare(outages)
    outages.end(System.SIKS_NG, "operator", until=MORNING + MINUTE, now=MORNING + MINUTE)
    declare(outages, System.BPJS, at=MORNING + 5 * MINUTE)
    assert [one.system for one in outages.since(MORNING)] == [System.BPJS, System.SIKS_NG]
    assert [one.system for one in outages.since(MORNING + 2 * MINUTE)] == [System.BPJS]


def test_one_probe_an_interval_whoever_asks(outages: Outages) -> None:
    """Workers take turns by the ledger; each turn of an outage is counted on it."""
    declare(outages)

    def turn(at: datetime) -> bool:
        return outages.may_probe(System.SIKS_NG, at, MINUTE)

    assert sum(at_once([lambda: turn(MORNING)] * 6)) == 1
    assert not turn(MORNING + MINUTE / 2)
    assert turn(MORNING + MINUTE)
    assert outages.may_probe(System.BPJS, MORNING, MINUTE)
    assert [one.probes for one in outages.present()] == [2]


def test_who_is_parked_and_who_is_released(engine: Engine, outages: Outages, registry: SqlRegistry) -> None:
    """Parked: started cases that move at a step of it. Released: emergencies first, then by due time."""

    def a_case_with(**columns: object) -> str:
        number = registry.register(a_new_case()).case.case_number
        registry.mark_started(number)
        with engine.begin() as connection:
            connection.execute(update(cases).where(cases.c.case_number == number).values(**columns))
        return number

    at_upload = {"step": Step.SIKS_NG_UPLOAD}
    waiting = a_case_with(**at_upload)
    a_case_with(step=Step.BPJS_RECONNECT)
    a_case_with(**at_upload, health=CaseHealth.STUCK, trouble="NIK_BEDA")
    a_case_with(**at_upload, health=CaseHealth.STUCK, trouble="Refused")
    asked_in_vain = a_case_with(**at_upload, health=CaseHealth.STUCK, trouble="Unavailable")
    a_case_with(**at_upload, closed_at=MORNING)
    a_case_with(**at_upload, started_at=None)
    assert outages.to_park(System.SIKS_NG) == [waiting, asked_in_vain]

    parked = at_upload | {"health": CaseHealth.PARKED, "trouble": "outage.siks_ng"}
    later = a_case_with(**parked, track=Track.MEDICAL, due_at=MORNING + MINUTE)
    without = a_case_with(**parked, track=Track.MEDICAL, due_at=None)
    sooner = a_case_with(**parked, track=Track.NEWBORN, due_at=MORNING)
    urgent = a_case_with(**parked, track=Track.EMERGENCY, due_at=MORNING + 9 * MINUTE)
    a_case_with(**{**parked, "trouble": "outage.bpjs"})
    assert outages.to_release(System.SIKS_NG) == [urgent, sooner, later, without]

"""SIKS-NG is down for many cases: few probes, everybody parked, released in order, nothing repeated."""

from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from models.case import CaseHealth, CaseState, Track
from models.messages import EventKind
from tests.e2e.office import Office, until
from tests.e2e.people import someone

PROBE_SECONDS = 1
AT_A_TIME = 40
"""Activities that one worker runs at a time: calls that may be in the air before the outage is known."""


def siks_ng(office: Office, **dials: object) -> None:
    """Set the dials of SIKS-NG towards everybody."""
    url = f"{office.stack.simulators['siks_ng']}/_sim/dials"
    httpx.put(url, json=dials, trust_env=False).raise_for_status()


def knocks(office: Office) -> tuple[list[float], int]:
    """Return when SIKS-NG was asked whether it is there, and how many submissions it turned away."""
    told = httpx.get(f"{office.stack.simulators['siks_ng']}/_sim/knocks", trust_env=False).json()
    return list(told["knocks"]), int(told["refused"])


def states(office: Office, numbers: list[str]) -> list[CaseState]:
    """Return where the cases are."""
    return [office.registry.case(number) for number in numbers]


@pytest.mark.slow
@pytest.mark.parametrize("number", [12, 200])
async def test_siks_ng_is_down_for_everybody(tmp_path: Path, number: int) -> None:
    """From the first call in vain to the last case that is active again."""
    office = Office(tmp_path)
    office.stack.worker.environment["REAKTIVASI_PROBE_EVERY"] = f"PT{PROBE_SECONDS}S"
    await office.open()
    try:
        siks_ng(office, down=True)
        people = [someone() for _ in range(number)]
        numbers = []
        for at, person in enumerate(people):
            urgent = at % 4 == 3
            data = person.application(need_kind="emergency" if urgent else "routine")
            numbers.append(
                await office.submit(person, data | {"track": "emergency" if urgent else "medical"})
            )
        await until(
            lambda: all(state.health is CaseHealth.PARKED for state in states(office, numbers)),
            60 + number,
            lambda: str([state.health for state in states(office, numbers)]),
        )
        listed = await office.cli("outage", "list", "--json")
        assert f'"parked": {number}' in listed.out
        before = len(knocks(office)[0])
        await until(lambda: len(knocks(office)[0]) > before, 20, lambda: str(knocks(office)))
        siks_ng(office)
        await until(
            lambda: all(state.outcome is not None for state in states(office, numbers)),
            60 + number,
            lambda: str([state.step for state in states(office, numbers)]),
        )

        times, refused = knocks(office)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert min(gaps) > PROBE_SECONDS * 0.9, "at most one probe an interval"
        assert refused <= AT_A_TIME, "only calls that were in the air before the outage was known"
        released = {}
        for case in numbers:
            assert office.effects(case) == office.effects_wanted(case), "nothing happened twice"
            told = [event for event in office.registry.history(case) if event.kind is EventKind.STEP_RELEASED]
            assert len(told) == 1
            released[case] = told[0].at
        order = [office.registry.case(case).case.track for case in sorted(released, key=released.__getitem__)]
        assert order == sorted(order, key=[Track.EMERGENCY, Track.MEDICAL].index)
        alerts = await office.cli("alerts", "list", "--city", "3674", "--json")
        assert alerts.out.count('"outage.opened"') == alerts.out.count('"outage.closed"') == 1
        assert '"case.stuck"' not in alerts.out
    finally:
        office.close()

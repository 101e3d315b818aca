"""The guard before a system, and the keeper of outages, on a real ledger and a system that can be pulled."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from gateways.channels import OutboxAndLog
from gateways.outage_guard import GuardedBpjs, OutageGuard
from gateways.policy_folder import PolicyFolder
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_outages import SqlOutages
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.case import CaseHealth, Step, Track
from models.errors import SystemDown, Unavailable
from models.messages import AlertKind, Park, Release
from models.outage import System
from models.outbox import AlertState
from models.roles import MACHINE
from models.tables import cases
from runtime.outages import Cases, OutageKeeper
from tests.ledger.builders import MORNING, a_new_case
from tests.ledgers import a_ledger
from tests.vaults import a_vault

ROOT = Path(__file__).resolve().parents[2]
MINUTE = timedelta(minutes=1)
SYSTEM = System.SIKS_NG


@dataclass
class Place:
    """A ledger, a clock that the test moves, and a system that is down or not."""

    folder: Path
    now: datetime = MORNING
    is_down: bool = True
    knocks: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)
    """Which case was told what, in order."""
    answers: bool = True
    """Whether workflows answer."""
    forgotten: list[str] = field(default_factory=list)
    """Cases that Temporal lists as parked although the ledger was told of their release."""

    def __post_init__(self) -> None:
        self.engine = a_ledger(self.folder)
        self.outages = SqlOutages(self.engine)
        self.registry = SqlRegistry(self.engine, a_vault())

    def probe(self) -> None:
        self.knocks += 1
        if self.is_down:
            raise Unavailable("siks_ng", "does not answer")

    def guard(self) -> OutageGuard:
        return OutageGuard(SYSTEM, self.outages, self, clock=lambda: self.now, every=MINUTE)

    def keeper(self) -> OutageKeeper:
        shelf = PolicyFolder(ROOT / "policies")
        channel = OutboxAndLog(SqlOutbox(self.engine, lambda: self.now), shelf, lambda: self.now)
        return OutageKeeper(
            self.outages,
            {SYSTEM: self},
            _Cases(self),
            channel,
            cities=["3275", "3674"],
            clock=lambda: self.now,
            probe_every=MINUTE,
        )

    def a_case(self, track: Track, health: CaseHealth = CaseHealth.OK) -> str:
        number = self.registry.register(a_new_case()).case.case_number
        self.registry.mark_started(number)
        self.put(number, step=Step.SIKS_NG_UPLOAD, track=track, health=health, trouble="outage.siks_ng")
        return number

    def put(self, number: str, **columns: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(cases.update().where(cases.c.case_number == number).values(**columns))

    def alerts(self) -> list[tuple[str, AlertKind, AlertState]]:
        entries = SqlAlertBook(self.engine).entries()
        return sorted((one.alert.city, one.alert.kind, one.state) for one in entries)


class _Cases(Cases):
    """Workflows that do what they are told, and the ledger shows it."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def tell(self, case_number: str, name: str, message: Park | Release) -> bool:
        if not self._place.answers:
            return False
        self._place.told.append((name, case_number))
        health = CaseHealth.PARKED if isinstance(message, Park) else CaseHealth.OK
        self._place.put(case_number, health=health)
        self._place.forgotten = [one for one in self._place.forgotten if one != case_number]
        return True

    async def parked(self, system: System) -> list[str]:
        return self._place.forgotten if system is SYSTEM else []


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A fresh ledger, and a system that is down."""
    place = Place(tmp_path)
    yield place
    place.engine.dispose()


def test_a_call_in_vain_opens_an_outage_only_when_the_probe_fails_too(place: Place) -> None:
    """One bad payload opens none; and the system is not asked again within the interval."""
    guard = place.guard()
    place.is_down = False
    guard.require_up()
    assert [guard.is_down() for _ in range(5)] == [False] * 5
    assert place.knocks == 1
    place.is_down = True
    assert not guard.is_down()
    place.now += MINUTE
    assert guard.is_down()
    assert place.knocks == 2
    opened = place.outages.present()[0]
    assert (opened.system, opened.opened_by, opened.since) == (SYSTEM, MACHINE, place.now)


def test_an_outage_that_is_known_keeps_everybody_away(place: Place) -> None:
    """Another worker's guard knows it from the ledger, without a call or a probe of its own."""
    assert place.guard().is_down()
    other = place.guard()
    with pytest.raises(SystemDown, match="siks_ng: an outage is open"):
        other.require_up()
    assert other.is_down()
    assert place.knocks == 1


def test_who_can_do_without_an_answer_does_not_wait_for_it(place: Place) -> None:
    """BPJS is asked whether there is anything to do only while it is up; a call in vain opens the outage."""

    class Silent:
        asked = 0

        def participant(self, nik: str, *, on: date) -> None:
            self.asked += 1
            raise Unavailable("bpjs", "no answer in time")

    bpjs = Silent()
    guarded = GuardedBpjs(bpjs, place.guard())
    with pytest.raises(Unavailable):
        guarded.participant("x", on=date(2026, 3, 2))
    with pytest.raises(SystemDown):
        guarded.participant("x", on=date(2026, 3, 2))
    assert bpjs.asked == 1


async def test_an_outage_from_its_first_minute_to_its_last(place: Place) -> None:
    """Everybody waiting is parked once, both cities are told once, one probe a minute, urgent ones first."""
    routine, urgent = place.a_case(Track.MEDICAL), place.a_case(Track.EMERGENCY)
    stuck = place.a_case(Track.EMERGENCY, CaseHealth.STUCK)
    assert place.guard().is_down()
    keeper = place.keeper()
    for second in range(150):
        place.now = MORNING + timedelta(seconds=second)
        assert not await keeper.round()
    assert sorted(place.told) == [("park", routine), ("park", urgent)]
    assert place.knocks == 3, "at 0, 60 and 120 seconds"
    opened = AlertKind.OUTAGE_OPENED
    assert place.alerts() == [("3275", opened, AlertState.OPEN), ("3674", opened, AlertState.OPEN)]

    place.is_down = False
    place.now += MINUTE
    place.told.clear()
    await keeper.round()
    assert place.told == [("release", urgent), ("release", routine)]
    assert place.registry.case(stuck).health is CaseHealth.STUCK
    assert [state for _, _, state in place.alerts()] == [AlertState.CLOSED] * 4
    assert (await keeper.round(), len(place.told)) == (False, 2)
    await place.keeper().round()
    assert len(place.alerts()) == 4, "another worker says nothing again"


async def test_an_outage_that_a_person_declared_ends_when_a_person_says_so(place: Place) -> None:
    """A portal that answers may still be closed for work."""
    place.is_down = False
    case = place.a_case(Track.MEDICAL)
    place.outages.open(SYSTEM, "operator", since=MORNING, note=None, now=MORNING)
    keeper = place.keeper()
    place.now += 10 * MINUTE
    await keeper.round()
    assert (place.told, place.knocks) == ([("park", case)], 0)
    place.outages.end(SYSTEM, "operator", until=place.now, now=place.now)
    await keeper.round()
    assert place.told[1:] == [("release", case)]


async def test_nobody_is_forgotten_while_no_worker_answers(place: Place) -> None:
    """A release that reaches nobody is sent again at the next look."""
    case = place.a_case(Track.EMERGENCY, CaseHealth.PARKED)
    place.answers = False
    keeper = place.keeper()
    assert not await keeper.round()
    place.answers = True
    await keeper.round()
    assert place.told == [("release", case)]


async def test_a_release_that_temporal_lost_is_told_again(place: Place) -> None:
    """The ledger holds the case for released; Temporal, which died in that moment, lists it as parked."""
    case = place.a_case(Track.MEDICAL)
    place.put(case, trouble=None)
    place.forgotten = [case]
    keeper = place.keeper()
    assert not await keeper.round()
    assert not await keeper.round()
    assert place.told == [("release", case)]


async def test_a_crowd_is_released_little_by_little(place: Place) -> None:
    """More than one look takes, so that the other duties are not kept waiting; nobody twice."""
    crowd = [place.a_case(Track.MEDICAL, CaseHealth.PARKED) for _ in range(60)]
    keeper = place.keeper()
    assert await keeper.round()
    assert len(place.told) == 50
    assert not await keeper.round()
    assert [case for _, case in place.told] == crowd

"""Offices that are drawn: people, ladders, contacts, absences and dead addresses, and an alert.

Two processes send from one ledger, by turns, and may be started anew at any time. The test moves the clock.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from sqlalchemy import Engine, delete, exists, func, or_, select, union_all

from gateways.channels import OutboxAndLog
from gateways.policy_folder import PolicyFolder
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_watch import SqlWatch
from models.alert_tables import alert_deliveries, alerts
from models.case import CaseRef, Step, Track
from models.errors import Refused, Unavailable
from models.ladder import LadderPolicy
from models.messages import OF_CITY, Alert, AlertKind
from models.outbox import WEBHOOK, AlertMessage, DeliveryState, Reach
from models.policy import CityPolicy
from models.roles import MAY, Act, People, Role
from models.wib import wib_date
from runtime.dispatcher import Dispatcher
from tests.ledger.builders import MORNING, a_new_case
from tests.ledgers import a_ledger
from tests.vaults import a_vault

ROOT = Path(__file__).resolve().parents[2]
MINUTE: Final = timedelta(minutes=1)
TICK: Final = timedelta(seconds=5)
CITY, AREA = "3674", "Pamulang"
AWAY = [{"from": "2026-03-01", "to": "2026-03-03"}]
TODAY: Final = wib_date(MORNING)
_keys = count(1)


class Fate(StrEnum):
    """What becomes of what is sent to somebody."""

    ARRIVES = "arrives"
    NO_CONTACT = "no contact"
    REFUSED = "refused"
    SILENT = "silent"
    SLOW = "slow"
    """Silent, and it takes half a minute to find that out."""
    FAULTY = "faulty"
    """The library that sends fails."""


@dataclass(frozen=True)
class World:
    """An office on one day, and one alert."""

    people: People
    ladder: LadderPolicy
    fates: dict[str, Fate]
    kind: AlertKind
    level: int
    levels: tuple[int, ...]
    step: Step | None
    is_emergency: bool
    has_webhook: bool
    restarts: bool

    @property
    def contacts(self) -> frozenset[str]:
        """Who has one."""
        return frozenset(one for one, fate in self.fates.items() if fate is not Fate.NO_CONTACT)

    def officers(
        self, *, role: Role | None = None, is_present: bool = False, everywhere: bool = False
    ) -> set[str]:
        """Return who may acknowledge, or has a role: of the area or everywhere, present if need be."""
        return {
            one.id
            for one in self.people.person
            if (one.may(Act.ACK) if role is None else role in one.roles)
            and (CITY in one.cities if everywhere or self.kind in OF_CITY else one.serves_area(CITY, AREA))
            and not (is_present and one.is_absent(TODAY))
        }

    def stand_in(self, name: str) -> set[str]:
        """Return the person, or the first deputy of a deputy who is present."""
        person = self.people.find(name)
        while person is not None and person.is_absent(TODAY):
            person = None if person.deputy is None else self.people.find(person.deputy)
        return set() if person is None else {person.id}

    @property
    def reachable(self) -> set[str]:
        """Whoever of the city could acknowledge and reads what is sent to him, and the fallback."""
        able = self.officers(everywhere=True) | {self.ladder.fallback}
        stand_ins = {one.deputy for one in self.people.person if one.deputy is not None}
        return {one for one in able | stand_ins if self.fates.get(one) is Fate.ARRIVES}

    @property
    def bound(self) -> timedelta:
        """Within what time somebody hears: each level has its time, and so has whoever is left."""
        wait = max(self.ladder.undelivered_wait(at, is_urgent=False) for at in range(1, 4))
        return (len(self.ladder.levels) + 4) * (wait + 3 * MINUTE)


_ROLES = sorted(MAY[Act.ACK])
_WAITS = st.sampled_from(["PT15M", "PT5M", "PT40M"])
_FATES = st.sampled_from([*Fate, Fate.ARRIVES, Fate.ARRIVES])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world: somebody of each role of its ladder, others, the fallback, most of them there."""
    roles = draw(st.permutations(_ROLES))[: draw(st.integers(1, 3))]
    theirs = [{role} for role in roles] + draw(
        st.lists(st.sets(st.sampled_from(list(Role)), min_size=1, max_size=2), min_size=2, max_size=4)
    )
    ids = [f"p{at}" for at in range(len(theirs))]
    person = [
        {
            "id": name,
            "name": "Petugas (contoh)",
            "roles": theirs[at],
            "cities": draw(st.sampled_from([[CITY], [CITY, "3275"]] * 3 + [["3275"]])),
            "kecamatan": draw(st.sampled_from([[], [AREA]] * 3 + [["Ciputat"]])),
            "absent": draw(st.sampled_from([[], [], AWAY])),
            "deputy": draw(st.sampled_from([None, None, *ids[at + 1 :]])),
        }
        for at, name in enumerate(ids)
    ]
    levels = [
        {"role": role, "undelivered_after": draw(st.none() | _WAITS)} | ({"after": f"PT{at}H"} if at else {})
        for at, role in enumerate(roles)
    ]
    ladder = {
        "fallback": draw(st.sampled_from([*ids, "nobody"])),
        "levels": levels,
        "repeat_after": "P1D",
        "repeat_at_most": "P1D",
        "undelivered_after": draw(_WAITS),
        "storm": {"more_than": 10, "within": "PT10M"},
    }
    kind = draw(st.sampled_from(list(AlertKind)))
    is_of_city = kind in OF_CITY
    return World(
        people=People.model_validate({"person": person}),
        ladder=LadderPolicy.model_validate(ladder),
        fates={name: draw(_FATES) for name in ids},
        kind=kind,
        level=0 if is_of_city else draw(st.integers(0, 4)),
        levels=draw(st.sampled_from([(), (1,), (2,), (3,), (1, 2)])),
        step=None if is_of_city else draw(st.sampled_from(list(Step))),
        is_emergency=draw(st.booleans()),
        has_webhook=draw(st.booleans()),
        restarts=draw(st.booleans()),
    )


class Shelf(PolicyFolder):
    """The policies that ship, with the people and the ladder of a world."""

    world: World

    def people(self) -> People:
        return self.world.people

    def city(self, code: str) -> CityPolicy:
        return super().city(code).model_copy(update={"ladder": self.world.ladder})


_PENDING = alert_deliveries.c.state == DeliveryState.PENDING
_TIMES = union_all(
    select(alert_deliveries.c.next_at.label("at")).where(_PENDING), select(alerts.c.climb_at.label("at"))
).subquery()
_NEXT = select(func.min(_TIMES.c.at))
_OPEN = select(
    exists().where(alerts.c.climb_at.is_not(None))
    | exists().where(_PENDING, or_(alert_deliveries.c.climb > 0, alert_deliveries.c.attempts == 0))
)
"""Whether anybody may still hear who has not: beside those who are tried for ever."""


class Town:
    """A ledger, and two processes that send from it."""

    def __init__(self, folder: Path) -> None:
        self.sql: Engine = a_ledger(folder)
        self.now: datetime = MORNING
        registry = SqlRegistry(self.sql, a_vault(), self.clock)
        self.cases = {
            track: registry.register(replace(a_new_case(), track=track)).case
            for track in (Track.EMERGENCY, Track.MEDICAL)
        }
        self.outbox, self.watch = SqlOutbox(self.sql, self.clock), SqlWatch(self.sql)
        self.shelf = Shelf(ROOT / "policies")
        self.logged: list[MutableMapping[str, Any]] = []

    def clock(self) -> datetime:
        """Tell the time."""
        return self.now

    def begin(self, world: World) -> None:
        """Begin another day in another world, with nothing to tell."""
        self.world, self.shelf.world, self.now = world, world, MORNING
        self.arrived: list[tuple[datetime, str, str]] = []
        self.logged.clear()
        with self.sql.begin() as connection:
            connection.execute(delete(alert_deliveries))
            connection.execute(delete(alerts))
        self.processes = [self._a_process(), self._a_process()]

    def _a_process(self) -> Dispatcher:
        reach = Reach(self.world.contacts, has_webhook=self.world.has_webhook)
        return Dispatcher(self.outbox, self, self.shelf, reach, self.clock)

    def send(self, recipient: str, message: AlertMessage) -> None:
        """Bring a message as the recipient's fate has it."""
        fate = self.world.fates.get(recipient, Fate.NO_CONTACT)
        if recipient == WEBHOOK or fate is Fate.ARRIVES:
            self.arrived.append((self.now, recipient, message.alert.key))
        elif fate in {Fate.NO_CONTACT, Fate.REFUSED}:
            raise Refused("apprise", "address refuses messages")
        elif fate is Fate.FAULTY:
            raise ZeroDivisionError
        else:
            self.now += timedelta(seconds=30 if fate is Fate.SLOW else 0)
            raise Unavailable("apprise", "no address answers")

    def raise_(self) -> Alert:
        """Raise the alert of this world."""
        world = self.world
        case = self.cases[Track.EMERGENCY if world.is_emergency else Track.MEDICAL]
        of: CaseRef | None = None if world.kind in OF_CITY else case
        alert = Alert(
            key=f"k{next(_keys)}",
            city=CITY,
            case_number=None if of is None else of.case_number,
            kind=world.kind,
            level=world.level,
            levels=world.levels,
            step=world.step,
            kecamatan=None if of is None else AREA,
            raised_at=self.now,
            words="-",
        )
        also = (WEBHOOK,) if world.has_webhook else ()
        OutboxAndLog(self.outbox, self.shelf, self.clock, also).send(alert)
        return alert

    def pass_until(self, end: datetime) -> None:
        """Let both processes work by turns, at each moment at which something is due, while it may matter."""
        for turn in count():
            self.processes[turn % 2].round()
            if self.world.restarts:
                self.processes[turn % 2] = self._a_process()
            with self.sql.connect() as connection:
                is_open, next_at = connection.execute(_OPEN).scalar(), connection.execute(_NEXT).scalar()
            self.now = max(self.now + TICK, min(next_at or end, end))
            if self.now >= end or not is_open:
                return

    def heard(self, alert: Alert) -> list[str]:
        """Return which people heard of it, in order, each as often as he was told."""
        return [who for _, who, key in self.arrived if key == alert.key and who != WEBHOOK]

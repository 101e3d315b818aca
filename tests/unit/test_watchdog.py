"""The watchdog on a real ledger, with a Temporal that says what the test wants."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from gateways.channels import OutboxAndLog
from gateways.policy_folder import PolicyFolder
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_audit import SqlAudit
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_watch import SqlWatch
from models.case import CaseRef, Step
from models.errors import EngineUnreachable, Unavailable
from models.lineage import Held
from models.messages import Alert, AlertKind
from models.outbox import AlertState, Sent
from runtime.adapters import Watching
from runtime.engine import Engine, Running, Seen
from runtime.sealing import seal_all
from runtime.watchdog import WATCHDOG, Watchdog
from tests.ledger.builders import MORNING, a_closing, a_new_case, a_record, an_alert, an_event
from tests.ledgers import a_ledger
from tests.vaults import a_vault
from workflows import options

ROOT = Path(__file__).resolve().parents[2]
MINUTE = timedelta(minutes=1)
TANGSEL, BEKASI = "3674", "3275"
AWAY = EngineUnreachable("Temporal does not answer")
RUNNING, GONE = Seen(is_running=True, attempts=0), Seen(is_running=False, attempts=0)


@dataclass
class FakeEngine:
    """Temporal and its lists, which may say something else."""

    polled: int = 1
    began: dict[str, datetime] = field(default_factory=dict)
    """What is listed as running, and since when."""
    births: dict[str, str | None] = field(default_factory=dict)
    """The birth marks of what runs."""
    seen: dict[str, Seen] = field(default_factory=dict)
    """How a case stands really, when that differs from the list."""
    failing: set[str] = field(default_factory=set)
    """What is listed as failing."""
    due: dict[str, datetime] = field(default_factory=dict)
    """When each case is due, as it is listed."""
    fault: Exception | None = None
    faulty_list: Exception | None = None
    before_look: Callable[[], object] = lambda: None
    looked_at: list[str] = field(default_factory=list)

    async def workers(self) -> int:
        self._answer()
        return self.polled

    async def running(self) -> Mapping[str, Running]:
        self._answer()
        if self.faulty_list is not None:
            raise self.faulty_list
        return {one: self._running(one) for one in self.began}

    async def reported(self) -> Collection[str]:
        self._answer()
        return set(self.failing)

    async def overdue(self, now: datetime) -> Mapping[str, Running]:
        self._answer()
        late = (one for one, due_at in self.due.items() if one in self.began and due_at <= now)
        return {one: self._running(one) for one in late}

    async def look(self, ids: Collection[str]) -> Mapping[str, Seen]:
        self._answer()
        self.before_look()
        self.looked_at += ids
        return {
            one: replace(
                self.seen.get(one, RUNNING if one in self.began else GONE), birth=self.births.get(one)
            )
            for one in ids
        }

    def _running(self, one: str) -> Running:
        return Running(self.began[one], self.births.get(one), self.due.get(one))

    def _answer(self) -> None:
        if self.fault is not None:
            raise self.fault


class House:
    """A ledger, its outbox, a Temporal, and a watchdog whose clock the test moves."""

    def __init__(self, folder: Path) -> None:
        self.sql = a_ledger(folder)
        self.now = MORNING
        self.ledger, self.registry = (
            SqlLedger(self.sql, a_vault(), self.clock),
            SqlRegistry(self.sql, a_vault(), self.clock),
        )
        self.outbox, self.book = SqlOutbox(self.sql, self.clock), SqlAlertBook(self.sql)
        self.shelf = PolicyFolder(ROOT / "policies")
        self.watch, self.temporal = SqlWatch(self.sql), FakeEngine()
        self.sends = True
        """Whether messages get out at once."""
        self.audit, self.seals = SqlAudit(self.sql), True
        self.held: Held | None = None
        self.unreadable: set[str] = set()
        self.keys_are_away = False
        self.start()

    def start(self) -> None:
        """Start a watchdog that knows nothing of any earlier one."""
        channel = OutboxAndLog(self.outbox, self.shelf, self.clock)
        watching = Watching(self.watch, channel, self.shelf)
        self.dog = Watchdog(
            self.temporal, watching, self.clock, held=self.why_held, unreadable=self.which_unreadable
        )

    def clock(self) -> datetime:
        """Tell the time."""
        return self.now

    def which_unreadable(self) -> set[str]:
        """Tell which cases nobody can read, as the key store says."""
        if self.keys_are_away:
            raise EngineUnreachable("key store away")
        return self.unreadable

    async def why_held(self) -> Held | None:
        """Tell why no number is given out."""
        return self.held

    def case(self, *, city: str = TANGSEL, told: bool = True) -> CaseRef:
        """Register a case, start it, and let it tell its first event."""
        case = self.registry.register(a_new_case(city=city)).case
        self.registry.mark_started(case.case_number)
        if told:
            self.ledger.record(a_record(case, an_event(2)))
        self.temporal.began[case.case_number] = self.now
        self.temporal.births[case.case_number] = case.birth
        return case

    def lose(self, *cases: CaseRef) -> None:
        """Let Temporal forget cases."""
        for case in cases:
            del self.temporal.began[case.case_number]

    async def rounds(self, *minutes: float) -> None:
        """Make a round after each of these waits, and fail when it did not see everything."""
        for wait in minutes:
            self.now += wait * MINUTE
            if self.seals:
                seal_all(self.audit, self.clock)
            assert await self.dog.round(MINUTE)
            if self.sends:
                self.outbox.sent(
                    [Sent(one.id, None) for one in self.outbox.lease(self.now, self.now)], self.now
                )

    def told(self, state: AlertState | None = None) -> list[Alert]:
        """Return the alerts that were raised, in their order."""
        entries = [entry.alert for entry in self.book.entries(state=state)]
        return sorted(entries, key=lambda alert: (alert.raised_at, alert.city))

    def open(self) -> list[tuple[AlertKind, str | None]]:
        """Return what is open: of which kind, about which case or what else."""
        return [(alert.kind, alert.case_number or alert.detail) for alert in self.told(AlertState.OPEN)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give the house."""
    made = House(tmp_path)
    yield made
    made.sql.dispose()


def test_the_fake_satisfies_its_port() -> None:
    """The type checker reads this line."""
    engine: Engine = FakeEngine()
    assert engine is not None


async def test_nothing_wrong_raises_nothing_and_the_heart_beats(house: House) -> None:
    """Round after round."""
    house.case()
    await house.rounds(1, 1, 60)
    assert house.told() == []
    heartbeat = house.watch.heartbeat(WATCHDOG)
    assert heartbeat is not None
    assert (heartbeat.at, heartbeat.every) == (house.now, MINUTE)


# -- Lost --------------------------------------------------------------------------------------------


async def test_a_lost_case_is_told_once_while_it_is_lost(house: House) -> None:
    """With step and area, to the supervisors; also by a watchdog that was started anew."""
    case = house.case()
    house.lose(case)
    await house.rounds(1, 1)
    house.start()
    await house.rounds(1, 60)
    [alert] = house.told()
    assert alert.kind is AlertKind.CASE_LOST
    assert (alert.case_number, alert.city, alert.step) == (case.case_number, TANGSEL, Step.SIKS_NG_UPLOAD)
    assert (alert.kecamatan, alert.raised_at) == ("Pamulang", MORNING + MINUTE)
    assert alert.key == f"{case.case_number}:watch.case_lost:20260302T0101Z"
    told = {entry.recipient for entry in house.book.deliveries(case.case_number)}
    assert told == {"lokal", "tangsel-supervisor"}


async def test_a_case_whose_key_is_lost_is_told_until_it_is_over(house: House) -> None:
    """Anew on each day: it can never go on, and nobody else says so."""
    case = house.case()
    house.unreadable = {case.case_number}
    await house.rounds(1, 1)
    assert house.open() == [(AlertKind.KEY_LOST, case.case_number)]
    assert len(house.told()) == 1
    await house.rounds(24 * 60)
    assert [alert.kind for alert in house.told(AlertState.CLOSED)] == [AlertKind.KEY_LOST]
    house.keys_are_away = True
    await house.rounds(1)
    assert (AlertKind.KEY_LOST, case.case_number) in house.open(), "nobody knows now: it stays told"
    assert not house.watch.heartbeat(WATCHDOG).is_silent(house.now)  # type: ignore[union-attr]
    house.keys_are_away, house.unreadable = False, set()
    await house.rounds(1)
    assert AlertKind.KEY_LOST not in {kind for kind, _ in house.open()}


async def test_a_case_that_runs_again_takes_the_alert_back_and_can_be_lost_again(house: House) -> None:
    """On the same day too."""
    case = house.case()
    house.lose(case)
    await house.rounds(1)
    house.temporal.began[case.case_number] = house.now
    await house.rounds(1)
    assert house.open() == []
    house.lose(case)
    await house.rounds(1)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]


async def test_a_finding_that_lasts_is_told_anew_on_the_next_day_in_wib(house: House) -> None:
    """Also when somebody took charge of it; there is one that is not closed."""
    case = house.case()
    house.lose(case)
    await house.rounds(1)
    house.book.acknowledge(case.case_number, None, "tangsel-supervisor", house.now)
    await house.rounds(15 * 60)
    assert house.open() == []
    await house.rounds(2 * 60)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]
    assert [alert.raised_at for alert in house.told(AlertState.CLOSED)] == [MORNING + MINUTE]
    assert house.told(AlertState.ACKNOWLEDGED) == []


async def test_a_case_that_the_lists_have_not_yet_is_not_lost(house: House) -> None:
    """Temporal itself knows better."""
    case = house.case()
    house.lose(case)
    house.temporal.seen[case.case_number] = RUNNING
    await house.rounds(1)
    assert house.told() == []


async def test_a_case_that_ends_meanwhile_is_not_lost(house: House) -> None:
    """The ledger is asked once more."""
    case = house.case()
    house.lose(case)
    house.temporal.before_look = lambda: house.ledger.record(a_closing(case, 3))
    await house.rounds(1)
    assert house.told() == []


async def test_a_case_that_was_started_a_moment_ago_is_not_looked_for(house: House) -> None:
    """Bulk intake would make a suspect of each."""
    house.lose(house.case(told=False))
    await house.rounds(0.1)
    assert house.temporal.looked_at == []


async def test_a_case_that_nobody_starts_is_lost_after_the_sweep_had_time(house: House) -> None:
    """The time counts from when the engine worked again: then the sweep has much to do."""
    house.temporal.fault = AWAY
    await house.rounds(0)
    case = house.registry.register(a_new_case()).case
    await house.rounds(10)
    house.temporal.fault = None
    await house.rounds(1, 4)
    assert AlertKind.CASE_LOST not in {alert.kind for alert in house.told()}
    await house.rounds(1)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]


async def test_more_than_a_round_can_look_at_are_told_round_after_round(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is taken back because its turn has not come."""
    monkeypatch.setattr(options, "WATCH_AT_ONCE", 2)
    cases_ = [house.case() for _ in range(5)]
    house.lose(*cases_)
    sizes = []
    for _ in range(4):
        await house.rounds(1)
        sizes.append(len(house.open()))
    assert sizes == [2, 4, 5, 5]
    assert len(house.told()) == 5
    assert len(house.temporal.looked_at) == 5


async def test_a_case_that_cannot_be_told_stops_no_other(house: House) -> None:
    """Its city has no policy; the heart does not beat, so that somebody looks."""
    stranger, case = house.case(city="1111"), house.case()
    house.lose(stranger, case)
    house.now += MINUTE
    assert not await house.dog.round(MINUTE)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]
    assert house.watch.heartbeat(WATCHDOG) is None


# -- Astray ------------------------------------------------------------------------------------------


async def test_a_case_that_runs_on_after_its_end_is_astray(house: House) -> None:
    """Not within the minutes in which an alert of it may still be retried; however early it happened."""
    case = house.case()
    house.now += 60 * MINUTE
    house.ledger.record(a_closing(case, 3))
    await house.rounds(1, 8)
    assert house.told() == []
    await house.rounds(2, 1)
    [alert] = house.told()
    assert (alert.kind, alert.city, alert.case_number) == (AlertKind.CASE_ASTRAY, TANGSEL, None)
    assert alert.detail == case.case_number
    house.lose(case)
    await house.rounds(1)
    assert house.open() == []


async def test_a_case_that_has_ended_although_the_list_has_it_is_not_astray(house: House) -> None:
    """Temporal itself knows better."""
    case = house.case()
    house.ledger.record(a_closing(case, 3))
    house.temporal.seen[case.case_number] = GONE
    await house.rounds(30)
    assert house.told() == []


async def test_a_case_that_was_reset_a_moment_ago_is_not_astray(house: House) -> None:
    """The run is young, and will tell the ledger of itself."""
    case = house.case()
    house.ledger.record(a_closing(case, 3))
    house.now += 60 * MINUTE
    house.temporal.began[case.case_number] = house.now
    await house.rounds(1)
    assert house.told() == []


async def test_a_case_that_begins_between_both_looks_is_not_astray(house: House) -> None:
    """The ledger knows it, though not in the list that was read before."""
    case = house.registry.register(a_new_case()).case
    house.temporal.began[case.case_number] = MORNING
    house.temporal.births[case.case_number] = case.birth
    await house.rounds(30)
    assert house.told() == []


async def test_ids_that_are_no_case_of_ours_are_counted_and_never_shown(house: House) -> None:
    """What was typed by hand may hold anything, and goes to every city; a case number is shown."""
    unknown = "PBI-3275-2026-000777"
    for one in ("3674061203850001", "ibu-3674-Siti", "PBI-9999-2026-000001", unknown):
        house.temporal.began[one] = MORNING
    await house.rounds(30)
    assert {(alert.kind, alert.city, alert.detail) for alert in house.told()} == {
        (AlertKind.CASE_ASTRAY, BEKASI, unknown),
        (AlertKind.CASE_ASTRAY, BEKASI, "3-id-tak-dikenal"),
        (AlertKind.CASE_ASTRAY, TANGSEL, "3-id-tak-dikenal"),
    }
    said = str([alert.model_dump() for alert in house.told()])
    assert not any(word in said for word in ("3674061203850001", "Siti", "9999"))
    del house.temporal.began["ibu-3674-Siti"]
    await house.rounds(1)
    assert len(house.told()) == 3


UNKNOWN = "PBI-3674-2026-000777"


async def test_a_case_that_the_ledger_does_not_hold_is_astray_at_once(house: House) -> None:
    """Its row was deleted: it stands still at the next thing that it records."""
    house.temporal.began[UNKNOWN] = house.now
    await house.rounds(0.1)
    assert house.told() == []
    await house.rounds(0.1)
    assert house.open() == [(AlertKind.CASE_ASTRAY, UNKNOWN)]


async def test_the_breach_of_a_case_that_the_ledger_does_not_hold_is_told_to_its_city(house: House) -> None:
    """In the first round after it, with how late it is; once, also by a watchdog that was started anew."""
    house.temporal.began[UNKNOWN] = house.now
    house.temporal.due[UNKNOWN] = due_at = house.now + 30 * MINUTE
    await house.rounds(29)
    assert [alert.kind for alert in house.told()] == [AlertKind.CASE_ASTRAY]
    await house.rounds(2)
    house.start()
    await house.rounds(1)
    [alert] = [one for one in house.told() if one.kind is AlertKind.BREACH_ASTRAY]
    assert (alert.city, alert.case_number, alert.detail) == (TANGSEL, None, UNKNOWN)
    assert (alert.due_at, alert.late_by) == (due_at, MINUTE)
    told = {entry.recipient for entry in house.book.deliveries_of(alert.key)}
    assert told == {"lokal", "tangsel-supervisor"}
    del house.temporal.began[UNKNOWN]
    await house.rounds(1)
    assert house.open() == []


async def test_the_breach_of_a_case_that_the_ledger_holds_is_not_told_so(house: House) -> None:
    """Open or over, it is told of by others; nor is one whose city nobody here works for."""
    case, over = house.case(), house.case()
    house.ledger.record(a_closing(over, 3))
    for one in (case.case_number, over.case_number, "PBI-9999-2026-000001", "3674061203850001"):
        house.temporal.began[one] = house.temporal.due[one] = MORNING
    await house.rounds(1)
    assert AlertKind.BREACH_ASTRAY not in {alert.kind for alert in house.told()}


async def test_the_breach_of_another_case_under_a_known_number_is_told_to_its_city(house: House) -> None:
    """The ledger holds the number for somebody else: it keeps no alert of the one that is late."""
    number = house.case().case_number
    house.temporal.births[number] = "another"
    house.temporal.due[number] = MORNING
    await house.rounds(1)
    assert (AlertKind.BREACH_ASTRAY, number) in house.open()


async def test_a_case_that_ended_although_the_list_has_it_as_overdue_is_not_told(house: House) -> None:
    """Temporal itself knows better."""
    house.temporal.began[UNKNOWN] = house.temporal.due[UNKNOWN] = MORNING
    house.temporal.seen[UNKNOWN] = GONE
    await house.rounds(1)
    assert house.told() == []


async def test_more_breaches_than_a_round_can_look_at_are_told_round_after_round(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is taken back because its turn has not come."""
    monkeypatch.setattr(options, "WATCH_AT_ONCE", 2)
    for number in range(5):
        one = f"PBI-3674-2026-{number:06d}"
        house.temporal.began[one] = house.temporal.due[one] = MORNING
    sizes = []
    for _ in range(4):
        await house.rounds(1)
        sizes.append(Counter(alert.kind for alert in house.told(AlertState.OPEN)))
    assert [count[AlertKind.BREACH_ASTRAY] for count in sizes] == [2, 4, 5, 5]
    assert [count[AlertKind.CASE_ASTRAY] for count in sizes] == [2, 4, 5, 5]


# -- Nobody works ------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["worker", "temporal"])
async def test_an_engine_that_stays_away_is_told_to_every_city(house: House, missing: str) -> None:
    """Not after one look, which may fall into a restart; and it is taken back."""
    house.case()
    await house.rounds(1)
    house.temporal.polled, house.temporal.fault = 0, AWAY if missing == "temporal" else None
    await house.rounds(1)
    assert house.told() == []
    await house.rounds(1, 1, 1)
    assert [(alert.kind, alert.city, alert.detail) for alert in house.told()] == [
        (AlertKind.NO_WORKER, BEKASI, missing),
        (AlertKind.NO_WORKER, TANGSEL, missing),
    ]
    assert house.told()[1].key == f"watch:3674:no_worker:{missing}:20260302T0103Z"
    house.temporal.polled, house.temporal.fault = 1, None
    await house.rounds(1)
    assert house.open() == []


async def test_a_case_is_lost_whether_or_not_anybody_works(house: House) -> None:
    """Temporal is asked of cases also while no worker asks it for work."""
    case = house.case()
    house.lose(case)
    house.temporal.polled = 0
    await house.rounds(1)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]


async def test_what_is_missing_counts_from_when_that_was_missing(house: House) -> None:
    """Temporal came back and knows no worker yet: one look is not enough again."""
    house.temporal.fault = AWAY
    await house.rounds(1, 1)
    house.temporal.polled, house.temporal.fault = 0, None
    await house.rounds(1)
    assert house.open() == []
    await house.rounds(1)
    assert house.open() == [(AlertKind.NO_WORKER, "worker")] * 2


async def test_a_watchdog_that_starts_anew_does_not_take_back_what_still_is_so(house: House) -> None:
    """It is not sure yet, and that is no reason to say the contrary."""
    house.temporal.polled = 0
    await house.rounds(1, 1)
    house.start()
    await house.rounds(1)
    assert len(house.open()) == 2
    assert len(house.told()) == 2


async def test_what_lasts_in_temporal_stays_open_while_temporal_is_away(house: House) -> None:
    """Nobody knows; so nothing is taken back."""
    case = house.case()
    house.lose(case)
    await house.rounds(1)
    house.temporal.fault = AWAY
    await house.rounds(1)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]


# -- Nobody was told -----------------------------------------------------------------------------------


async def test_a_breach_that_nobody_was_told_of(house: House) -> None:
    """Also while no worker and no Temporal is there; an alert of the breach itself takes it back."""
    case = house.case()
    due = house.registry.case(case.case_number).due_at
    assert due is not None
    house.temporal.fault = AWAY
    house.now = due - 10 * MINUTE
    await house.rounds(0, 11)
    kinds = {alert.kind for alert in house.told()}
    assert kinds == {AlertKind.NO_WORKER}
    await house.rounds(1, 1, 1)
    [untold] = [alert for alert in house.told() if alert.kind is AlertKind.BREACH_UNTOLD]
    assert (untold.case_number, untold.late_by) == (case.case_number, 2 * MINUTE)
    assert (AlertKind.BREACH_UNTOLD, case.case_number) in house.open()
    breach = an_alert(case, "sla").model_copy(update={"raised_at": house.now})
    OutboxAndLog(house.outbox, house.shelf, house.clock).send(breach)
    await house.rounds(1)
    assert AlertKind.BREACH_UNTOLD not in {kind for kind, _ in house.open()}


async def test_an_engine_that_comes_up_has_time_to_tell_what_fell_due_meanwhile(house: House) -> None:
    """Otherwise each start after a long standstill would tell everything twice."""
    case, house.sends = house.case(), False
    house.now += timedelta(days=3)
    OutboxAndLog(house.outbox, house.shelf, house.clock).send(
        an_alert(house.case(), "old").model_copy(update={"raised_at": MORNING})
    )
    house.start()
    house.now += 30 * MINUTE
    await house.rounds(0, 1)
    assert [kind for kind, _ in house.open()] == [AlertKind.SLA_BREACH]
    await house.rounds(1)
    kinds = {kind for kind, _ in house.open()}
    assert kinds == {AlertKind.SLA_BREACH, AlertKind.BREACH_UNTOLD, AlertKind.ALERTS_UNSENT}
    assert (AlertKind.BREACH_UNTOLD, case.case_number) in house.open()


async def test_alerts_that_do_not_get_out_are_counted_by_city(house: House) -> None:
    """One alert for as long as that lasts, whatever the number becomes."""
    first, second, house.sends = house.case(), house.case(), False
    channel = OutboxAndLog(house.outbox, house.shelf, house.clock)
    channel.send(an_alert(first, "a"))
    channel.send(an_alert(second, "b"))
    await house.rounds(1, 5)
    assert (AlertKind.ALERTS_UNSENT, "2") not in house.open()
    await house.rounds(5)
    channel.send(an_alert(first, "c", minute=11))
    await house.rounds(30)
    unsent = [alert for alert in house.told() if alert.kind is AlertKind.ALERTS_UNSENT]
    assert [(alert.city, alert.detail) for alert in unsent] == [(TANGSEL, "2")]
    ids = [one.id for one in house.outbox.lease(house.now, house.now)]
    assert ids
    house.outbox.postpone(ids, house.now + 30 * MINUTE)
    await house.rounds(1)
    assert AlertKind.ALERTS_UNSENT not in {kind for kind, _ in house.open()}


async def test_rows_that_nobody_seals_are_told_until_they_are(house: House) -> None:
    """Not at once, not while no worker is there, whose work it is; one alert for each city."""
    house.case()
    house.seals = False
    await house.rounds(1, 8)
    assert house.told() == []
    await house.rounds(2)
    assert set(house.open()) == {(AlertKind.AUDIT_BEHIND, "2")}
    house.seals = True
    await house.rounds(1)
    assert house.open() == []


async def test_rows_that_nobody_could_seal_are_not_told(house: House) -> None:
    """While no worker is there, that is what people hear."""
    house.case()
    house.seals, house.temporal.polled = False, 0
    await house.rounds(1, 20)
    assert {kind for kind, _ in house.open()} == {AlertKind.NO_WORKER}


# -- Failing code ----------------------------------------------------------------------------------------


async def test_a_case_that_tells_nothing_is_looked_at_for_failing_code(house: House) -> None:
    """The third attempt means that; the second may follow a killed worker."""
    case = house.case(told=False)
    house.temporal.seen[case.case_number] = Seen(is_running=True, attempts=2)
    await house.rounds(1)
    assert house.told() == []
    house.temporal.seen[case.case_number] = Seen(is_running=True, attempts=3)
    await house.rounds(1, 1)
    [alert] = house.told()
    assert (alert.kind, alert.case_number) == (AlertKind.TASK_FAILING, case.case_number)


async def test_silent_cases_have_their_turn_round_after_round(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that wait in a list are silent too, and whose code fails may be the last of them."""
    monkeypatch.setattr(options, "WATCH_SILENT_AT_ONCE", 2)
    cases_ = [house.case(told=False) for _ in range(5)]
    house.temporal.seen[cases_[4].case_number] = Seen(is_running=True, attempts=3)
    await house.rounds(1, 1)
    assert house.told() == []
    await house.rounds(1)
    assert house.open() == [(AlertKind.TASK_FAILING, cases_[4].case_number)]
    assert house.temporal.looked_at == [cases_[at].case_number for at in (0, 1, 2, 3, 4, 0)]


async def test_a_case_that_temporal_reports_is_looked_at_and_later_taken_back(house: House) -> None:
    """What it lists may have been mended a moment ago; the alert lasts until the case goes on."""
    case = house.case()
    house.temporal.failing = {case.case_number}
    await house.rounds(1)
    assert house.told() == []
    house.temporal.seen[case.case_number] = Seen(is_running=True, attempts=9)
    await house.rounds(1)
    assert house.open() == [(AlertKind.TASK_FAILING, case.case_number)]
    house.temporal.failing = set()
    await house.rounds(1)
    assert house.open() == [(AlertKind.TASK_FAILING, case.case_number)]
    house.temporal.seen[case.case_number] = RUNNING
    await house.rounds(1)
    assert house.open() == []
    assert len(house.told()) == 1


async def test_a_failing_case_that_the_ledger_does_not_know_stops_no_other(house: House) -> None:
    """It is somebody else's."""
    case = house.case()
    for one in ("x", case.case_number):
        house.temporal.failing.add(one)
        house.temporal.seen[one] = Seen(is_running=True, attempts=5)
    await house.rounds(1)
    assert house.open() == [(AlertKind.TASK_FAILING, case.case_number)]


# -- One check that fails ----------------------------------------------------------------------------------


async def test_a_check_that_fails_stops_no_other_and_holds_the_heartbeat(house: House) -> None:
    """Whatever it was; its text stays out of the log, where it was raised does not."""
    case = house.case(told=False)
    house.temporal.seen[case.case_number] = Seen(is_running=True, attempts=3)
    house.temporal.faulty_list = ValueError("Siti")
    house.now += MINUTE
    with structlog.testing.capture_logs() as logged:
        assert not await house.dog.round(MINUTE)
    assert house.open() == [(AlertKind.TASK_FAILING, case.case_number)]
    assert house.watch.heartbeat(WATCHDOG) is None
    [line] = [one for one in logged if one["event"] == "watch.not_made"]
    assert line["check"] == "lost and astray"
    assert line["what"].startswith("ValueError in test_watchdog.py:")
    assert "Siti" not in str(logged)


async def test_a_list_that_temporal_refuses_holds_the_heartbeat(house: House) -> None:
    """Its workers are known and its cases are not: that nobody would be told of otherwise."""
    house.temporal.faulty_list = AWAY
    house.now += MINUTE
    assert not await house.dog.round(MINUTE)
    assert house.watch.heartbeat(WATCHDOG) is None


async def test_a_ledger_that_is_away_ends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next round goes on where it was."""
    case = house.case()
    house.lose(case)

    def away(*_: object) -> None:
        raise Unavailable("ledger", "database does not answer")

    with monkeypatch.context() as patched:
        for name in ("open_alerts", "open_cases", "untold", "unsent", "beat"):
            patched.setattr(house.watch, name, away)
        assert not await house.dog.round(MINUTE)
    await house.rounds(1)
    assert house.open() == [(AlertKind.CASE_LOST, case.case_number)]


async def test_a_call_that_never_returns_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Temporal that takes calls and answers none is away."""
    monkeypatch.setattr(options, "WATCH_ENGINE_WITHIN", timedelta(milliseconds=20))
    monkeypatch.setattr(house.temporal, "workers", _never)
    await house.rounds(1, 1)
    assert house.open() == [(AlertKind.NO_WORKER, "temporal")] * 2


async def _never() -> int:
    await asyncio.Event().wait()
    return 0

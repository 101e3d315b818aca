"""What reaches nobody climbs, in the end to everybody who can be reached. On a real outbox."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from models.case import Track
from models.errors import Refused, Unavailable
from models.messages import Alert, AlertKind
from models.outbox import WEBHOOK, AlertState, DeliveryState, Reach, Silence
from runtime.dispatcher import LEASE, RETRY_AT_MOST
from tests.ledger.builders import MORNING, a_closing, an_alert
from tests.unit.alert_desk import BOSS, CHIEF, HEAD, LOCAL, TICK, Desk

MINUTE = timedelta(minutes=1)
STEP = timedelta(seconds=15)
OTHERS = {
    "tangsel-loket-1",
    "tangsel-verifikator-1",
    "tangsel-verifikator-2",
    "tangsel-penandatangan",
    "tangsel-siksng-1",
}
"""Who else of the city may acknowledge an alert of Pamulang."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give the office."""
    made = Desk(tmp_path)
    yield made
    made.engine.dispose()


def dead(*who: str) -> Callable[[str], Exception | None]:
    """Return the fault of addresses that do not answer."""
    return lambda recipient: Unavailable("apprise", "no address answers") if recipient in who else None


def refusing(*who: str) -> Callable[[str], Exception | None]:
    """Return the fault of addresses that take nothing."""
    return lambda recipient: Refused("apprise", "address refuses messages") if recipient in who else None


def of_city(desk: Desk, kind: AlertKind = AlertKind.NO_WORKER) -> Alert:
    """Raise an alert about the whole city."""
    alert = Alert(key="watch:3674:k", city="3674", kind=kind, raised_at=desk.now, words="-")
    desk.channel.send(alert)
    return alert


def heard(desk: Desk, kind: AlertKind = AlertKind.SLA_BREACH) -> list[tuple[timedelta, str]]:
    """Return who heard of a kind, and how long after the morning began."""
    return [(at - MORNING, who) for at, who, message in desk.post.arrived if message.kind is kind]


# -- When, and to whom -------------------------------------------------------------------------------


@pytest.mark.parametrize(("track", "minutes"), [(Track.EMERGENCY, 5), (Track.MEDICAL, 15)])
def test_what_a_level_cannot_get_goes_to_the_next_one(desk: Desk, track: Track, minutes: int) -> None:
    """After a quarter of an hour, an emergency sooner; with words for why he is told. There it ends."""
    case = desk.case(track)
    desk.post.fault = dead(BOSS, LOCAL)
    desk.breach(case)
    desk.let_pass((minutes + 1) * MINUTE, STEP)
    desk.let_pass(timedelta(hours=1), 5 * MINUTE)
    [(at, who)] = heard(desk)[:1]
    assert (who, at) == (HEAD, minutes * MINUTE + STEP)
    assert {who for _, who in heard(desk)} == {HEAD}
    told = desk.post.to(HEAD)[0].subject
    belated = "Terlambat dikirim, keadaan 2 Mar 2026 08.00 WIB: " if minutes >= 10 else ""
    late = f"{case.case_number} LEWAT BATAS WAKTU, terlambat 0 detik"
    assert told == f"Petugas lain tidak terjangkau: {belated}{late}"
    assert desk.post.to(HEAD)[1].subject.startswith("Pengingat 1: ")


@pytest.mark.parametrize(
    "kind",
    [AlertKind.NO_WORKER, AlertKind.ALERTS_UNSENT, AlertKind.WATCHDOG_SILENT, AlertKind.CASE_ASTRAY],
)
def test_what_concerns_a_whole_city_climbs_as_soon_as_an_emergency(desk: Desk, kind: AlertKind) -> None:
    """Of whatever kind it is."""
    desk.post.fault = dead(BOSS, LOCAL)
    of_city(desk, kind)
    desk.let_pass(10 * MINUTE, STEP)
    assert heard(desk, kind) == [(5 * MINUTE + STEP, HEAD)]


@pytest.mark.parametrize(
    "kind",
    [AlertKind.CASE_LOST, AlertKind.CASE_STUCK, AlertKind.BREACH_UNTOLD, AlertKind.TASK_FAILING],
)
def test_what_goes_to_the_first_level_only_climbs_too(desk: Desk, kind: AlertKind) -> None:
    """The watchdog's alerts of cases among it."""
    desk.post.fault = dead(BOSS, LOCAL)
    desk.channel.send(an_alert(desk.case(), "k").model_copy(update={"kind": kind}))
    desk.let_pass(10 * MINUTE, STEP)
    assert [who for _, who in heard(desk, kind)] == [HEAD]


def test_news_climb_after_a_quarter_of_an_hour(desk: Desk) -> None:
    """That no digest came shall always mean that something is wrong."""
    desk.post.fault = dead(BOSS, LOCAL)
    of_city(desk, AlertKind.DAILY_DIGEST)
    desk.let_pass(20 * MINUTE, STEP)
    assert heard(desk, AlertKind.DAILY_DIGEST) == [(15 * MINUTE + STEP, HEAD)]


def test_where_every_level_is_dead_everybody_who_can_be_reached_is_told(desk: Desk) -> None:
    """Level after level, each given its time; the fallback is one of the first already."""
    desk.post.fault = dead(BOSS, LOCAL, HEAD, CHIEF, "tangsel-loket-1")
    desk.breach(desk.case())
    desk.let_pass(20 * MINUTE, STEP)
    assert heard(desk) == [(3 * 5 * MINUTE + STEP, who) for who in sorted(OTHERS) if who != "tangsel-loket-1"]


def test_who_refuses_is_not_waited_for(desk: Desk) -> None:
    """The next level is told with the next round, and the next again."""
    desk.post.fault = refusing(BOSS, LOCAL, HEAD)
    desk.breach(desk.case(Track.MEDICAL))
    desk.let_pass(MINUTE)
    assert heard(desk) == [(2 * TICK, CHIEF)]


def test_who_refuses_beside_one_who_does_not_answer_is_waited_for_no_longer_than_he(desk: Desk) -> None:
    """Level one is given its time, since one of it may come back; level two, which refuses, none."""
    faults = {BOSS: dead(BOSS), LOCAL: refusing(LOCAL), HEAD: refusing(HEAD)}
    desk.post.fault = lambda recipient: faults[recipient](recipient) if recipient in faults else None
    desk.breach(desk.case())
    desk.let_pass(10 * MINUTE, TICK)
    assert heard(desk) == [(5 * MINUTE + 2 * TICK, CHIEF)]


def test_one_of_a_level_who_hears_is_enough(desk: Desk) -> None:
    """Nobody higher is called because of a colleague's dead address."""
    desk.post.fault = dead(LOCAL)
    desk.breach(desk.case())
    desk.let_pass(timedelta(hours=2), MINUTE)
    assert {who for _, who in heard(desk)} == {BOSS}


def test_nobody_is_addressed_in_place_of_others_who_has_no_contact(desk: Desk) -> None:
    """He would only be given up."""
    desk.dispatcher = desk.a_dispatcher(Reach(frozenset({BOSS, CHIEF})))
    desk.post.fault = refusing(BOSS, LOCAL)
    case = desk.case()
    desk.breach(case)
    desk.let_pass(MINUTE)
    assert {entry.recipient for entry in desk.book.deliveries(case.case_number)} == {BOSS, LOCAL, CHIEF}
    assert [who for _, who in heard(desk)] == [CHIEF]


# -- When it ends ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["acknowledged", "its cause is gone"])
def test_what_is_settled_climbs_no_further(desk: Desk, how: str) -> None:
    """By somebody who saw it on the screen, or because the case runs again; those before still hear."""
    case = desk.case()
    desk.post.fault = dead(BOSS, LOCAL, HEAD)
    alert = desk.breach(case)
    desk.let_pass(6 * MINUTE, STEP)
    if how == "acknowledged":
        desk.book.acknowledge(case.case_number, None, BOSS, desk.now)
    else:
        desk.channel.close(alert.key)
    desk.post.fault = dead(LOCAL)
    desk.let_pass(RETRY_AT_MOST + MINUTE, MINUTE)
    assert [who for _, who in heard(desk)] == [BOSS]
    assert desk.silence() is None
    told = {entry.recipient: entry.state for entry in desk.book.deliveries(case.case_number)}
    assert told == {BOSS: DeliveryState.SENT, LOCAL: DeliveryState.PENDING}


def test_a_breach_climbs_although_the_case_ended_meanwhile(desk: Desk) -> None:
    """That a person was late must not go unheard."""
    case = desk.case()
    desk.post.fault = dead(BOSS, LOCAL)
    desk.breach(case)
    desk.let_pass(MINUTE, STEP)
    desk.ledger.record(a_closing(case))
    desk.let_pass(timedelta(hours=2), MINUTE)
    assert [who for _, who in heard(desk)] == [HEAD]


def test_who_was_to_hear_in_place_of_others_is_spared_when_they_hear(desk: Desk) -> None:
    """The mail server was away for an hour: not everybody gets everything that came meanwhile."""
    case = desk.case()
    desk.post.fault = lambda recipient: Unavailable("apprise", "x")
    desk.breach(case)
    desk.let_pass(timedelta(hours=1), MINUTE)
    assert len(desk.book.deliveries(case.case_number)) == 9
    desk.post.fault = lambda recipient: None
    desk.let_pass(RETRY_AT_MOST + MINUTE, MINUTE)
    told = Counter(who for _, who in heard(desk))
    assert {BOSS, LOCAL} <= told.keys()
    assert len(told) <= 3
    assert set(told.values()) == {1}
    left = desk.book.deliveries(case.case_number)
    assert {entry.recipient for entry in left if entry.number == 0} == told.keys()


# -- Nobody at all -----------------------------------------------------------------------------------


def test_that_nobody_can_be_reached_is_known_until_somebody_is(desk: Desk) -> None:
    """Refused by all, it is tried again: whose contact is mended hears of it within a quarter of an hour."""
    desk.post.fault = lambda recipient: None if recipient == WEBHOOK else Refused("apprise", "x")
    case = desk.case()
    desk.with_webhook.send(an_alert(case, "k"))
    desk.let_pass(9 * MINUTE, MINUTE)
    assert [who for _, who in heard(desk)] == [WEBHOOK]
    assert desk.silence() is None
    desk.let_pass(50 * MINUTE, MINUTE)
    assert desk.silence() == Silence(3, MORNING)  # the alert, and that two people cannot be reached
    assert max(desk.post.tries.values()) <= 3 * 5
    desk.post.fault = refusing(BOSS, LOCAL)
    desk.let_pass(RETRY_AT_MOST + MINUTE, MINUTE)
    assert desk.silence() is None
    assert {who for _, who in heard(desk)} >= {HEAD}


def test_somebody_new_is_reached_after_everybody_was_told_in_vain(desk: Desk) -> None:
    """A contact that is written down later counts."""
    desk.post.fault = dead(BOSS, LOCAL)
    desk.dispatcher = desk.a_dispatcher(Reach(frozenset({BOSS, LOCAL})))
    desk.breach(desk.case())
    desk.let_pass(timedelta(hours=1), MINUTE)
    assert heard(desk) == []
    desk.dispatcher = desk.a_dispatcher(Reach(frozenset({BOSS, LOCAL, CHIEF})))
    desk.let_pass(RETRY_AT_MOST + 2 * MINUTE, MINUTE)
    assert [who for _, who in heard(desk)] == [CHIEF]


def test_the_notice_that_somebody_cannot_be_reached_does_not_end_at_him(desk: Desk) -> None:
    """He is the fallback himself, to whom such notices go."""
    desk.post.fault = refusing(BOSS)
    desk.breach(desk.case())
    desk.let_pass(MINUTE)
    assert [who for _, who in heard(desk, AlertKind.UNDELIVERABLE)] == [LOCAL]


# -- Processes ---------------------------------------------------------------------------------------


def test_a_process_that_is_started_anew_goes_on_where_the_last_one_was(desk: Desk) -> None:
    """Each round by another one: each is told once, at the same times."""
    desk.post.fault = dead(BOSS, LOCAL, HEAD)
    desk.breach(desk.case())
    end = desk.now + 20 * MINUTE
    while desk.now < end:
        desk.a_dispatcher(Reach(desk.contacts)).round()
        desk.now += STEP
    assert heard(desk) == [(10 * MINUTE + STEP, CHIEF)]


def test_several_processes_tell_nobody_twice(desk: Desk) -> None:
    """Worker and watchdog send by turns from one outbox."""
    desk.post.fault = dead(BOSS, LOCAL, HEAD, CHIEF)
    desk.breach(desk.case())
    crew = [desk.a_dispatcher(Reach(desk.contacts)) for _ in range(3)]
    end = desk.now + 20 * MINUTE
    while desk.now < end:
        for one in crew:
            one.round()
        desk.now += MINUTE
    assert Counter(who for _, who in heard(desk)) == dict.fromkeys(OTHERS, 1)


def test_a_process_without_a_way_leaves_messages_to_one_that_has_it(desk: Desk) -> None:
    """A watchdog that knows the webhook only gives up nobody's message, nor does the other the webhook's."""
    case = desk.case()
    desk.with_webhook.send(an_alert(case, "k"))
    ways = ((Reach(None, has_webhook=True), (BOSS, LOCAL)), (Reach(desk.contacts), (WEBHOOK,)))
    for reach, others in ways:
        desk.dispatcher, desk.post.fault = desk.a_dispatcher(reach), refusing(*others)
        desk.let_pass(10 * MINUTE, MINUTE)
        assert DeliveryState.GAVE_UP not in desk.states(case)
    assert {who for _, who in heard(desk)} == {WEBHOOK, BOSS, LOCAL}


def test_a_process_that_died_with_messages_in_hand_makes_nobody_climb(desk: Desk) -> None:
    """What was not tried was not in vain."""
    desk.breach(desk.case())
    desk.outbox.lease(desk.now, desk.now + LEASE)
    desk.now += LEASE
    desk.let_pass(20 * MINUTE, MINUTE)
    assert {who for _, who in heard(desk)} == {BOSS, LOCAL}


def test_a_clock_that_was_hours_ahead_makes_no_silence(desk: Desk) -> None:
    """What climbs at a time that its clock made up climbs as soon as another looks."""
    desk.post.fault = refusing(BOSS, LOCAL)
    desk.dispatcher = desk.a_dispatcher(Reach(frozenset({BOSS, LOCAL})))
    desk.breach(desk.case())
    desk.now += timedelta(hours=5)
    desk.dispatcher.round()
    desk.now = MORNING + MINUTE
    desk.dispatcher = desk.a_dispatcher(Reach(desk.contacts))
    desk.let_pass(MINUTE)
    assert [who for _, who in heard(desk)] == [HEAD]


def test_an_alert_that_says_it_was_raised_hours_from_now_climbs_in_its_time(desk: Desk) -> None:
    """The clock of Temporal is ahead."""
    desk.post.fault = dead(BOSS, LOCAL)
    ahead = an_alert(desk.case(), "k").model_copy(update={"raised_at": desk.now + timedelta(hours=5)})
    desk.channel.send(ahead)
    desk.let_pass(6 * MINUTE, STEP)
    assert [who for _, who in heard(desk)] == [HEAD]


# -- Many --------------------------------------------------------------------------------------------


def test_a_storm_that_climbs_stays_a_digest(desk: Desk) -> None:
    """Nobody of the levels above gets them one by one, nor is anybody beyond him told."""
    cases = [desk.case() for _ in range(24)]
    desk.post.fault = dead(BOSS, LOCAL)
    for number in range(240):
        desk.breach(cases[number % 24], f"k{number}")
    desk.let_pass(20 * MINUTE, MINUTE)
    got = desk.post.to(HEAD)
    assert {message.kind for message in got} == {AlertKind.SLA_BREACH}
    assert len(got) <= 4
    assert sum(int(message.subject.split()[0]) for message in got) == 240
    told = sum((desk.states(case) for case in cases), Counter[DeliveryState]())
    assert told == {DeliveryState.IN_DIGEST: 240, DeliveryState.PENDING: 3 * 240}
    assert {who for _, who in heard(desk)} == {HEAD}


def test_what_a_storm_puts_off_for_its_digest_does_not_climb(desk: Desk) -> None:
    """The person is there, and hears of it with the digest, ten minutes after the last one."""
    for number in range(12):
        desk.breach(desk.case(), f"k{number}")
    desk.let_pass(MINUTE, STEP)
    desk.breach(desk.case(), "late")
    desk.let_pass(20 * MINUTE, STEP)
    assert {who for _, who in heard(desk)} == {BOSS, LOCAL}


@pytest.mark.parametrize(("track", "minutes"), [(Track.EMERGENCY, 4), (Track.MEDICAL, 9)])
def test_a_storm_holds_back_what_nobody_has_heard_no_longer_than_a_dead_address(
    desk: Desk, track: Track, minutes: int
) -> None:
    """The next digest comes after five minutes where an emergency waits for it, otherwise after ten."""
    for number in range(12):
        desk.breach(desk.case(), f"k{number}")
    desk.let_pass(MINUTE, STEP)
    late, raised = desk.case(track), desk.now
    desk.breach(late, "late")
    desk.let_pass(20 * MINUTE, STEP)
    told = min(at for at, _, message in desk.post.arrived if late.case_number in message.body)
    assert timedelta(0) <= told - raised - minutes * MINUTE <= STEP


def test_the_alerts_of_one_case_are_no_storm(desk: Desk) -> None:
    """Each level that climbs tells the same of it; another case is told at once, by itself."""
    case = desk.case()
    for level in range(1, 13):
        desk.breach(case, f"k{level}", level=1)
    desk.let_pass(MINUTE, STEP)
    other = desk.breach(desk.case(), "other")
    desk.let_pass(MINUTE, STEP)
    assert not [message for message in desk.post.to(BOSS) if message.key.endswith(":digest")]
    assert other.key in {message.alert.key for message in desk.post.to(BOSS)}


def test_what_was_put_off_is_not_said_to_be_heard(desk: Desk) -> None:
    """`doctor` counts it for as long as nobody has heard of it."""
    desk.breach(desk.case())
    waiting = desk.outbox.lease(desk.now, desk.now + MINUTE)
    desk.outbox.postpone([one.id for one in waiting], desk.now + 30 * MINUTE)
    desk.let(11 * MINUTE)
    assert desk.silence() == Silence(1, MORNING)


def test_those_who_take_long_to_fail_hold_back_nobody(desk: Desk) -> None:
    """Half a minute each, more than a round has, and new alerts all the time: others are told meanwhile."""
    slow = {BOSS, LOCAL, "tangsel-loket-1", "tangsel-siksng-1"}
    desk.post.fault = dead(*slow)
    desk.post.takes = lambda recipient: timedelta(seconds=30 if recipient in slow else 0)
    for _ in range(40):
        desk.breach(desk.case())
        desk.let_pass(STEP, STEP)
    assert heard(desk)[0][0] <= 7 * MINUTE
    assert sum(desk.post.tries[who] for who in slow) <= 2 * 8


def test_those_who_answer_come_before_those_who_did_not(desk: Desk) -> None:
    """A round is over after two who take half a minute each; in the next one the third comes first."""
    slow = {LOCAL, HEAD}
    desk.post.fault = dead(*slow)
    desk.post.takes = lambda recipient: timedelta(seconds=31 if recipient in slow else 0)
    desk.channel.send(an_alert(desk.case(), "k").model_copy(update={"levels": (1, 2)}))
    desk.let_pass(2 * MINUTE, STEP)
    assert heard(desk) == [(timedelta(seconds=2 * 31) + STEP, BOSS)]


def test_a_message_that_cannot_be_composed_holds_back_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our code in one kind; its alert counts as tried in vain."""
    of_city(desk)
    texts = desk.shelf.alert_texts()
    broken = {kind: text for kind, text in texts.message.items() if kind is not AlertKind.NO_WORKER}
    monkeypatch.setattr(
        desk.shelf, "alert_texts", lambda: texts.model_copy(update={"message": broken}), raising=False
    )
    desk.breach(desk.case())
    desk.let_pass(MINUTE)
    assert {who for _, who in heard(desk)} == {BOSS, LOCAL}
    desk.let_pass(30 * MINUTE, MINUTE)
    assert desk.silence() == Silence(1, MORNING)


def test_states_of_alerts_are_left_as_they_are(desk: Desk) -> None:
    """Climbing opens and closes nothing."""
    desk.post.fault = dead(BOSS, LOCAL)
    desk.breach(desk.case())
    desk.let_pass(20 * MINUTE, STEP)
    assert [entry.state for entry in desk.book.entries()] == [AlertState.OPEN]


def test_an_alert_that_is_kept_late_does_not_wait_once_more(desk: Desk) -> None:
    """The ledger was away for an hour: what happened then climbs as soon as it was tried."""
    case = desk.case()
    raised: datetime = desk.now
    desk.now += timedelta(hours=1)
    desk.post.fault = dead(BOSS, LOCAL)
    desk.channel.send(an_alert(case, "k").model_copy(update={"raised_at": raised}))
    desk.let_pass(MINUTE)
    assert [who for _, who in heard(desk)] == [HEAD]

"""The dispatcher with a clock that the test moves: outages, storms, repeats, refusals. On a real outbox."""

import asyncio
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.policy_folder import PolicyFolder
from models.case import CaseHealth, SlaState, Step
from models.errors import Refused, Unavailable
from models.messages import Alert, AlertKind
from models.outbox import WEBHOOK, Addressed, AlertState, DeliveryState, Reach
from runtime.dispatcher import RETRY_AT_MOST, dispatch_for_ever, retry_wait
from runtime.supervisor import keep_alive
from tests.ledger.builders import MORNING, a_closing, a_state, a_telling, an_alert, an_event
from tests.unit.alert_desk import BOSS, CHIEF, HEAD, LOCAL, ROOT, TICK, Desk

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give the office."""
    made = Desk(tmp_path)
    yield made
    made.engine.dispose()


def test_everybody_of_the_role_hears_it_once(desk: Desk) -> None:
    """In Indonesian, with case, step, area, lateness and what to type; raising it again tells nobody."""
    case = desk.case()
    desk.now += timedelta(minutes=70)
    desk.breach(case)
    desk.breach(case)
    desk.let_pass(timedelta(minutes=1))
    assert sorted(who for _, who, _ in desk.post.arrived) == [LOCAL, BOSS]
    [message] = desk.post.to(BOSS)
    assert message.subject == f"{case.case_number} LEWAT BATAS WAKTU, terlambat 70 menit"
    for words in ("Pamulang", "Aktivasi BPJS", "2 Mar 2026 08.00 WIB", f"alerts ack {case.case_number}"):
        assert words in message.body


def test_a_receiver_down_for_two_hours_gets_it_once_afterwards(desk: Desk) -> None:
    """The pauses between attempts grow to a quarter of an hour, and nothing is sent twice."""
    case = desk.case()
    desk.post.fault = lambda recipient: Unavailable("apprise", "no address answers")
    desk.breach(case)
    desk.let_pass(timedelta(hours=2), timedelta(seconds=15))
    assert desk.post.arrived == []
    assert {10 <= desk.post.tries[who] <= 16 for who in (BOSS, LOCAL)} == {True}
    trouble = {entry.trouble for entry in desk.book.deliveries(case.case_number)}
    assert trouble == {"no address answers"}
    desk.post.fault = lambda recipient: None
    desk.let_pass(RETRY_AT_MOST + TICK)
    assert [len(desk.post.to(who)) for who in (BOSS, LOCAL)] == [1, 1]
    assert max(Counter(who for _, who, _ in desk.post.arrived).values()) == 1


@pytest.mark.parametrize(
    ("asked", "waits"), [(timedelta(minutes=4), timedelta(minutes=4)), (timedelta(days=9), RETRY_AT_MOST)]
)
def test_a_receiver_that_asks_for_time_gets_it_within_our_bound(
    desk: Desk, asked: timedelta, waits: timedelta
) -> None:
    """What it asked for counts where it is longer than our own pause."""
    desk.post.fault = lambda recipient: Unavailable("webhook", "out of order", ask_again_in=asked)
    desk.breach(desk.case())
    desk.dispatcher.round()
    desk.let_pass(waits - TICK)
    assert {desk.post.tries[who] for who in (BOSS, LOCAL)} == {1}
    desk.let_pass(2 * TICK)
    assert {desk.post.tries[who] for who in (BOSS, LOCAL)} == {2}


def test_one_receiver_that_is_down_does_not_hold_back_another(desk: Desk) -> None:
    """And is asked once in a round, however much waits for it."""
    for number in range(5):
        desk.breach(desk.case(), f"k{number}")
    desk.post.fault = lambda recipient: Unavailable("apprise", "x") if recipient == BOSS else None
    desk.dispatcher.round()
    assert len(desk.post.to(LOCAL)) == 5
    assert desk.post.tries == {LOCAL: 5, BOSS: 1}


def test_a_fault_of_a_library_is_tried_again_and_holds_nobody_back(desk: Desk) -> None:
    """Whatever it raises."""
    case = desk.case()
    desk.breach(case)
    desk.post.fault = lambda recipient: ZeroDivisionError() if recipient == BOSS else None
    desk.dispatcher.round()
    assert len(desk.post.to(LOCAL)) == 1
    [entry] = [one for one in desk.book.deliveries(case.case_number) if one.recipient == BOSS]
    assert (entry.state, entry.trouble) == (DeliveryState.PENDING, "sender failed")


def test_an_unacknowledged_alert_is_repeated_less_and_less_often(desk: Desk) -> None:
    """After half an hour, one, two, four, four; the subject counts them and says how late it is by then."""
    case = desk.case()
    desk.breach(case)
    desk.let_pass(timedelta(hours=12), timedelta(minutes=5))
    at = [when - MORNING for when, who, _ in desk.post.arrived if who == BOSS]
    assert at == [timedelta(minutes=minutes) for minutes in (0, 30, 90, 210, 450, 690)]
    second = desk.post.to(BOSS)[1]
    assert second.subject == f"Pengingat 1: {case.case_number} LEWAT BATAS WAKTU, terlambat 30 menit"


@pytest.mark.parametrize("how", ["acknowledged", "closed"])
def test_nobody_is_reminded_of_what_is_settled(desk: Desk, how: str) -> None:
    """Acknowledged by somebody, or the case is over; the planned repeats are gone."""
    case = desk.case()
    desk.breach(case)
    desk.let_pass(timedelta(minutes=1))
    if how == "acknowledged":
        assert len(desk.book.acknowledge(case.case_number, None, BOSS, desk.now)) == 1
    else:
        desk.ledger.record(a_closing(case))
    desk.let_pass(timedelta(days=1), timedelta(minutes=5))
    assert len(desk.post.to(BOSS)) == 1
    assert desk.states(case) == {DeliveryState.SENT: 2}
    assert [entry.state.value for entry in desk.book.entries()] == [how]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (AlertKind.SLA_BREACH, {"sla_state": SlaState.AT_RISK}),
        (AlertKind.SLA_BREACH, {"sla_state": SlaState.PAUSED}),
        (AlertKind.SLA_WARNING, {"sla_state": SlaState.BREACHED}),
        (AlertKind.STEP_OVERDUE, {"step": Step.KEMENSOS_VERIFICATION}),
        (AlertKind.CASE_STUCK, {"health": CaseHealth.OK}),
    ],
)
def test_nobody_is_reminded_of_what_is_not_so_any_more(
    desk: Desk, kind: AlertKind, fields: dict[str, object]
) -> None:
    """The case got more time, became late, left the step, goes on: each as its own record tells it."""
    case = desk.case()
    so = {"sla_state": SlaState.BREACHED, "health": CaseHealth.STUCK, "step": Step.BPJS_RECONNECT}
    if kind is AlertKind.SLA_WARNING:
        so["sla_state"] = SlaState.AT_RISK
    desk.ledger.record(a_telling(a_state(case, 2).model_copy(update=so), an_event(2)))
    desk.channel.send(an_alert(case, "k").model_copy(update={"kind": kind}))
    desk.let_pass(40 * MINUTE, MINUTE)
    who = desk.book.deliveries_of("k")[0].recipient
    assert len(desk.post.to(who)) == 2, "told, and reminded once"
    desk.ledger.record(a_telling(a_state(case, 3).model_copy(update=so | fields), an_event(3)))
    desk.let_pass(timedelta(days=1), timedelta(minutes=5))
    assert len(desk.post.to(who)) == 2
    if kind is AlertKind.CASE_STUCK:  # told once a step: whoever is asked for again must hear of it
        desk.ledger.record(a_telling(a_state(case, 4).model_copy(update=so), an_event(4)))
        desk.let_pass(timedelta(hours=5), timedelta(minutes=5))
        assert len(desk.post.to(who)) > 2


def test_a_reminder_tells_of_the_present_due_time(desk: Desk) -> None:
    """Still late after it got ten minutes more: by ten minutes less."""
    case = desk.case()
    desk.breach(case)
    state = a_state(case, 2).model_copy(
        update={"sla_state": SlaState.BREACHED, "due_at": MORNING + 10 * MINUTE}
    )
    desk.ledger.record(a_telling(state, an_event(2)))
    desk.let_pass(40 * MINUTE, MINUTE)
    assert desk.post.to(BOSS)[1].subject.endswith("LEWAT BATAS WAKTU, terlambat 20 menit")


def test_a_first_message_that_comes_late_says_of_when_it_is(desk: Desk) -> None:
    """What it tells may be otherwise by then."""
    desk.breach(desk.case())
    desk.let(3 * 60 * MINUTE)
    desk.let_pass(MINUTE)
    assert desk.post.to(BOSS)[0].subject.startswith("Terlambat dikirim, keadaan 2 Mar 2026 08.00 WIB: ")


def test_a_breach_is_told_although_the_case_ended_first(desk: Desk) -> None:
    """Once: what was late must not go unheard because the receiver was away."""
    case = desk.case()
    desk.post.fault = lambda recipient: Unavailable("apprise", "x")
    desk.breach(case)
    desk.let_pass(timedelta(minutes=10))
    desk.ledger.record(a_closing(case))
    desk.breach(case, "later")
    desk.post.fault = lambda recipient: None
    desk.let_pass(timedelta(days=1), timedelta(minutes=5))
    assert len(desk.post.to(BOSS)) == 2
    assert {entry.state for entry in desk.book.entries()} == {AlertState.CLOSED}


def test_five_hundred_breaches_in_a_minute_become_digests(desk: Desk) -> None:
    """No more than ten messages and then a digest in ten minutes; every alert is told to everybody."""
    cases = [desk.case() for _ in range(25)]
    for number in range(500):
        desk.breach(cases[number % 25], f"k{number}")
        if number % 42 == 41:
            desk.dispatcher.round()
            desk.now += TICK
    desk.let_pass(timedelta(minutes=25))
    got = desk.post.to(BOSS)
    digests = [message for message in got if message.key.endswith(":digest")]
    assert len(got) <= 4
    counted = sum(int(message.subject.split()[0]) for message in digests)
    assert counted + len(got) - len(digests) == 500
    told = sum((desk.states(case) for case in cases), Counter[DeliveryState]())
    assert told[DeliveryState.IN_DIGEST] + told[DeliveryState.SENT] == 2 * 500


def test_daily_digests_are_never_rolled_into_one(desk: Desk) -> None:
    """Whoever serves twelve cities gets twelve, with their words; none is repeated."""
    for number in range(12):
        news = Alert(
            key=f"digest:{number}",
            city="3674",
            kind=AlertKind.DAILY_DIGEST,
            raised_at=desk.now,
            words=f"angka {number}",
        )
        desk.outbox.put([Addressed(news, (BOSS,))])
    desk.let_pass(timedelta(hours=9), step=timedelta(minutes=10))
    assert sorted(re.findall(r"angka \d+", "".join(one.body for one in desk.post.to(BOSS)))) == sorted(
        f"angka {number}" for number in range(12)
    )


def test_a_digest_names_twenty_cases_and_counts_the_rest(desk: Desk) -> None:
    """Case numbers only."""
    for _ in range(25):
        desk.breach(desk.case())
    desk.dispatcher.round()
    [digest] = desk.post.to(BOSS)
    assert digest.subject == "25 peringatan: Lewat batas waktu"
    assert len(re.findall(r"PBI-3674-2026-\d{6}", digest.body)) == 20
    assert "dan 5 kasus lain" in digest.body


def test_a_digest_that_cannot_be_sent_is_tried_again_and_takes_in_what_came(desk: Desk) -> None:
    """Nothing is lost with it."""
    for _ in range(12):
        desk.breach(desk.case())
    desk.post.fault = lambda recipient: Unavailable("apprise", "x")
    desk.dispatcher.round()
    desk.now += retry_wait(0)
    desk.breach(desk.case())
    desk.post.fault = lambda recipient: None
    desk.dispatcher.round()
    assert desk.post.to(BOSS)[0].subject == "13 peringatan: Lewat batas waktu"


def test_a_few_alerts_come_one_by_one_again_after_a_storm(desk: Desk) -> None:
    """Ten minutes later."""
    for _ in range(12):
        desk.breach(desk.case())
    desk.let_pass(timedelta(minutes=11))
    case = desk.case()
    desk.breach(case)
    desk.dispatcher.round()
    assert desk.post.to(BOSS)[-1].subject.startswith(case.case_number)


def test_who_can_never_be_reached_is_told_of_to_the_fallback_once(desk: Desk) -> None:
    """A level that refuses; the fallback learns whom it did not reach, the next level hears what it was."""
    case = desk.case()
    desk.post.fault = lambda recipient: Refused("apprise", "x") if recipient == HEAD else None
    desk.breach(case, level=2)
    desk.let_pass(timedelta(minutes=1))
    [message] = desk.post.to(BOSS)
    assert message.kind is AlertKind.UNDELIVERABLE
    assert message.subject == f"{case.case_number}: peringatan tidak sampai ke {HEAD}"
    assert [message.kind for message in desk.post.to(CHIEF)] == [AlertKind.SLA_BREACH]
    assert desk.states(case) == {DeliveryState.GAVE_UP: 1, DeliveryState.SENT: 2, DeliveryState.PENDING: 2}


def test_what_was_addressed_to_somebody_who_left_climbs(desk: Desk, tmp_path: Path) -> None:
    """His contact may still answer: what arrives there is heard by nobody of the office."""
    case = desk.case()
    desk.breach(case, level=2)
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    people = policies / "people.toml"
    people.write_text(people.read_text().replace(f'"{HEAD}"', '"tangsel-kepala-baru"'))
    desk.shelf = PolicyFolder(policies)
    desk.dispatcher = desk.a_dispatcher(Reach(desk.contacts))
    desk.let_pass(timedelta(minutes=1))
    assert desk.post.to(HEAD) == []
    assert [message.kind for message in desk.post.to(CHIEF)] == [AlertKind.SLA_BREACH]
    assert DeliveryState.GAVE_UP in desk.states(case)


def test_nothing_is_recursive_when_everybody_refuses(desk: Desk) -> None:
    """One notice, of the person for whom the alert was; each is told each of both once."""
    case = desk.case()
    desk.post.fault = lambda recipient: Refused("apprise", "x")
    desk.breach(case, level=2)
    desk.let_pass(timedelta(minutes=5))
    assert sorted(entry.alert.kind for entry in desk.book.entries()) == [
        AlertKind.UNDELIVERABLE,
        AlertKind.SLA_BREACH,
    ]
    assert set(Counter(entry.recipient for entry in desk.book.deliveries(case.case_number)).values()) == {2}


def test_another_system_gets_every_alert_once(desk: Desk) -> None:
    """No digests and no repeats for machines."""
    for _ in range(30):
        case = desk.case()
        desk.with_webhook.send(an_alert(case, f"{case.case_number}:k"))
    desk.let_pass(timedelta(hours=2), timedelta(minutes=5))
    assert len(desk.post.to(WEBHOOK)) == len({message.key for message in desk.post.to(WEBHOOK)}) == 30


def test_a_worker_that_died_with_messages_in_hand_loses_none(desk: Desk) -> None:
    """Another one has them when the lease is over."""
    desk.breach(desk.case())
    assert len(desk.outbox.lease(desk.now, desk.now + timedelta(minutes=2))) == 2
    desk.let_pass(timedelta(minutes=2))
    assert desk.post.arrived == []
    desk.let_pass(TICK)
    assert len(desk.post.arrived) == 2


async def test_a_round_that_fails_is_no_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database away is met by the loop, a fault of our code by the supervisor, which begins anew."""
    faults = iter([Unavailable("ledger", "x"), RuntimeError("broken"), RuntimeError("again")])
    rounds, enough = 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail_first() -> int:
        nonlocal rounds
        rounds += 1
        if (fault := next(faults, None)) is not None:
            raise fault
        loop.call_soon_threadsafe(enough.set)
        return 0

    monkeypatch.setattr(desk.dispatcher, "round", fail_first)
    at_once = timedelta(0)
    work = keep_alive("dispatcher", lambda: dispatch_for_ever(desk.dispatcher, at_once), at_once)
    task = asyncio.create_task(work)
    await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rounds >= 4

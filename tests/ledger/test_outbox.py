"""The outbox on both databases: once per key, one worker per message, repeats, acknowledging, closing."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from gateways.ports.alerts import AlertBook, Outbox
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Track
from models.errors import NotFound
from models.messages import Alert, AlertKind
from models.outbox import (
    WEBHOOK,
    Addressed,
    AlertState,
    Climb,
    Delivery,
    DeliveryState,
    Sent,
    Silence,
    Told,
    Way,
)
from tests.ledger.builders import MORNING, a_closing, a_new_case, an_alert, at_once

MINUTE = timedelta(minutes=1)
LATER = MORNING + 30 * MINUTE


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case."""
    return registry.register(a_new_case()).case


def put(outbox: SqlOutbox, alert: Alert, *recipients: str) -> list[Delivery]:
    """Keep an alert and take its messages."""
    outbox.put([Addressed(alert, recipients)])
    return outbox.lease(MORNING, MORNING + MINUTE)


def sent(outbox: SqlOutbox, deliveries: list[Delivery], at: datetime = MORNING) -> None:
    """Note that messages arrived, to be repeated half an hour later."""
    outbox.sent([Sent(one.id, at + 30 * MINUTE) for one in deliveries], at)


def test_adapters_satisfy_their_ports(outbox: SqlOutbox, alert_book: SqlAlertBook) -> None:
    """The type checker reads this line."""
    adapters: tuple[Outbox, AlertBook] = (outbox, alert_book)
    assert len(adapters) == 2


def test_an_alert_and_its_messages_are_kept_once_per_key(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Also when an activity that is tried again reads other people than before."""
    outbox.put([Addressed(an_alert(case), ("rina", "budi"))])
    outbox.put([Addressed(an_alert(case), ("rina", "tono"))])
    entries = alert_book.deliveries(case.case_number)
    assert [(entry.recipient, entry.number, entry.state) for entry in entries] == [
        ("rina", 0, DeliveryState.PENDING),
        ("budi", 0, DeliveryState.PENDING),
    ]


def test_ten_workers_that_raise_it_at_once_tell_everybody_once(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """One of them is told that it was news."""
    told = [Addressed(an_alert(case), ("rina", "budi"))]
    assert sum(len(new) for new in at_once([lambda: outbox.put(told)] * 10)) == 1
    assert len(alert_book.deliveries(case.case_number)) == 2


def test_all_or_nothing(outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef) -> None:
    """An alert beside one of an unknown case is not kept either."""
    stranger = an_alert(case, "k2").model_copy(update={"case_number": "PBI-3674-2026-999999"})
    with pytest.raises(NotFound):
        outbox.put([Addressed(an_alert(case), ("rina",)), Addressed(stranger, ("rina",))])
    assert alert_book.entries() == []


def test_workers_that_lease_at_once_never_share_a_message(outbox: SqlOutbox, case: CaseRef) -> None:
    """Each message is in one hand, and none is left."""
    outbox.put([Addressed(an_alert(case, f"k{number}"), ("rina", "budi")) for number in range(20)])
    leased = at_once([lambda: outbox.lease(MORNING, MORNING + MINUTE, limit=10)] * 8)
    ids = [delivery.id for hand in leased for delivery in hand]
    assert len(ids) == len(set(ids))
    rest = outbox.lease(MORNING, MORNING + MINUTE)
    assert len({*ids, *(delivery.id for delivery in rest)}) == 40


def test_a_leased_message_is_what_was_put(outbox: SqlOutbox, case: CaseRef) -> None:
    """Alert, recipient, number; its key is the same for each attempt and differs for each message."""
    alert = an_alert(case).model_copy(update={"levels": (1, 2)})
    [first, second] = put(outbox, alert, "rina", "budi")
    assert (first.alert, first.recipient, first.number, first.attempts) == (alert, "rina", 0, 0)
    assert first.key != second.key


def test_a_message_in_hand_is_free_again_when_its_lease_ends(outbox: SqlOutbox, case: CaseRef) -> None:
    """Not before."""
    [mine] = put(outbox, an_alert(case), "rina")
    assert outbox.lease(MORNING + MINUTE / 2, LATER) == []
    assert outbox.lease(MORNING + MINUTE, LATER) == [mine]


def test_a_clock_that_was_hours_ahead_keeps_no_message_back(engine: Engine, case: CaseRef) -> None:
    """Neither one that was kept meanwhile, nor one that a killed worker had taken."""
    was_ahead = SqlOutbox(engine, lambda: MORNING + 300 * MINUTE)
    [taken] = put(was_ahead, an_alert(case), "rina")
    assert was_ahead.lease(MORNING + 300 * MINUTE, MORNING + 302 * MINUTE) == [taken]

    assert SqlOutbox(engine, lambda: MORNING).lease(MORNING + MINUTE, MORNING + 3 * MINUTE) == [taken]


def test_a_clock_that_is_a_little_ahead_takes_no_message_away(outbox: SqlOutbox, case: CaseRef) -> None:
    """Two machines are never quite at the same time."""
    put(outbox, an_alert(case), "rina")
    outbox.lease(MORNING + MINUTE, MORNING + 3 * MINUTE)

    assert outbox.lease(MORNING, MORNING + 2 * MINUTE) == []


def test_a_postponed_message_comes_back_at_its_time(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """An attempt in vain is counted, with what was wrong; a mere delay is not."""
    [mine] = put(outbox, an_alert(case), "rina")
    outbox.postpone([mine.id], MORNING + MINUTE)
    assert outbox.lease(MORNING, LATER) == []
    assert outbox.lease(MORNING + MINUTE, LATER) == [mine]
    outbox.postpone([mine.id], MORNING + 2 * MINUTE, "no address answers")
    [again] = outbox.lease(MORNING + 2 * MINUTE, LATER)
    assert again.attempts == 1
    assert alert_book.deliveries(case.case_number)[0].trouble == "no address answers"


def test_what_was_never_tried_comes_before_what_was_tried_in_vain(outbox: SqlOutbox, case: CaseRef) -> None:
    """However much lies there for addresses that are dead."""
    outbox.put([Addressed(an_alert(case, f"k{number}"), ("rina",)) for number in range(4)])
    in_vain(outbox, outbox.lease(MORNING, MORNING + MINUTE, limit=3))
    outbox.put([Addressed(an_alert(case, "new"), ("budi",))])
    due = outbox.lease(LATER, LATER + MINUTE, limit=3)
    assert sorted(one.alert.key for one in due) == ["k0", "k3", "new"]


def test_what_was_sent_is_repeated_until_it_is_acknowledged(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """The repeat is a message of its own; after the acknowledgement it is gone."""
    sent(outbox, put(outbox, an_alert(case), "rina"))
    assert outbox.lease(LATER - MINUTE, LATER) == []
    [repeat] = outbox.lease(LATER, LATER + MINUTE)
    assert repeat.number == 1
    sent(outbox, [repeat], LATER)
    assert [alert.key for alert in alert_book.acknowledge(case.case_number, None, "rina", LATER)] == ["k1"]
    assert outbox.lease(LATER + 60 * MINUTE, LATER + 61 * MINUTE) == []
    assert [entry.number for entry in alert_book.deliveries(case.case_number)] == [0, 1]


def test_a_message_that_arrives_after_the_acknowledgement_plans_no_repeat(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """It was under way then."""
    mine = put(outbox, an_alert(case), "rina")
    alert_book.acknowledge(case.case_number, None, "rina", MORNING)
    sent(outbox, mine)
    assert outbox.lease(LATER, LATER + MINUTE) == []


def test_workers_that_note_a_message_twice_plan_one_repeat(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """A lease that ran out while it was being sent."""
    mine = put(outbox, an_alert(case), "rina")
    at_once([lambda: sent(outbox, mine)] * 5)
    assert [entry.number for entry in alert_book.deliveries(case.case_number)] == [0, 1]


def test_one_alert_can_be_acknowledged_alone(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Again is no news; an unknown key and an unknown case are named."""
    put(outbox, an_alert(case, "k1"), "rina")
    put(outbox, an_alert(case, "k2"), "rina")
    assert len(alert_book.acknowledge(case.case_number, "k2", "budi", LATER)) == 1
    assert alert_book.acknowledge(case.case_number, "k2", "tono", LATER) == []
    [entry] = alert_book.entries(state=AlertState.ACKNOWLEDGED)
    assert (entry.alert.key, entry.acknowledged_by, entry.acknowledged_at) == ("k2", "budi", LATER)
    for number, key in ((case.case_number, "k9"), ("PBI-3674-2026-999999", None)):
        with pytest.raises(NotFound):
            alert_book.acknowledge(number, key, "budi", LATER)


def test_of_many_who_acknowledge_at_once_one_does(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """The others are told that nothing was open."""
    put(outbox, an_alert(case), "rina")
    calls = [lambda: alert_book.acknowledge(case.case_number, None, "rina", LATER)] * 5
    assert sorted(len(taken) for taken in at_once(calls)) == [0, 0, 0, 0, 1]


def test_the_end_of_a_case_closes_its_alerts(
    outbox: SqlOutbox, ledger: SqlLedger, registry: SqlRegistry, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Its own only; planned repeats are gone, a first message still goes out."""
    other = registry.register(a_new_case()).case
    sent(outbox, put(outbox, an_alert(case, "k1"), "rina"))
    sent(outbox, put(outbox, an_alert(other, "k3"), "rina"))
    outbox.put([Addressed(an_alert(case, "k2"), ("rina",))])
    ledger.record(a_closing(case))
    states = {entry.alert.key: entry.state for entry in alert_book.entries()}
    assert states == {"k1": AlertState.CLOSED, "k2": AlertState.CLOSED, "k3": AlertState.OPEN}
    due = outbox.lease(LATER, LATER + MINUTE)
    assert {(delivery.alert.key, delivery.number) for delivery in due} == {("k2", 0), ("k3", 1)}


def test_an_alert_that_comes_after_the_end_is_closed_from_the_start(
    outbox: SqlOutbox, ledger: SqlLedger, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Told once, never repeated."""
    ledger.record(a_closing(case))
    sent(outbox, put(outbox, an_alert(case), "rina"))
    assert [entry.state for entry in alert_book.entries()] == [AlertState.CLOSED]
    assert outbox.lease(LATER, LATER + MINUTE) == []


def test_a_message_that_is_given_up_tells_somebody_else_in_the_same_breath(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """And is never sent again."""
    [mine] = put(outbox, an_alert(case), "rina")
    notice = an_alert(case, "k1:lost").model_copy(update={"kind": AlertKind.UNDELIVERABLE})
    for _ in range(2):
        outbox.give_up([mine.id], "address refuses messages", [Addressed(notice, ("budi",))])
    entries = alert_book.deliveries(case.case_number)
    assert [(entry.recipient, entry.state) for entry in entries] == [
        ("rina", DeliveryState.GAVE_UP),
        ("budi", DeliveryState.PENDING),
    ]
    assert entries[0].trouble == "address refuses messages"
    assert [delivery.recipient for delivery in outbox.lease(LATER, LATER + MINUTE)] == ["budi"]


def test_what_somebody_heard_lately_is_counted_by_kind(outbox: SqlOutbox, case: CaseRef) -> None:
    """In messages of their own and in digests; the time of the last digest is known."""
    alerts = [an_alert(case, f"k{number}") for number in range(3)]
    outbox.put([Addressed(alert, ("rina",)) for alert in alerts])
    first, *others = outbox.lease(MORNING, LATER)
    sent(outbox, [first], MORNING)
    outbox.sent([Sent(one.id, None) for one in others], MORNING + MINUTE, in_digest=True)
    before, about = MORNING - MINUTE, frozenset({case.case_number})
    assert outbox.told("rina", AlertKind.SLA_BREACH, before) == Told(about, MORNING + MINUTE)
    assert outbox.told("rina", AlertKind.SLA_BREACH, MORNING) == Told(about, MORNING + MINUTE)
    assert outbox.told("rina", AlertKind.SLA_WARNING, before) == Told(frozenset(), None)
    assert outbox.told("budi", AlertKind.SLA_BREACH, before) == Told(frozenset(), None)
    assert outbox.told("rina", AlertKind.SLA_BREACH, MORNING + MINUTE) == Told(frozenset(), None)


def test_alerts_are_found_by_city_state_and_how_long_nobody_cared(
    outbox: SqlOutbox, registry: SqlRegistry, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """`unacknowledged over 30 minutes` is a query."""
    bekasi = registry.register(a_new_case(city="3275")).case
    put(outbox, an_alert(case, "old", minute=0), "rina")
    put(outbox, an_alert(case, "new", minute=20), "rina")
    put(outbox, an_alert(bekasi, "there", minute=0), "rina")
    alert_book.acknowledge(bekasi.case_number, None, "budi", LATER)
    assert [entry.alert.key for entry in alert_book.entries(city="3674")] == ["new", "old"]
    assert [entry.alert.key for entry in alert_book.entries(open_since=LATER - 30 * MINUTE)] == ["old"]
    acknowledged = alert_book.entries(state=AlertState.ACKNOWLEDGED)
    assert [entry.alert.key for entry in acknowledged] == ["there"]
    assert len(alert_book.entries(limit=1)) == 1


# -- Climbing ----------------------------------------------------------------------------------------


def in_vain(outbox: SqlOutbox, deliveries: list[Delivery]) -> None:
    """Note that messages were tried once."""
    outbox.postpone([one.id for one in deliveries], LATER, "no address answers")


def test_what_was_tried_and_reached_no_person_is_to_be_looked_at(outbox: SqlOutbox, case: CaseRef) -> None:
    """Not before each of its messages was tried, not when one arrived; a webhook is no person."""
    deliveries = put(outbox, an_alert(case), "rina", "budi", WEBHOOK)
    rina, budi, webhook = deliveries
    sent(outbox, [webhook])
    in_vain(outbox, [rina])
    assert outbox.unheard(MORNING) == []
    in_vain(outbox, [budi])
    [found] = outbox.unheard(MORNING)
    assert (found.alert.key, sorted(found.told), found.climbs) == ("k1", ["budi", "rina"], 0)
    assert found.is_urgent
    sent(outbox, outbox.lease(LATER, LATER)[:1], LATER)
    assert outbox.unheard(LATER) == []


def test_an_alert_about_a_city_is_looked_at_too(outbox: SqlOutbox) -> None:
    """It belongs to no case."""
    alert = Alert(key="watch:3674:k", city="3674", kind=AlertKind.NO_WORKER, raised_at=MORNING)
    in_vain(outbox, put(outbox, alert, "rina"))
    [found] = outbox.unheard(MORNING)
    assert (found.alert, found.is_urgent) == (alert, True)


def test_who_is_told_in_place_of_others_gets_a_message_of_his_own(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Once; and the alert is looked at when it was said that it would be."""
    in_vain(outbox, put(outbox, an_alert(case), "rina"))
    assert outbox.climb([Climb("k1", LATER, 1, ("budi", "rina"))], MORNING) == ["k1"]
    assert outbox.unheard(LATER - MINUTE) == []
    [new] = outbox.lease(MORNING, MORNING + MINUTE)
    assert (new.recipient, new.climb, new.number, new.attempts) == ("budi", 1, 0, 0)
    in_vain(outbox, [new])
    [found] = outbox.unheard(LATER)
    assert (sorted(found.told), found.climbs) == (["budi", "rina"], 1)
    assert [entry.climb for entry in alert_book.deliveries(case.case_number)] == [0, 1]


def test_of_many_processes_that_let_it_climb_one_does(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Also when each would tell somebody else."""
    in_vain(outbox, put(outbox, an_alert(case), "rina"))
    names = ["budi", "tono", "wati", "joko"]
    calls = [lambda name=name: outbox.climb([Climb("k1", LATER, 1, (name,))], MORNING) for name in names]
    assert sorted(at_once(calls)) == [[], [], [], ["k1"]]
    assert len(alert_book.deliveries(case.case_number)) == 2


@pytest.mark.parametrize("how", ["heard", "acknowledged", "its cause is gone"])
def test_what_is_settled_does_not_climb(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef, how: str
) -> None:
    """Although a process had begun to let it; and who was to hear in place of others is spared."""
    rina = put(outbox, an_alert(case), "rina")
    in_vain(outbox, rina)
    outbox.climb([Climb("k1", MORNING, 1, ("budi",))], MORNING)
    [budi] = outbox.lease(MORNING, MORNING + MINUTE)
    assert outbox.spare([budi.id]) == set()
    if how == "heard":
        sent(outbox, rina)
    elif how == "acknowledged":
        alert_book.acknowledge(case.case_number, None, "tono", MORNING)
    else:
        outbox.close("k1", MORNING)
    assert outbox.climb([Climb("k1", LATER, 2, ("tono",))], MORNING) == []
    assert outbox.spare([budi.id]) == {budi.id}
    assert {entry.recipient for entry in alert_book.deliveries(case.case_number)} == {"rina"}


def test_who_is_told_together_is_told_although_one_has_heard(outbox: SqlOutbox, case: CaseRef) -> None:
    """In the end everybody who can be reached is, not the first of them alone."""
    in_vain(outbox, put(outbox, an_alert(case), "rina"))
    outbox.climb([Climb("k1", LATER, 1, ("budi", "tono"))], MORNING)
    [budi, tono] = outbox.lease(MORNING, MORNING + MINUTE)
    sent(outbox, [budi])
    assert outbox.spare([tono.id]) == set()


def test_where_everybody_refuses_nothing_is_waited_for(outbox: SqlOutbox, case: CaseRef) -> None:
    """The newest who were told; others before them had their time. Later they are tried once more."""
    [rina] = put(outbox, an_alert(case), "rina")
    in_vain(outbox, [rina])
    outbox.climb([Climb("k1", LATER, 1, ("budi", "tono"))], MORNING)
    [budi, tono] = outbox.lease(MORNING, MORNING + MINUTE)
    outbox.give_up([budi.id], "refused", [])
    in_vain(outbox, [tono])
    assert outbox.unheard(MORNING + MINUTE) == []
    outbox.give_up([tono.id], "refused", [])
    assert len(outbox.unheard(MORNING + MINUTE)) == 1
    outbox.climb([Climb("k1", LATER, is_retried=True)], MORNING + MINUTE)
    assert outbox.lease(LATER - MINUTE, LATER) == []
    again = outbox.lease(LATER, LATER + MINUTE)
    assert {one.recipient for one in again} == {"rina", "budi", "tono"}


@pytest.mark.parametrize(("track", "minutes"), [(Track.EMERGENCY, 2), (Track.NEWBORN, 9)])
def test_an_alert_has_its_time_before_it_is_looked_at(
    outbox: SqlOutbox, registry: SqlRegistry, track: Track, minutes: int
) -> None:
    """From when it was raised, be it kept by a clock that is slow; an emergency has less."""
    case = registry.register(replace(a_new_case(), track=track)).case
    outbox.put([Addressed(an_alert(case, minute=60), ("rina",), 9 * MINUTE, 2 * MINUTE)])
    in_vain(outbox, outbox.lease(MORNING, MORNING + MINUTE))
    assert outbox.unheard(MORNING + (minutes - 1) * MINUTE) == []
    assert len(outbox.unheard(MORNING + minutes * MINUTE)) == 1


def test_a_message_is_taken_by_who_has_the_way(outbox: SqlOutbox, case: CaseRef) -> None:
    """What others can bring is left to them."""
    outbox.put([Addressed(an_alert(case), ("rina", WEBHOOK))])
    by_way = [outbox.lease(MORNING, MORNING + MINUTE, way=way) for way in (Way.WEBHOOK, Way.PEOPLE)]
    assert [[one.recipient for one in taken] for taken in by_way] == [[WEBHOOK], ["rina"]]


def test_a_silence_counts_what_no_person_heard_and_says_since_when(
    outbox: SqlOutbox, alert_book: SqlAlertBook, case: CaseRef
) -> None:
    """Also what nobody took out of the outbox, and what waits for a digest."""
    assert alert_book.silence(LATER) is None
    outbox.put(
        [Addressed(an_alert(case, f"k{at}", minute=at), ("rina",)) for at in range(3)],
    )
    assert alert_book.silence(MORNING - MINUTE) is None
    assert alert_book.silence(MORNING + MINUTE) == Silence(2, MORNING)
    first, second, third = outbox.lease(LATER, LATER + MINUTE)
    sent(outbox, [first], LATER)
    assert alert_book.silence(LATER) == Silence(2, MORNING + MINUTE)
    outbox.postpone([second.id], LATER + MINUTE)
    in_vain(outbox, [third])
    assert alert_book.silence(LATER) == Silence(2, MORNING + MINUTE)
    sent(outbox, [second], LATER)
    assert alert_book.silence(LATER) == Silence(1, MORNING + 2 * MINUTE)
    alert_book.acknowledge(case.case_number, "k2", "budi", LATER)
    assert alert_book.silence(LATER) is None

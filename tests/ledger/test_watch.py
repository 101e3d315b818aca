"""What the watchdog asks of the ledger, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from gateways.ports.watch import Heartbeat, Kept, Watch
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_watch import SqlWatch
from models.case import CaseRef, SlaState
from models.desk import Command, CommandResult, Completion
from models.messages import Alert, AlertKind, EventKind, Withdraw
from models.outbox import WEBHOOK, Addressed, Delivery, Sent
from models.roles import Role
from models.routing import about
from tests.ledger.builders import (
    MORNING,
    a_closing,
    a_new_case,
    a_record,
    a_state,
    a_telling,
    an_alert,
    an_event,
)
from tests.vaults import a_vault

MINUTE = timedelta(minutes=1)
NEVER = datetime.min.replace(tzinfo=UTC)
DUE = MORNING + 2 * MINUTE + timedelta(hours=24)
"""When a case is due that has told its second event."""


@pytest.fixture
def watch(engine: Engine) -> SqlWatch:
    """Give the ledger as it is watched."""
    return SqlWatch(engine)


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case that was started."""
    case = registry.register(a_new_case()).case
    registry.mark_started(case.case_number)
    return case


def test_the_adapter_satisfies_its_port(watch: SqlWatch) -> None:
    """The type checker reads this line."""
    port: Watch = watch
    assert port.heartbeat("watchdog") is None


def test_an_open_case_counts_from_its_start_or_its_registration(
    watch: SqlWatch, registry: SqlRegistry, ledger: SqlLedger, case: CaseRef
) -> None:
    """Each after a time of its own; a closed one never."""
    waiting = registry.register(a_new_case()).case
    over = registry.register(a_new_case()).case
    registry.mark_started(over.case_number)
    ledger.record(a_closing(over))
    later = MORNING + MINUTE
    assert watch.open_cases(MORNING, MORNING - MINUTE) == {}
    assert watch.open_cases(later, NEVER) == {case.case_number: case.birth}
    assert watch.open_cases(NEVER, later) == {waiting.case_number: waiting.birth}


def test_a_breach_counts_as_told_by_an_alert_of_this_due_time_only(
    watch: SqlWatch, ledger: SqlLedger, outbox: SqlOutbox, case: CaseRef
) -> None:
    """Neither a warning, nor the breach of a due time that was moved since, tells of it."""
    ledger.record(a_record(case, an_event(2)))
    assert watch.untold(DUE - MINUTE) == set()
    before = an_alert(case, "earlier").model_copy(update={"raised_at": DUE - MINUTE})
    warning = an_alert(case, "w").model_copy(
        update={"kind": AlertKind.SLA_WARNING, "raised_at": DUE + MINUTE}
    )
    outbox.put([Addressed(before, ("rina",)), Addressed(warning, ("rina",))])
    assert watch.untold(DUE) == {case.case_number}
    outbox.put([Addressed(an_alert(case, "k").model_copy(update={"raised_at": DUE}), ("rina",))])
    assert watch.untold(DUE) == set()


def test_a_breach_that_was_told_stays_told_when_too_little_time_was_given(
    watch: SqlWatch, ledger: SqlLedger, outbox: SqlOutbox, case: CaseRef
) -> None:
    """Told at ten, at five past ten given three minutes: due at three past, and told all the same."""
    told_at = DUE + MINUTE
    late = {"sla_state": SlaState.BREACHED, "detected_at": told_at, "due_at": DUE + 3 * MINUTE}
    state = a_state(case, 2).model_copy(update=late)
    ledger.record(a_telling(state, an_event(2)))
    assert watch.untold(DUE + 9 * MINUTE) == {case.case_number}
    outbox.put([Addressed(an_alert(case, "k").model_copy(update={"raised_at": told_at}), ("rina",))])
    assert watch.untold(DUE + 9 * MINUTE) == set()
    more = {"sla_state": SlaState.AT_RISK, "due_at": DUE + 8 * MINUTE}
    again = state.model_copy(update=more)
    ledger.record(a_telling(again, an_event(3)))
    assert watch.untold(DUE + 9 * MINUTE) == {case.case_number}, "another breach, of which nobody was told"


def test_a_breach_of_a_case_that_a_reset_opened_again_is_told_again(
    watch: SqlWatch, ledger: SqlLedger, outbox: SqlOutbox, case: CaseRef
) -> None:
    """Its alert was closed with the case, and the case raises no other under the same key."""
    ledger.record(a_record(case, an_event(2)))
    outbox.put([Addressed(an_alert(case, "k").model_copy(update={"raised_at": DUE}), ("rina",))])
    ledger.record(a_closing(case, 3))
    assert watch.untold(DUE + MINUTE) == set()
    ledger.record(a_telling(a_state(case, 2), an_event(2), run="second"))
    assert watch.untold(DUE + MINUTE) == {case.case_number}


def test_a_closed_case_is_not_untold(watch: SqlWatch, ledger: SqlLedger, case: CaseRef) -> None:
    """Neither is one that is due at no time."""
    ledger.record(a_telling(a_state(case, 2).model_copy(update={"due_at": None}), an_event(2)))
    assert watch.untold(DUE + MINUTE) == set()
    ledger.record(a_closing(case, 3))
    assert watch.untold(DUE + 5 * MINUTE) == set()


def test_a_case_stalls_that_tells_nothing_after_its_start(
    watch: SqlWatch, ledger: SqlLedger, case: CaseRef
) -> None:
    """Until its first event."""
    assert watch.stalled(MORNING - MINUTE) == set()
    assert watch.stalled(MORNING + MINUTE) == {case.case_number}
    ledger.record(a_record(case, an_event(2)))
    assert watch.stalled(MORNING + MINUTE) == set()


def test_a_case_stalls_that_does_not_take_a_command(
    watch: SqlWatch, ledger: SqlLedger, engine: Engine, case: CaseRef
) -> None:
    """Until it took it, or is over."""
    ledger.record(a_record(case, an_event(2)))
    book = SqlDeskBook(engine, a_vault())
    for number in (1, 2):
        message = Withdraw(command_id=f"c{number}")
        book.give(Completion(Command(case.case_number, message, "sari", Role.SUPERVISOR, MORNING)))
    assert watch.stalled(MORNING - MINUTE) == set()
    book.settle("c1", CommandResult.ACCEPTED, None, MORNING)
    assert watch.stalled(MORNING) == {case.case_number}
    ledger.record(a_closing(case, 3))
    assert watch.stalled(MORNING) == set()


def test_states_are_of_open_cases_and_what_is_kept_of_all(
    watch: SqlWatch, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Also for more cases than one statement takes. The end is when it was written down, not when it was."""
    over = registry.register(a_new_case()).case
    told = a_closing(over)
    ledger.record(told)
    asked = [case.case_number, over.case_number, *(f"PBI-3674-2026-{n:06d}" for n in range(900_000, 901_500))]
    assert [state.case for state in watch.states(asked)] == [case]
    kept = watch.kept(asked)
    assert kept.keys() == {case.case_number, over.case_number}
    assert kept[case.case_number] == Kept(case.birth, None)
    ended = kept[over.case_number].ended_at
    assert ended is not None
    assert ended < MORNING + MINUTE
    assert told.state.closed_at == MORNING + 2 * MINUTE


def test_a_case_that_was_reset_after_its_end_is_open_again(
    watch: SqlWatch, ledger: SqlLedger, case: CaseRef
) -> None:
    """What its first run recorded is no end."""
    ledger.record(a_closing(case))
    again = a_record(case, an_event(2, EventKind.CASE_OPENED)).model_copy(update={"run": "second"})
    ledger.record(again)
    assert watch.kept([case.case_number]) == {case.case_number: Kept(case.birth, None)}


class Post:
    """Hands on the outbox."""

    def __init__(self, outbox: SqlOutbox, case: CaseRef) -> None:
        self.outbox = outbox
        self.case = case

    def raise_(self, *recipients: str, key: str = "k", **changes: object) -> Alert:
        """Raise an alert in the morning."""
        alert = an_alert(self.case, key).model_copy(update=changes)
        self.outbox.put([Addressed(alert, recipients)])
        return alert

    def lease(self) -> list[Delivery]:
        """Take what lies there."""
        return self.outbox.lease(MORNING + MINUTE, MORNING + MINUTE)

    def give_up(self, delivery: Delivery, *, tells: str | None) -> None:
        """Give a message up, and tell somebody of that."""
        notice = about(delivery.alert, AlertKind.UNDELIVERABLE, delivery.recipient.strip("@"))
        self.outbox.give_up([delivery.id], "refused", [] if tells is None else [Addressed(notice, (tells,))])


@pytest.fixture
def post(outbox: SqlOutbox, case: CaseRef) -> Post:
    """Give the hands."""
    return Post(outbox, case)


NOON = MORNING + timedelta(hours=4)


def test_an_alert_that_nobody_takes_out_is_unsent(watch: SqlWatch, post: Post) -> None:
    """It counts once, by city, however many were to hear of it; not before its time."""
    post.raise_("rina", "budi")
    assert watch.unsent(MORNING - MINUTE) == {}
    assert watch.unsent(NOON) == {"3674": 1}


def test_an_alert_that_was_tried_in_vain_is_unsent(watch: SqlWatch, post: Post) -> None:
    """One that a storm put off for its digest is on its way."""
    post.raise_("rina")
    [delivery] = post.lease()
    post.outbox.postpone([delivery.id], NOON + MINUTE)
    assert watch.unsent(NOON) == {}
    post.outbox.postpone([delivery.id], NOON + MINUTE, "no address answers")
    assert watch.unsent(NOON) == {"3674": 1}


def test_a_repeat_that_waits_is_not_unsent(watch: SqlWatch, post: Post) -> None:
    """The person has heard of it."""
    post.raise_("rina")
    post.outbox.sent([Sent(one.id, MORNING + MINUTE) for one in post.lease()], MORNING)
    assert watch.unsent(NOON) == {}
    assert watch.pending(NOON) == 1
    assert watch.pending(MORNING) == 0


def test_what_was_given_up_is_unsent_unless_another_person_heard(watch: SqlWatch, post: Post) -> None:
    """The webhook is no person."""
    post.raise_("rina", "budi", WEBHOOK)
    rina, budi, webhook = post.lease()
    post.outbox.sent([Sent(webhook.id, None)], MORNING)
    post.give_up(rina, tells=None)
    post.outbox.postpone([budi.id], NOON + MINUTE, "no address answers")
    assert watch.unsent(NOON) == {"3674": 1}
    post.outbox.sent([Sent(budi.id, None)], MORNING)
    assert watch.unsent(NOON) == {}


def test_the_notice_of_what_was_given_up_is_an_alert_like_any_other(watch: SqlWatch, post: Post) -> None:
    """It is unsent while it is on its way for too long; what a person has heard of is not."""
    post.raise_("rina", WEBHOOK)
    rina, webhook = post.lease()
    post.outbox.sent([Sent(rina.id, None)], MORNING)
    post.give_up(webhook, tells="boss")
    assert watch.unsent(MORNING - MINUTE) == {}
    assert watch.unsent(NOON) == {"3674": 1}  # the notice lies there
    [notice] = post.lease()
    post.outbox.sent([Sent(notice.id, None)], MORNING)
    assert watch.unsent(NOON) == {}


def test_what_everybody_refused_is_unsent_with_its_notice(watch: SqlWatch, post: Post) -> None:
    """Nobody heard of anything; an alert somebody took charge of is done with."""
    alert = post.raise_("rina")
    post.give_up(post.lease()[0], tells="boss")
    post.give_up(post.lease()[0], tells=None)
    assert watch.unsent(NOON) == {"3674": 2}
    silence = watch.silence(NOON)
    assert silence is not None
    assert (silence.count, silence.since) == (2, alert.raised_at)
    for key in (alert.key, *watch.open_alerts(AlertKind.UNDELIVERABLE)):
        post.outbox.close(key, NOON)
    assert watch.unsent(NOON) == {}
    assert watch.silence(NOON) is None


def test_the_alert_about_unsent_alerts_is_not_its_own_cause(watch: SqlWatch, post: Post) -> None:
    """Otherwise it would last for ever where nobody can be reached."""
    post.raise_("rina", kind=AlertKind.ALERTS_UNSENT, case_number=None)
    assert watch.unsent(NOON) == {}


def test_open_alerts_are_of_one_kind_and_not_closed(watch: SqlWatch, post: Post, outbox: SqlOutbox) -> None:
    """Somebody's having taken charge does not end the cause."""
    post.raise_("rina", key="a", kind=AlertKind.CASE_LOST)
    post.raise_("rina", key="b", kind=AlertKind.CASE_LOST)
    post.raise_("rina", key="c")
    outbox.close("b", NOON)
    assert watch.open_alerts(AlertKind.CASE_LOST) == {"a": MORNING}
    assert watch.unacknowledged(MORNING - MINUTE) == 0
    assert watch.unacknowledged(NOON) == 2
    assert watch.pending(MORNING) == 3  # also of what is closed, a first message goes out


def test_a_heartbeat_is_the_last_one(watch: SqlWatch) -> None:
    """One row for each process, with how often it means to be at work."""
    watch.beat("watchdog", MORNING, 5 * MINUTE)
    watch.beat("watchdog", NOON, MINUTE)
    watch.beat("other", MORNING, MINUTE)
    assert watch.heartbeat("watchdog") == Heartbeat(NOON, MINUTE)
    assert watch.heartbeat("nobody") is None


def test_a_heart_is_silent_after_three_beats_that_did_not_come() -> None:
    """And some patience."""
    beat = Heartbeat(MORNING, MINUTE)
    assert not beat.is_silent(MORNING + 3 * MINUTE)
    assert beat.is_silent(MORNING + 3.1 * MINUTE)
    assert not beat.is_silent(MORNING + 4 * MINUTE, MINUTE)
    assert beat.is_silent(MORNING + 4.1 * MINUTE, MINUTE)

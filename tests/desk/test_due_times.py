"""Orders that move a due time: more time within what the city gives, less by an order of its own."""

from datetime import datetime, timedelta

import pytest

from desk.due_time import Move
from desk.orders import Hand
from models.case import SlaState, Step
from models.errors import BadInput, NotAllowed
from models.messages import Extend, Shorten
from models.roles import Act
from tests.desk.bench import COUNTER, MORNING, SUPERVISOR, Bench

HOUR = timedelta(hours=1)
NOW = MORNING + HOUR
"""When every order of this file is given."""
DUE = MORNING + 24 * HOUR


def a_number(bench: Bench, due_at: datetime | None = DUE, sla_state: SlaState = SlaState.ON_TRACK) -> str:
    """Return the number of a case that is due at a time."""
    return bench.case(due_at=due_at, sla_state=sla_state).case_number


def test_an_extension_is_by_a_time_or_until_one_and_has_a_reason(bench: Bench) -> None:
    """No words are refused; they stay in the ledger. The same order again is one, though the case moved."""
    number = a_number(bench)
    hand, move = Hand(SUPERVISOR, "e-1" + number), Move(until=DUE + 4 * HOUR)
    with pytest.raises(BadInput, match="--reason"):
        bench.work.extend(hand, number, " ", move)
    assert bench.book.undelivered(number) == []

    command = bench.work.extend(hand, number, "SIKS-NG mati", move)

    assert isinstance(command.message, Extend)
    assert (command.message.by, command.message.until) == (None, move.until)
    assert bench.book.notes(number) == {command.command_id: "SIKS-NG mati"}
    assert bench.work.extend(hand, number, "SIKS-NG mati", move) == command


@pytest.mark.parametrize(
    ("move", "field", "words"),
    [
        (Move(), "--by", "exactly one"),
        (Move(by=HOUR, until=DUE + HOUR), "--by", "exactly one"),
        (Move(by=-48 * HOUR), "--by", "shorten"),
        (Move(by=timedelta(0)), "--by", "shorten"),
        (Move(by=timedelta(seconds=59)), "--by", "PT1M"),
        (Move(by=timedelta(days=7, seconds=1)), "--by", "P7D"),
        (Move(by=timedelta(days=3000)), "--by", "P7D"),
        (Move(until=NOW), "--until", "future"),
        (Move(until=DUE), "--until", "shorten"),
        (Move(until=DUE - HOUR), "--until", "shorten"),
        (Move(until=DUE + timedelta(days=7, seconds=1)), "--until", "P7D"),
    ],
)
def test_an_extension_is_more_time_and_not_too_much(bench: Bench, move: Move, field: str, words: str) -> None:
    """What is wrong, and what to do instead; nothing is written."""
    number = a_number(bench)
    with pytest.raises(BadInput) as refused:
        bench.work.extend(Hand(SUPERVISOR), number, "SIKS-NG mati", move)
    (finding,) = refused.value.findings
    assert finding.field == field
    assert words in str(finding)
    assert bench.book.undelivered(number) == []


@pytest.mark.parametrize(
    ("move", "due_at", "sla_state"),
    [
        (Move(by=timedelta(minutes=1)), DUE, SlaState.ON_TRACK),
        (Move(by=timedelta(days=7)), DUE, SlaState.ON_TRACK),
        (Move(until=DUE + timedelta(days=7)), DUE, SlaState.ON_TRACK),
        (Move(until=NOW + timedelta(days=7)), NOW - 30 * HOUR, SlaState.BREACHED),
        (Move(until=DUE - 8 * HOUR), DUE, SlaState.PAUSED),
        (Move(until=NOW + HOUR), None, SlaState.PAUSED),
    ],
)
def test_what_is_more_time_is_taken(
    bench: Bench, move: Move, due_at: datetime | None, sla_state: SlaState
) -> None:
    """A late case gets it from now; in a pause only the case knows how little is sure, and decides."""
    number = a_number(bench, due_at, sla_state)
    message = bench.work.extend(Hand(SUPERVISOR), number, "SIKS-NG mati", move).message
    assert isinstance(message, Extend)
    assert (message.by, message.until) == (move.by, move.until)


@pytest.mark.parametrize(
    ("move", "field", "words"),
    [
        (Move(), "--by", "exactly one"),
        (Move(by=timedelta(0)), "--by", "extend"),
        (Move(by=-HOUR), "--by", "extend"),
        (Move(until=DUE), "--until", "extend"),
        (Move(until=DUE + HOUR), "--until", "extend"),
        (Move(until=MORNING - HOUR), "--until", "before the case, which came at 2026-03-02 08:00:00 WIB"),
        (Move(until=MORNING - timedelta(seconds=1)), "--until", "one that has passed makes the case late"),
    ],
)
def test_less_time_is_less_time(bench: Bench, move: Move, field: str, words: str) -> None:
    """Neither more nor none, and not before the case came; also when it is only asked what would be."""
    number = a_number(bench)
    for order in (bench.work.require_shortening, bench.work.shorten):
        with pytest.raises(BadInput) as refused:
            order(Hand(SUPERVISOR), number, "salah ketik", move)
        (finding,) = refused.value.findings
        assert finding.field == field
        assert words in str(finding)
    assert bench.book.undelivered(number) == []


def test_a_time_that_has_passed_is_taken_as_long_as_the_case_was_there(bench: Bench) -> None:
    """The case is then late at once, which is asked about and told; that is no fault of the order."""
    for until in (MORNING, NOW - timedelta(minutes=1), NOW):
        message = bench.work.shorten(
            Hand(SUPERVISOR), a_number(bench), "salah ketik", Move(until=until)
        ).message
        assert isinstance(message, Shorten)
        assert message.until == until


def test_less_time_is_an_order_with_a_reason_and_one_however_often_it_is_given(bench: Bench) -> None:
    """The words stay in the ledger; the same id asks nothing anew, though the case has moved since."""
    case = bench.case(due_at=DUE)
    number = case.case_number
    hand, move = Hand(SUPERVISOR, "s-1" + number), Move(until=DUE - 4 * HOUR)
    with pytest.raises(BadInput, match="--reason"):
        bench.work.require_shortening(hand, number, " ", move)
    command = bench.work.shorten(hand, number, "salah ketik", move)
    assert isinstance(command.message, Shorten)
    assert bench.book.notes(number) == {command.command_id: "salah ketik"}
    bench.move(case, Step.DOCUMENT_CHECK, due_at=move.until)
    bench.work.require_shortening(hand, number, "salah ketik", move)
    assert bench.work.shorten(hand, number, "salah ketik", move) == command


def test_who_may_not_give_time_takes_none(bench: Bench) -> None:
    """Supervisors only; the refusal is kept."""
    case = bench.case(due_at=DUE)
    for order in (bench.work.require_shortening, bench.work.shorten, bench.work.extend):
        with pytest.raises(NotAllowed):
            order(Hand(COUNTER), case.case_number, "salah ketik", Move(by=HOUR))
    assert [act for _, act, _ in bench.refused(case)] == ["shorten", "shorten", "extend"]


def test_many_cases_are_given_what_some_city_gives(bench: Bench) -> None:
    """Before 20,000 cases are looked at one by one."""
    officer = bench.work.gate.officer(SUPERVISOR, Act.BULK)
    bench.work.require_length(officer, timedelta(days=7))
    for by in (timedelta(days=3000), timedelta(0), -HOUR):
        with pytest.raises(BadInput, match="--by"):
            bench.work.require_length(officer, by)

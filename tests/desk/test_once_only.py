"""The same command id is the same command, however often and by how many at once it is given."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from desk.orders import Hand
from desk.work import OfficeWork
from models.case import CaseHealth, CaseRef, Step, Track
from models.desk import Command, CommandResult, DeskResult
from models.desk_tables import commands, letters, notes, submissions
from models.errors import WrongState
from tests.builders import a_person
from tests.desk.bench import APPROVE, COUNTER, OPERATOR, SIGNER, SUPERVISOR, Bench
from tests.ledger.builders import at_once

TIMES = 3


def _one_after_the_other(calls: list[Callable[[], Command]]) -> list[Command]:
    return [call() for call in calls]


def _all_at_once(calls: list[Callable[[], Command]]) -> list[Command]:
    return at_once(calls)


@pytest.fixture(params=[_one_after_the_other, _all_at_once], ids=["in turn", "at once"])
def thrice(request: pytest.FixtureRequest) -> "Way":
    """Make calls in turn, or all at the same moment."""
    way: Way = request.param
    return way


Way = Callable[[list[Callable[[], Command]]], list[Command]]


def test_one_signature(bench: Bench, thrice: Way) -> None:
    """One command row, one letter, one item finished, and everybody gets the same command back."""
    item = bench.claimed(SIGNER, Step.RECOMMENDATION)
    hand = Hand(SIGNER, f"sign-{item.case.case_number}")
    given = thrice([partial(bench.work.complete, hand, item.id, APPROVE)] * TIMES)
    assert given == [given[0]] * TIMES
    assert [row["command_id"] for row in bench.rows(commands, item.case)] == [hand.command_id]
    assert len(bench.rows(letters, item.case)) == 1
    (done,) = bench.items(item.case, with_closed=True)
    assert done.result is DeskResult.DONE


def test_one_upload(bench: Bench, thrice: Way) -> None:
    """One reference, and the second call does not take the first one's for another's."""
    item = bench.claimed(OPERATOR, Step.SIKS_NG_UPLOAD)
    hand = Hand(OPERATOR, f"upload-{item.case.case_number}")
    said = bench.uploaded(item.case.case_number)
    given = thrice([partial(bench.work.complete, hand, item.id, said)] * TIMES)
    assert given == [given[0]] * TIMES
    assert len(bench.rows(submissions, item.case)) == 1
    assert len(bench.rows(commands, item.case)) == 1


def test_one_answer_without_an_item(bench: Bench) -> None:
    """The first one opened and finished the work; the repeats leave nothing on the desk."""
    case = bench.case(Step.KEMENSOS_VERIFICATION)
    hand = Hand(OPERATOR, f"answer-{case.case_number}")
    answer = partial(bench.work.answer, hand, case.case_number, Step.KEMENSOS_VERIFICATION, APPROVE)
    first = answer()
    assert answer() == first
    bench.move(case, Step.BPJS_RECONNECT)
    bench.book.settle(first.command_id, CommandResult.ACCEPTED, None, bench.clock())
    assert answer() == replace(first, result=CommandResult.ACCEPTED)
    assert len(bench.items(case, with_closed=True)) == 1
    assert bench.items(case) == []


def _calls(number: str) -> dict[str, Callable[[OfficeWork, Hand], Command]]:
    """Return the commands on a case that are no answers."""
    return {
        "withdraw": lambda work, hand: work.withdraw(hand, number, "diminta pemohon"),
        "retry": lambda work, hand: work.retry(hand, number),
        "papers": lambda work, hand: work.papers_added(hand, number, 2),
        "track": lambda work, hand: work.switch_track(hand, number, Track.MEDICAL),
        "receipt": lambda work, hand: work.void_receipt(hand, number, "salah orang"),
    }


@pytest.mark.parametrize("what", _calls(""))
def test_one_command_on_a_case(bench: Bench, thrice: Way, what: str) -> None:
    """One row, one note, and the first words stay."""
    case = bench.case(Step.SIKS_NG_UPLOAD)
    number = case.case_number
    bench.work.answer(Hand(OPERATOR), number, Step.SIKS_NG_UPLOAD, bench.uploaded(number))
    bench.move(case, Step.KEMENSOS_VERIFICATION)
    hand = Hand(SUPERVISOR, f"{what}-{number}")
    given = thrice([partial(_calls(number)[what], bench.work, hand)] * TIMES)
    assert given == [given[0]] * TIMES
    assert [row["command_id"] for row in bench.rows(commands, case)].count(hand.command_id) == 1
    assert len(bench.rows(notes, case)) == (1 if what in {"withdraw", "receipt"} else 0)


def test_one_correction(bench: Bench) -> None:
    """The repeat finds the command, not that there is nothing left to change; its first words stay."""
    case, name = bench.case(), a_person().name
    hand = Hand(COUNTER, f"correct-{case.case_number}")
    first = bench.work.correct(hand, case.case_number, {"name": name})
    for again in (name, f"{name} Lagi"):
        assert bench.work.correct(hand, case.case_number, {"name": again}) == first
    assert [row["command_id"] for row in bench.rows(commands, case)] == [hand.command_id]
    assert bench.book.dossier(case.case_number).person.name == name


def test_another_id_is_another_command(bench: Bench) -> None:
    """And without an id each call is one of its own."""
    case = bench.case(health=CaseHealth.STUCK)
    for hand in (Hand(SUPERVISOR), Hand(SUPERVISOR), Hand(SUPERVISOR, f"x-{case.case_number}")):
        bench.work.retry(hand, case.case_number)
    ids = [str(row["command_id"]) for row in bench.rows(commands, case)]
    assert len(set(ids)) == TIMES


def test_an_id_is_not_two_commands(bench: Bench) -> None:
    """An id that is another case's, or another kind's, is refused rather than taken for done."""
    one, other = bench.case(), bench.case()
    hand = Hand(SUPERVISOR, f"twice-{one.case_number}")
    bench.work.retry(hand, one.case_number)
    acts: list[Callable[[], Command]] = [
        lambda: bench.work.retry(hand, other.case_number),
        lambda: bench.work.withdraw(hand, one.case_number, "diminta"),
        lambda: bench.work.answer(hand, other.case_number, Step.DOCUMENT_CHECK, APPROVE),
        lambda: bench.work.correct(hand, one.case_number, {"name": "Contoh Lain Lagi"}),
    ]
    for act in acts:
        with pytest.raises(WrongState, match=f"is the id of another command: {one.case_number}, retry_step"):
            act()
    assert len(bench.rows(commands, one)) == 1
    assert bench.rows(commands, other) == []


def test_the_workflows_first_word_stays(bench: Bench) -> None:
    """A settled command comes back as settled, and delivering it again settles nothing."""
    case = bench.case()
    hand = Hand(SUPERVISOR, f"w-{case.case_number}")
    command = bench.work.withdraw(hand, case.case_number, "diminta")
    bench.book.settle(command.command_id, CommandResult.REFUSED, "the case is over", bench.clock())
    bench.book.settle(command.command_id, CommandResult.ACCEPTED, None, bench.clock())
    again = bench.work.withdraw(hand, case.case_number, "diminta")
    assert (again.result, again.said) == (CommandResult.REFUSED, "the case is over")
    assert bench.book.undelivered(case.case_number) == []


def test_undelivered_commands_come_in_the_order_they_were_given(bench: Bench) -> None:
    """A case takes them in that order."""
    cases: list[CaseRef] = [bench.case() for _ in range(3)]
    given = []
    for case in [*cases, *reversed(cases)]:
        bench.clock.now = bench.clock.now.replace(minute=bench.clock.now.minute + 1)
        given.append(bench.work.retry(Hand(COUNTER), case.case_number))
    ours = {case.case_number for case in cases}
    assert [one for one in bench.book.undelivered() if one.case_number in ours] == given
    assert len(bench.book.undelivered(cases[0].case_number)) == 2


def test_a_case_that_is_over_takes_no_command(bench: Bench) -> None:
    """Work that was open in somebody's hand is void then."""
    item = bench.claimed(SIGNER, Step.RECOMMENDATION)
    bench.close(item.case)
    number = item.case.case_number
    with pytest.raises(WrongState, match="is over"):
        bench.work.withdraw(Hand(SUPERVISOR), number, "diminta")
    with pytest.raises(WrongState, match="is over"):
        bench.work.complete(Hand(SIGNER), item.id, APPROVE)
    assert bench.book.letters(number) == []
    assert bench.rows(commands, item.case) == []

"""Work in the hand of who left, has other work now or is away: it is free, and the record says so."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from desk.orders import Hand
from gateways.policy_folder import PolicyFolder
from models.case import Step
from models.desk import DeskItem, DeskResult, Gone
from models.errors import NotAllowed, WrongState
from models.messages import GiveAnswer
from tests.desk.bench import APPROVE, COUNTER, SECOND_VERIFIER, SIGNER, SUPERVISOR, VERIFIER, Bench, an_ask
from tests.ledger.builders import at_once

_Change = Callable[[str], str]


def left(person: str) -> str:
    """Take somebody out of the people of the office."""
    return ""


def moved(person: str) -> str:
    """Let him work in another city."""
    return person.replace('cities = ["3674"]', 'cities = ["3275"]')


def promoted(person: str) -> str:
    """Give him another role."""
    return person.replace('roles = ["verifier"]', 'roles = ["intake"]')


def away(person: str) -> str:
    """Let him be away on the day of the tests, and the days around it."""
    return f"{person}\nabsent = [{{ from = 2026-03-01, to = 2026-03-09 }}]\n"


GONE = [
    pytest.param(left, Gone.LEFT, id="left"),
    pytest.param(moved, Gone.OTHER_WORK, id="other area"),
    pytest.param(promoted, Gone.OTHER_WORK, id="other role"),
    pytest.param(away, Gone.ABSENT, id="absent"),
]


def changed(bench: Bench, change: _Change, who: str = VERIFIER) -> Bench:
    """Return the same office after one of its people changed."""
    assert isinstance(bench.shelf, PolicyFolder)
    folder = shutil.copytree(bench.shelf.people_file.parent, bench.folder / f"policies-{change.__name__}")
    people = folder / "people.toml"
    head, *blocks = re.split(r"(?m)^\[\[person\]\]\n", people.read_text())
    kept = [change(one) if f'id = "{who}"' in one else one for one in blocks]
    people.write_text(head + "".join(f"[[person]]\n{one}" for one in kept if one))
    return replace(bench, shelf=PolicyFolder(folder))


@pytest.mark.parametrize(("change", "gone"), GONE)
def test_work_of_a_hand_that_is_gone_is_in_every_queue_of_its_role(
    bench: Bench, change: _Change, gone: Gone
) -> None:
    """With why; a colleague's that is there stays his."""
    lost, his = bench.claimed(VERIFIER), bench.claimed(SECOND_VERIFIER)
    after = changed(bench, change)
    queue = {item.id: item for item in after.work.queue(SECOND_VERIFIER)}
    assert (queue[lost.id].gone, queue[lost.id].is_free) == (gone, True)
    assert (queue[his.id].gone, queue[his.id].is_free) == (None, False)
    everything = {item.id: item for item in after.work.queue(SUPERVISOR, everything=True)}
    assert (everything[lost.id].gone, everything[lost.id].assignee) == (gone, VERIFIER)


@pytest.mark.parametrize(("change", "gone"), GONE)
def test_another_takes_it_and_his_answer_says_in_whose_place(
    bench: Bench, change: _Change, gone: Gone
) -> None:
    """As a supervisor's does who finishes another's work; in the command, which is sealed."""
    lost = bench.claimed(VERIFIER)
    after = changed(bench, change)
    with pytest.raises(NotAllowed, match="claim it first"):
        after.work.complete(Hand(SECOND_VERIFIER), lost.id, APPROVE)
    taken = after.work.claim(Hand(SECOND_VERIFIER), lost.id)
    assert (taken.assignee, taken.taken_from, taken.gone) == (SECOND_VERIFIER, VERIFIER, None)
    answer = after.work.complete(Hand(SECOND_VERIFIER), lost.id, APPROVE).message
    assert isinstance(answer, GiveAnswer)
    assert (answer.actor, answer.in_place_of) == (SECOND_VERIFIER, VERIFIER)
    assert after.book.item(lost.id).result is DeskResult.DONE


def test_work_that_passed_through_nobodys_hand_is_done_in_nobodys_place(bench: Bench) -> None:
    """A supervisor released it; what was taken from one who is there was given by him."""
    lost, held = bench.claimed(VERIFIER), bench.claimed(SECOND_VERIFIER)
    after = changed(bench, left)
    assert after.work.release(Hand(SUPERVISOR), lost.id).taken_from is None
    assert after.work.claim(Hand(SECOND_VERIFIER), lost.id).taken_from is None
    assert bench.work.assign(Hand(SUPERVISOR), held.id, VERIFIER).taken_from is None


def test_a_supervisor_gives_it_to_another(bench: Bench) -> None:
    """And the record says from whom; to whom it may not be given is refused as ever."""
    lost = bench.claimed(VERIFIER)
    after = changed(bench, left)
    with pytest.raises(NotAllowed):
        after.work.assign(Hand(SUPERVISOR), lost.id, VERIFIER)
    given = after.work.assign(Hand(SUPERVISOR), lost.id, SECOND_VERIFIER)
    assert (given.assignee, given.taken_from) == (SECOND_VERIFIER, VERIFIER)


def test_work_that_is_given_to_who_is_away_is_told_to_be_so(bench: Bench) -> None:
    """The supervisor sees it at once."""
    item = bench.item()
    assert changed(bench, away).work.assign(Hand(SUPERVISOR), item.id, VERIFIER).gone is Gone.ABSENT


def test_of_two_who_take_it_at_once_one_gets_it(bench: Bench) -> None:
    """The other is told in whose hand it is."""
    lost = bench.claimed(VERIFIER)
    after = changed(bench, left)

    def take() -> DeskItem | WrongState:
        try:
            return after.work.claim(Hand(SECOND_VERIFIER), lost.id)
        except WrongState as refusal:
            return refusal

    def supervise() -> DeskItem | WrongState:
        try:
            return after.work.claim(Hand(SUPERVISOR), lost.id)
        except WrongState as refusal:
            return refusal

    answers = at_once([take, supervise])
    assert sum(isinstance(one, DeskItem) for one in answers) == 1


def test_who_is_away_may_go_on_with_his_own_work(bench: Bench) -> None:
    """Somebody on leave may still finish what he has."""
    item = bench.claimed(VERIFIER)
    after = changed(bench, away)
    assert after.work.claim(Hand(VERIFIER), item.id).assignee == VERIFIER
    assert item.id in [one.id for one in after.work.queue(VERIFIER)]


def test_the_open_step_of_a_hand_that_is_gone_is_answered_without_claiming(bench: Bench) -> None:
    """`answer` names the step: whoever left does not stand in its way."""
    lost = bench.claimed(VERIFIER)
    with pytest.raises(NotAllowed, match="in the hand of"):
        bench.work.answer(Hand(SECOND_VERIFIER), lost.case.case_number, Step.DOCUMENT_CHECK, APPROVE)
    after = changed(bench, left)
    given = after.work.answer(
        Hand(SECOND_VERIFIER), lost.case.case_number, Step.DOCUMENT_CHECK, APPROVE
    ).message
    assert isinstance(given, GiveAnswer)
    assert given.in_place_of == VERIFIER


def test_what_a_hand_that_is_gone_may_not_do_is_not_free_for_others_either(bench: Bench) -> None:
    """Role, area and four eyes are looked at as ever; nobody stands in for the signer."""
    lost = bench.claimed(SIGNER, Step.RECOMMENDATION)
    after = changed(bench, left, SIGNER)
    for other in (COUNTER, SUPERVISOR, VERIFIER):
        with pytest.raises(NotAllowed):
            after.work.claim(Hand(other), lost.id)
    assert not after.desk.take_for_machine(an_ask(lost.case, Step.RECOMMENDATION))

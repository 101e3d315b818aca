"""Work passes from hand to hand: one at a time, and nobody takes what another holds."""

from functools import partial

import pytest

from desk.decisions import Said, Verb
from desk.orders import Hand
from models.case import Step
from models.desk import DeskItem, DeskResult, ItemKind
from models.desk_tables import commands
from models.errors import NotAllowed, NotFound, WrongState
from models.messages import GiveAnswer, RetryStep
from models.roles import MACHINE
from tests.desk.bench import (
    APPROVE,
    AUDITOR,
    COLLEAGUES,
    COUNTER,
    OPERATOR,
    SECOND_VERIFIER,
    SIGNER,
    SUPERVISOR,
    VERIFIER,
    Bench,
    an_ask,
)
from tests.ledger.builders import at_once


def _try_to_claim(bench: Bench, number: int, by: str) -> DeskItem | WrongState:
    try:
        return bench.work.claim(Hand(by), number)
    except WrongState as refusal:
        return refusal


@pytest.mark.parametrize("hands", [COLLEAGUES[:2], COLLEAGUES])
def test_of_many_who_claim_at_once_one_wins(bench: Bench, hands: tuple[str, ...]) -> None:
    """Two or ten: one has it, and each of the others is told in whose hand it is."""
    item = bench.item(Step.SIKS_NG_UPLOAD)
    answers = at_once([partial(_try_to_claim, bench, item.id, hand) for hand in hands])
    winners = [answer for answer in answers if isinstance(answer, DeskItem)]
    holder = bench.book.item(item.id).assignee
    assert [winner.assignee for winner in winners] == [holder]
    assert holder == hands[answers.index(winners[0])]
    losers = [answer for answer in answers if isinstance(answer, WrongState)]
    assert len(losers) == len(hands) - 1
    assert all(f"is in the hand of {holder}" in str(loser) for loser in losers)


def test_claiming_twice_is_claiming_once(bench: Bench) -> None:
    """Who has the work keeps it, since when he has it."""
    first = bench.claimed(VERIFIER)
    assert bench.work.claim(Hand(VERIFIER), first.id) == first


def test_only_the_holder_or_a_supervisor_releases(bench: Bench) -> None:
    """Another's release is refused and leaves the work where it is; then anybody may claim it."""
    item = bench.claimed(VERIFIER)
    with pytest.raises(NotAllowed, match="only the assignee or a supervisor"):
        bench.work.release(Hand(SECOND_VERIFIER), item.id)
    assert bench.book.item(item.id).assignee == VERIFIER
    assert bench.work.release(Hand(VERIFIER), item.id).assignee is None
    bench.work.claim(Hand(SECOND_VERIFIER), item.id)
    freed = bench.work.release(Hand(SUPERVISOR), item.id)
    assert (freed.assignee, freed.claimed_at, freed.is_open) == (None, None, True)


def test_a_supervisor_gives_work_to_who_may_do_it(bench: Bench) -> None:
    """Out of another's hand too; the next hand is named."""
    item = bench.claimed(VERIFIER)
    assert bench.work.assign(Hand(SUPERVISOR), item.id, SECOND_VERIFIER).assignee == SECOND_VERIFIER
    with pytest.raises(WrongState, match=f"is in the hand of {SECOND_VERIFIER}"):
        bench.work.claim(Hand(VERIFIER), item.id)


@pytest.mark.parametrize("to", [OPERATOR, AUDITOR, "bekasi-verifikator-1", "nobody-here"])
def test_work_is_not_given_to_who_may_not_do_it(bench: Bench, to: str) -> None:
    """Wrong role, no work at all, wrong city, unknown: the supervisor is refused, not the other one."""
    item = bench.item()
    with pytest.raises(NotAllowed):
        bench.work.assign(Hand(SUPERVISOR), item.id, to)
    assert bench.book.item(item.id).assignee is None
    assert [(actor, act) for actor, act, _ in bench.refused(item.case)] == [(SUPERVISOR, "desk assign")]


def test_officers_do_not_give_each_other_work(bench: Bench) -> None:
    """That takes a supervisor."""
    item = bench.claimed(VERIFIER)
    with pytest.raises(NotAllowed, match="takes the role supervisor"):
        bench.work.assign(Hand(VERIFIER), item.id, SECOND_VERIFIER)


def test_who_does_not_hold_the_work_does_not_finish_it(bench: Bench) -> None:
    """In another's hand or in nobody's: it says so, and nothing is written."""
    claimed, free = bench.claimed(VERIFIER), bench.item()
    for item, holder in ((claimed, VERIFIER), (free, "nobody")):
        with pytest.raises(NotAllowed, match=f"is in the hand of {holder}: claim it first"):
            bench.work.complete(Hand(SECOND_VERIFIER), item.id, APPROVE)
        assert bench.book.item(item.id) == item
        assert bench.rows(commands, item.case) == []


def test_the_holder_finishes_the_work(bench: Bench) -> None:
    """The answer names him, his role and the step, and the work is done by him."""
    item = bench.claimed(VERIFIER)
    command = bench.work.complete(Hand(VERIFIER), item.id, APPROVE)
    answer = command.message
    assert isinstance(answer, GiveAnswer)
    assert (answer.actor, answer.role, answer.step, answer.in_place_of) == (
        VERIFIER,
        "verifier",
        Step.DOCUMENT_CHECK,
        None,
    )
    done = bench.book.item(item.id)
    assert (done.result, done.closed_by, done.closed_at) == (DeskResult.DONE, VERIFIER, bench.clock())
    assert bench.book.undelivered(item.case.case_number) == [command]


def test_a_supervisor_finishes_anothers_work_and_says_so(bench: Bench) -> None:
    """The answer is his own, in the place of who held the work."""
    item = bench.claimed(VERIFIER)
    answer = bench.work.complete(Hand(SUPERVISOR), item.id, APPROVE).message
    assert isinstance(answer, GiveAnswer)
    assert (answer.actor, answer.role, answer.in_place_of) == (SUPERVISOR, "supervisor", VERIFIER)
    assert bench.book.item(item.id).closed_by == SUPERVISOR
    (row,) = bench.rows(commands, item.case)
    assert GiveAnswer.model_validate_json(str(row["message"])) == answer


def test_what_nobody_held_is_done_in_nobodys_place(bench: Bench) -> None:
    """Also what the machine held: it is no person."""
    free, machines = bench.item(), bench.item(Step.KEMENSOS_VERIFICATION)
    assert bench.desk.take_for_machine(an_ask(machines.case, machines.step))
    for item in (free, machines):
        answer = bench.work.complete(Hand(SUPERVISOR), item.id, APPROVE).message
        assert isinstance(answer, GiveAnswer)
        assert answer.in_place_of is None


def test_nobody_stands_in_for_the_signer(bench: Bench) -> None:
    """A supervisor neither claims, nor finishes, nor answers the signature."""
    item = bench.claimed(SIGNER, Step.RECOMMENDATION)
    number = item.case.case_number
    for attempt in (
        lambda: bench.work.claim(Hand(SUPERVISOR), item.id),
        lambda: bench.work.complete(Hand(SUPERVISOR), item.id, APPROVE),
        lambda: bench.work.answer(Hand(SUPERVISOR), number, Step.RECOMMENDATION, APPROVE),
    ):
        with pytest.raises(NotAllowed, match="this work is of the role signer"):
            attempt()
    assert bench.book.letters(number) == []
    assert bench.book.item(item.id) == item


def test_work_of_the_machine_is_not_claimed(bench: Bench) -> None:
    """While it is at it; a supervisor may take it out of its hand."""
    item = bench.item(Step.SIKS_NG_UPLOAD)
    assert bench.desk.take_for_machine(an_ask(item.case, item.step))
    with pytest.raises(WrongState, match=f"is in the hand of {MACHINE}"):
        bench.work.claim(Hand(OPERATOR), item.id)
    bench.work.release(Hand(SUPERVISOR), item.id)
    assert bench.work.claim(Hand(OPERATOR), item.id).assignee == OPERATOR
    assert not bench.desk.take_for_machine(an_ask(item.case, item.step))


def test_void_work_is_over_and_the_case_is_told(bench: Bench) -> None:
    """Together or not at all: the words stay in the ledger, and the case asks anew."""
    item = bench.claimed(VERIFIER)
    command = bench.work.void(Hand(SUPERVISOR), item.id, " salah buka ")
    assert isinstance(command.message, RetryStep)
    void = bench.book.item(item.id)
    assert (void.result, void.closed_by) == (DeskResult.VOIDED, SUPERVISOR)
    assert bench.book.notes(item.case.case_number) == {command.command_id: "salah buka"}
    with pytest.raises(WrongState, match="is voided already"):
        bench.work.void(Hand(SUPERVISOR), item.id, "lagi")
    with pytest.raises(WrongState, match="is voided already"):
        bench.work.complete(Hand(VERIFIER), item.id, APPROVE)
    assert bench.book.undelivered(item.case.case_number) == [command]


def test_voiding_again_under_one_id_is_voiding_once(bench: Bench) -> None:
    """A supervisor whose screen froze may repeat the command."""
    item = bench.item()
    first = bench.work.void(Hand(SUPERVISOR, "void-1" + str(item.id)), item.id, "salah")
    assert bench.work.void(Hand(SUPERVISOR, "void-1" + str(item.id)), item.id, "salah") == first
    assert len(bench.rows(commands, item.case)) == 1


def test_only_a_supervisor_voids(bench: Bench) -> None:
    """The work stays open."""
    item = bench.claimed(VERIFIER)
    with pytest.raises(NotAllowed):
        bench.work.void(Hand(VERIFIER), item.id, "tidak mau")
    assert bench.book.item(item.id).is_open


def test_work_to_mend_is_approved_and_the_case_goes_on(bench: Bench) -> None:
    """It is no answer to the step; by its role or a supervisor only."""
    item = bench.mending()
    assert item.kind is ItemKind.MEND
    with pytest.raises(NotAllowed, match="of the role supervisor"):
        bench.work.claim(Hand(COUNTER), item.id)
    bench.work.claim(Hand(SUPERVISOR), item.id)
    command = bench.work.complete(Hand(SUPERVISOR), item.id, APPROVE)
    assert isinstance(command.message, RetryStep)
    assert bench.items(item.case) == []


def test_finished_work_cannot_be_taken(bench: Bench) -> None:
    """Whoever tries learns that it is done."""
    item = bench.claimed(VERIFIER)
    bench.work.complete(Hand(VERIFIER), item.id, APPROVE)
    for late in (
        lambda: bench.work.claim(Hand(SECOND_VERIFIER), item.id),
        lambda: bench.work.release(Hand(SUPERVISOR), item.id),
        lambda: bench.work.assign(Hand(SUPERVISOR), item.id, SECOND_VERIFIER),
        lambda: bench.work.complete(Hand(VERIFIER), item.id, APPROVE),
    ):
        with pytest.raises(WrongState, match="is done already"):
            late()


def test_of_two_who_finish_at_once_one_is_heard(bench: Bench) -> None:
    """The holder and his supervisor: one answer, and the other is told that it is done."""
    item = bench.claimed(VERIFIER)

    def finish(by: str) -> bool:
        try:
            bench.work.complete(Hand(by), item.id, APPROVE)
        except WrongState as refusal:
            assert "is done already" in str(refusal)  # noqa: PT017 - beside the calls that are heard
            return False
        return True

    assert sum(at_once([partial(finish, VERIFIER), partial(finish, SUPERVISOR)])) == 1
    assert len(bench.rows(commands, item.case)) == 1


def test_an_answer_without_an_item_opens_and_finishes_one(bench: Bench) -> None:
    """Machine steps can be answered too; what another holds cannot, except by a supervisor."""
    case = bench.case(Step.KEMENSOS_VERIFICATION)
    number = case.case_number
    said = Said(Verb.RETURN, "NIK_BEDA")
    bench.work.answer(Hand(OPERATOR), number, Step.KEMENSOS_VERIFICATION, said)
    (item,) = bench.items(case, with_closed=True)
    assert (item.closed_by, item.result) == (OPERATOR, DeskResult.DONE)
    held = bench.claimed(COLLEAGUES[0], Step.KEMENSOS_VERIFICATION)
    with pytest.raises(NotAllowed, match=f"in the hand of {COLLEAGUES[0]}"):
        bench.work.answer(Hand(OPERATOR), held.case.case_number, held.step, said)
    bench.work.answer(Hand(SUPERVISOR), held.case.case_number, held.step, said)
    assert bench.items(held.case) == []


def test_an_answered_step_is_not_answered_again(bench: Bench) -> None:
    """Before the workflow has taken the first answer: no second item, no second letter."""
    case = bench.case(Step.RECOMMENDATION)
    bench.sign(case)
    with pytest.raises(WrongState, match="recommendation was answered already"):
        bench.sign(case)
    assert bench.items(case) == []
    assert len(bench.book.letters(case.case_number)) == 1


def test_only_the_open_step_of_an_open_case_is_answered(bench: Bench) -> None:
    """Another step, and any step of a case that is over."""
    case = bench.case(Step.KEMENSOS_VERIFICATION)
    with pytest.raises(WrongState, match="the open step is kemensos_verification, attempt 1"):
        bench.work.answer(Hand(OPERATOR), case.case_number, Step.BPJS_RECONNECT, APPROVE)
    bench.close(case)
    with pytest.raises(WrongState, match="is over: withdrawn"):
        bench.work.answer(Hand(OPERATOR), case.case_number, Step.BPJS_RECONNECT, APPROVE)
    assert bench.rows(commands, case) == []


def test_what_is_not_there_is_not_found(bench: Bench) -> None:
    """An item and a case that nobody knows."""
    with pytest.raises(NotFound, match="no desk item 999999"):
        bench.work.claim(Hand(VERIFIER), 999_999)
    with pytest.raises(NotFound):
        bench.work.retry(Hand(VERIFIER), "PBI-3674-2026-999999")

"""The same command id is the same command, however often and by how many at once it is given."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from desk.decisions import Said, Verb
from desk.due_time import Move
from desk.orders import Hand
from desk.work import OfficeWork
from models.case import CaseHealth, CaseRef, Step, Track
from models.desk import Command, CommandResult, DeskResult
from models.desk_tables import commands, letters, notes, submissions
from models.errors import BadInput, WrongState
from models.policy import NeedKind
from tests.builders import a_person
from tests.desk.bench import APPROVE, COUNTER, OPERATOR, SERVANT_OF_ALL, SIGNER, SUPERVISOR, Bench
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
        "papers": lambda work, hand: work.papers_added(hand, number, ["kk:1", "ktp:2"]),
        "track": lambda work, hand: work.switch_track(hand, number, Track.MEDICAL),
        "receipt": lambda work, hand: work.void_receipt(hand, number, "salah orang"),
    }


@pytest.mark.parametrize("what", _calls(""))
def test_one_command_on_a_case(bench: Bench, thrice: Way, what: str) -> None:
    """One row, one note, and the first words stay."""
    case = bench.case(Step.SIKS_NG_UPLOAD)
    number = case.case_number
    bench.work.answer(Hand(OPERATOR), number, Step.SIKS_NG_UPLOAD, bench.uploaded(number))
    bench.move(case, Step.KEMENSOS_VERIFICATION, health=CaseHealth.STUCK)
    hand = Hand(SUPERVISOR, f"{what}-{number}")
    given = thrice([partial(_calls(number)[what], bench.work, hand)] * TIMES)
    assert given == [given[0]] * TIMES
    assert [row["command_id"] for row in bench.rows(commands, case)].count(hand.command_id) == 1
    assert len(bench.rows(notes, case)) == (1 if what in {"withdraw", "receipt"} else 0)


def test_one_correction(bench: Bench) -> None:
    """The repeat finds the command, not that there is nothing left to change; another value is no repeat."""
    case, name = bench.case(), a_person().name
    hand = Hand(COUNTER, f"correct-{case.case_number}")
    first = bench.work.correct(hand, case.case_number, {"name": name})
    assert bench.work.correct(hand, case.case_number, {"name": name}) == first
    with pytest.raises(WrongState, match="is the id of another command"):
        bench.work.correct(hand, case.case_number, {"name": f"{name} Lagi"})
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
    one, other = bench.case(health=CaseHealth.STUCK), bench.case()
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


Order = Callable[[OfficeWork, Hand], Command]


def _orders(bench: Bench, number: str, item: int) -> dict[str, tuple[Order, list[Order]]]:
    """Return for each command what may be repeated, and what is another command under the same id."""
    answer, upload = Step.KEMENSOS_VERIFICATION, Step.SIKS_NG_UPLOAD
    soon = bench.clock() + timedelta(hours=4)
    early = bench.clock() - timedelta(minutes=5)

    def answered(said: Said, step: Step = answer) -> Order:
        return lambda work, hand: work.answer(hand, number, step, said)

    def done(said: Said, of: int = item) -> Order:
        return lambda work, hand: work.complete(hand, of, said)

    returned = Said(Verb.RETURN, "DOK_TIDAK_JELAS", "KTP buram")
    return {
        "withdraw": (
            lambda work, hand: work.withdraw(hand, number, "diminta"),
            [lambda work, hand: work.withdraw(hand, number, "meninggal")],
        ),
        "papers": (
            lambda work, hand: work.papers_added(hand, number, ["kk:1", "ktp:2"]),
            [lambda work, hand: work.papers_added(hand, number, ["kk:1", "ktp:3"])],
        ),
        "track": (
            lambda work, hand: work.switch_track(hand, number, Track.MEDICAL, NeedKind.CHRONIC),
            [
                lambda work, hand: work.switch_track(hand, number, Track.NEWBORN, NeedKind.CHRONIC),
                lambda work, hand: work.switch_track(hand, number, Track.MEDICAL, NeedKind.ROUTINE),
            ],
        ),
        "extend": (
            lambda work, hand: work.extend(hand, number, "SIKS-NG mati", Move(until=soon)),
            [
                lambda work, hand: work.extend(hand, number, "SIKS-NG mati", Move(timedelta(hours=4))),
                lambda work, hand: work.extend(hand, number, "libur", Move(until=soon)),
            ],
        ),
        "receipt": (
            lambda work, hand: work.void_receipt(hand, number, "salah orang"),
            [lambda work, hand: work.void_receipt(hand, number, "salah referensi")],
        ),
        "void": (
            lambda work, hand: work.void(hand, item, "terbuka dua kali"),
            [
                lambda work, hand: work.void(hand, item, "salah"),
                lambda work, hand: work.retry(hand, number),
            ],
        ),
        "answer": (
            answered(returned),
            [
                answered(returned, upload),
                answered(APPROVE),
                answered(Said(Verb.RETURN, "NIK_BEDA", "KTP buram")),
                answered(Said(Verb.RETURN, "DOK_TIDAK_JELAS", "KK buram")),
                answered(Said(Verb.RETURN, "DOK_TIDAK_JELAS", "KTP buram", early)),
                done(returned),
            ],
        ),
        "complete": (done(APPROVE), [done(returned), done(Said(Verb.APPROVE, note="ya")), answered(APPROVE)]),
    }


@pytest.mark.parametrize(
    "what", ["withdraw", "papers", "track", "extend", "receipt", "void", "answer", "complete"]
)
def test_a_repeat_gets_the_first_answer_and_anything_else_is_another_command(bench: Bench, what: str) -> None:
    """Later, after the workflow took it and even after the case is over; nothing of the other is written."""
    case = bench.case(Step.SIKS_NG_UPLOAD)
    number = case.case_number
    bench.work.answer(Hand(OPERATOR), number, Step.SIKS_NG_UPLOAD, bench.uploaded(number))
    bench.move(case, Step.KEMENSOS_VERIFICATION)
    item = bench.work.claim(Hand(SERVANT_OF_ALL), bench.open(case).id).id
    order, others = _orders(bench, number, item)[what]
    hand = Hand(SERVANT_OF_ALL, f"{what}-{number}")

    first = order(bench.work, hand)
    bench.book.settle(first.command_id, CommandResult.ACCEPTED, None, bench.clock())
    before = (bench.rows(commands, case), bench.rows(notes, case), bench.items(case, with_closed=True))

    for moment in ("just now", "a day later", "after the end"):
        if moment == "a day later":
            bench.clock.now += timedelta(days=1)
        elif moment == "after the end":
            bench.close(case)
            before = (*before[:2], bench.items(case, with_closed=True))
        assert order(bench.work, hand) == replace(first, result=CommandResult.ACCEPTED), moment
        for another in others:
            with pytest.raises(WrongState, match="is the id of another command"):
                another(bench.work, hand)
        with pytest.raises(WrongState, match="is the id of another command"):
            order(bench.work, Hand(SUPERVISOR, hand.command_id))
        after = (bench.rows(commands, case), bench.rows(notes, case), bench.items(case, with_closed=True))
        assert after == before, moment


def test_a_repeated_upload_is_known_by_its_reference_and_by_what_its_proof_shows(bench: Bench) -> None:
    """The same picture under another name is the same; another picture, reference or time is not."""
    item = bench.claimed(OPERATOR, Step.SIKS_NG_UPLOAD)
    number = item.case.case_number
    hand = Hand(OPERATOR, f"upload-{number}")
    first = bench.work.complete(hand, item.id, bench.uploaded(number))
    copy = bench.folder / "salinan.png"
    copy.write_bytes(bench.proof().read_bytes())
    bench.clock.now += timedelta(hours=1)
    when = {"submitted_at": bench.clock() - timedelta(hours=1)}
    assert bench.work.complete(hand, item.id, bench.uploaded(number, proof=copy, **when)) == first
    for other in (
        bench.uploaded(f"{number}-2", **when),
        bench.uploaded(number, proof=bench.proof(b"\x89PNG\r\n\x1a\nlain"), **when),
        bench.uploaded(number),
    ):
        with pytest.raises(WrongState, match="is the id of another command"):
            bench.work.complete(hand, item.id, other)
    with pytest.raises(BadInput, match="--proof: file not found"):
        bench.work.complete(hand, item.id, bench.uploaded(number, proof=bench.folder / "gone", **when))


def test_what_was_asked_is_kept_as_a_digest_that_no_other_command_shares(bench: Bench) -> None:
    """The same words on another case, or under another id, leave another digest."""
    one, other = bench.case(), bench.case()
    hands = [(one, "d-1"), (one, "d-2"), (other, "d-3")]
    for case, name in hands:
        bench.work.correct(
            Hand(COUNTER, name + case.case_number), case.case_number, {"phone": "081200000001"}
        )
        bench.work.correct(Hand(COUNTER), case.case_number, {"phone": "081200000002"})
    digests = [row["asked"] for case in (one, other) for row in bench.rows(commands, case)]
    assert None not in digests
    assert len(set(digests)) == len(digests) == 6


def test_of_a_command_from_before_digests_officer_kind_and_step_must_do(bench: Bench) -> None:
    """What was given by an older version can still be repeated, and by nobody else."""
    case = bench.case()
    hand = Hand(SUPERVISOR, f"old-{case.case_number}")
    first = bench.work.withdraw(hand, case.case_number, "diminta")
    with bench.engine.begin() as connection:
        connection.execute(
            update(commands).where(commands.c.command_id == hand.command_id).values(asked=None)
        )
    assert bench.work.withdraw(hand, case.case_number, "diminta") == first
    with pytest.raises(WrongState, match="is the id of another command"):
        bench.work.withdraw(Hand(COUNTER, hand.command_id), case.case_number, "diminta")


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
    cases: list[CaseRef] = [bench.case(health=CaseHealth.STUCK) for _ in range(3)]
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

"""A reset begins another run of the workflow; and what activities find on the desk and leave there."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, select

from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.answers import Approved, Rejected
from models.case import CaseRef, Step
from models.desk import Command, CommandResult, Completion, DeskItem, DeskResult, ItemKind
from models.errors import NotFound, WrongState
from models.messages import EventKind, GiveAnswer, Record, StepAsk
from models.roles import MACHINE, Role
from models.tables import case_runs, cases
from tests.ledger.builders import (
    MORNING,
    a_closing,
    a_new_case,
    a_record,
    a_state,
    an_event,
    at_once,
)
from tests.vaults import a_vault

UPLOAD = Step.SIKS_NG_UPLOAD


@pytest.fixture
def case(registry: SqlRegistry) -> CaseRef:
    """Register a case."""
    return registry.register(a_new_case()).case


@pytest.fixture
def desk(engine: Engine) -> SqlDesk:
    """Give the activities' side of the desk."""
    return SqlDesk(engine, lambda: MORNING)


@pytest.fixture
def book(engine: Engine) -> SqlDeskBook:
    """Give the officers' side of the same desk."""
    return SqlDeskBook(engine, a_vault(), lambda: MORNING)


def _told_by(run: str, record: Record) -> Record:
    return record.model_copy(update={"run": run})


def _an_ask(case: CaseRef, step: Step = UPLOAD, attempt: int = 1) -> StepAsk:
    return StepAsk(case_number=case.case_number, step=step, attempt=attempt, poll_every=timedelta(minutes=1))


def _a_completion(
    ask: StepAsk, command_id: str = "a-1", *, minute: int = 0, is_no: bool = False
) -> Completion:
    """Return the answer of an operator to a step."""
    message = GiveAnswer(
        command_id=command_id,
        step=ask.step,
        attempt=ask.attempt,
        answer=Rejected(reason="DINILAI_MAMPU") if is_no else Approved(),
        actor="operator-1",
        role=Role.SIKS_NG_OPERATOR,
        occurred_at=MORNING,
    )
    given_at = MORNING + timedelta(minutes=minute)
    return Completion(Command(ask.case_number, message, "operator-1", Role.SIKS_NG_OPERATOR, given_at))


def _stands_at(engine: Engine, case: CaseRef) -> tuple[str, int, int]:
    """Return run, epoch and newest event of a case's projection."""
    query = select(cases.c.run, cases.c.epoch, cases.c.last_seq)
    with engine.begin() as connection:
        row = connection.execute(query.where(cases.c.case_number == case.case_number)).one()
    return row.run, row.epoch, row.last_seq


def _item(book: SqlDeskBook, case: CaseRef, kind: ItemKind = ItemKind.ANSWER) -> DeskItem:
    """Return the newest work of a kind."""
    items = book.items(case_number=case.case_number, with_closed=True)
    return max((item for item in items if item.kind is kind), key=lambda item: item.id)


# -- Runs ------------------------------------------------------------------------------------------


def test_the_first_run_goes_on_in_the_epoch_of_the_registration(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Nothing was reset: event 2 follows event 1."""
    ledger.record(_told_by("run-a", a_record(case, an_event(2))))
    assert _stands_at(engine, case) == ("run-a", 1, 2)
    kinds = [event.kind for event in registry.history(case.case_number)]
    assert kinds == [EventKind.CASE_REGISTERED, EventKind.STEP_OPENED]


def test_a_second_run_begins_an_epoch_of_its_own(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """The reset is told, then everything anew from event 1; the old story stays in front of it."""
    first = _told_by("run-a", a_record(case, *map(an_event, (2, 3, 4, 5))))
    ledger.record(first)
    second = _told_by("run-b", a_record(case, an_event(1, EventKind.CASE_OPENED), an_event(2)))
    assert ledger.record(second) == list(second.events)
    history = registry.history(case.case_number)
    assert [(event.seq, event.kind) for event in history[5:]] == [
        (0, EventKind.CASE_RESET),
        (1, EventKind.CASE_OPENED),
        (2, EventKind.STEP_OPENED),
    ]
    assert history[1:5] == list(first.events)
    assert history[5].facts == {"epoch": 2}
    assert _stands_at(engine, case) == ("run-b", 2, 2)
    with engine.begin() as connection:
        query = select(case_runs.c.run, case_runs.c.epoch).order_by(case_runs.c.epoch)
        runs = connection.execute(query.where(case_runs.c.case_number == case.case_number)).all()
    assert [tuple(run) for run in runs] == [("run-a", 1), ("run-b", 2)]


def test_the_state_follows_the_new_run_although_its_numbers_are_smaller(
    ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Event 1 of the new run is newer than event 9 of the old one."""
    ledger.record(_told_by("run-a", a_record(case, an_event(9))))
    ledger.record(_told_by("run-b", a_record(case, an_event(1))))
    assert registry.case(case.case_number) == a_state(case, 1)
    ledger.record(_told_by("run-b", a_record(case, an_event(2))))
    assert registry.case(case.case_number) == a_state(case, 2)


def test_a_third_run_is_the_third_epoch(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """A case may be reset again; each time once."""
    for run in ("run-a", "run-b", "run-b", "run-c", "run-c"):
        ledger.record(_told_by(run, a_record(case, an_event(2))))
    assert _stands_at(engine, case) == ("run-c", 3, 2)
    kinds = [event.kind for event in registry.history(case.case_number)]
    assert kinds.count(EventKind.CASE_RESET) == 2
    assert kinds.count(EventKind.STEP_OPENED) == 3


def test_what_the_old_run_still_tells_is_kept_and_changes_nothing(  # noqa: PLR0917 - one fixture each
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """Its late records are in the history, in their own epoch: neither state nor desk follow them."""
    ledger.record(_told_by("run-a", a_record(case, an_event(2))))
    ledger.record(_told_by("run-b", a_record(case, an_event(1))))
    desk.open(_an_ask(case))
    before = registry.case(case.case_number), book.items(case_number=case.case_number)
    late = (
        an_event(3, EventKind.ANSWER_RECORDED),
        an_event(4, EventKind.STEP_STUCK),
        an_event(5, EventKind.STEP_OPENED),
        an_event(6, EventKind.CASE_CLOSED),
    )
    assert ledger.record(_told_by("run-a", a_record(case, *late, closed=True))) == list(late)
    assert (registry.case(case.case_number), book.items(case_number=case.case_number)) == before
    assert _stands_at(engine, case) == ("run-b", 2, 1)
    assert [event.seq for event in registry.history(case.case_number)] == [1, 2, 3, 4, 5, 6, 0, 1]


def test_mending_of_the_old_run_is_void_and_answers_stay(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """The new run asks to mend what it finds; the step that people have in hand is still to be done."""
    ledger.record(_told_by("run-a", a_record(case, an_event(2), an_event(3, EventKind.STEP_STUCK))))
    desk.open(_an_ask(case))
    answer = book.assign(_item(book, case).id, "operator-1", expects=None, at=MORNING)
    ledger.record(_told_by("run-b", a_record(case, an_event(1))))
    mending = _item(book, case, ItemKind.MEND)
    assert (mending.result, mending.closed_by) == (DeskResult.VOIDED, None)
    assert book.item(answer.id).assignee == "operator-1"
    assert [item.id for item in book.items(case_number=case.case_number)] == [answer.id]
    ledger.record(_told_by("run-b", a_record(case, an_event(2, EventKind.STEP_STUCK))))
    ledger.record(_told_by("run-a", a_record(case, an_event(4, EventKind.STEP_RETRIED))))
    again = _item(book, case, ItemKind.MEND)
    assert again.id != mending.id
    assert again.is_open


def test_ten_first_words_of_a_new_run_are_one_reset(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, case: CaseRef
) -> None:
    """Retried at the same moment: one epoch, one reset event, each event once."""
    ledger.record(_told_by("run-a", a_record(case, an_event(2))))
    record = _told_by("run-b", a_record(case, an_event(1), an_event(2)))
    told = at_once([lambda: ledger.record(record)] * 10)
    assert sorted(event.seq for new in told for event in new) == [1, 2]
    assert _stands_at(engine, case) == ("run-b", 2, 2)
    kinds = [event.kind for event in registry.history(case.case_number)]
    assert kinds.count(EventKind.CASE_RESET) == 1


def test_a_case_that_was_over_is_open_again_after_a_reset(
    ledger: SqlLedger, registry: SqlRegistry, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """A supervisor resets a case that ended wrongly: state and desk are those of the new run."""
    ledger.record(_told_by("run-a", a_closing(case)))
    ledger.record(_told_by("run-b", a_record(case, an_event(1))))
    assert registry.case(case.case_number).outcome is None
    desk.open(_an_ask(case))
    assert _item(book, case).is_open


def test_a_step_that_is_told_to_lie_on_the_desk_lies_there(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """A run that begins anew asks people before it tells: the ledger still calls the case over then."""
    ledger.record(_told_by("run-a", a_closing(case)))
    assert desk.open(_an_ask(case)) is None
    assert book.items(case_number=case.case_number) == []
    ledger.record(_told_by("run-b", a_record(case, an_event(1), an_event(2, EventKind.STEP_ON_DESK))))
    assert (_item(book, case).is_open, _item(book, case).step) == (True, UPLOAD)
    desk.open(_an_ask(case))
    assert len(book.items(case_number=case.case_number)) == 1


def test_a_step_that_was_answered_meanwhile_is_not_put_on_the_desk_by_what_is_told_late(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """By a person whose answer is not delivered yet, or told together with its answer or the case's end."""
    ask = _an_ask(case)
    desk.open(ask)
    book.give(Completion(_a_completion(ask).command, item=_item(book, case).id))
    on_desk = EventKind.STEP_ON_DESK
    ledger.record(a_record(case, an_event(2), an_event(3, on_desk)))
    assert book.items(case_number=case.case_number) == []
    second = {"attempt": 2}
    story = [
        an_event(seq, kind).model_copy(update=second)
        for seq, kind in enumerate((EventKind.STEP_OPENED, on_desk, EventKind.ANSWER_RECORDED), 4)
    ]
    ledger.record(a_record(case, *story))
    assert book.items(case_number=case.case_number) == []
    ledger.record(a_record(case, an_event(7, on_desk), an_event(8, EventKind.CASE_CLOSED), closed=True))
    assert book.items(case_number=case.case_number) == []


# -- Answers that people gave ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "is_given"),
    [
        (None, True),
        (CommandResult.ACCEPTED, True),
        (CommandResult.LATE, False),
        (CommandResult.REFUSED, False),
    ],
)
def test_an_answer_counts_unless_it_was_late_or_refused(
    desk: SqlDesk, book: SqlDeskBook, case: CaseRef, result: CommandResult | None, is_given: bool
) -> None:
    """Given and not delivered yet, or taken: it is the step's answer, and nobody is asked again."""
    ask = _an_ask(case)
    assert desk.given(ask) is None
    command = book.give(_a_completion(ask))
    if result is not None:
        book.settle(command.command_id, result, None, MORNING)
    expected = command.message if is_given else None
    assert desk.given(ask) == expected
    assert desk.open(ask) == expected
    assert len(book.items(case_number=case.case_number)) == (0 if is_given else 1)


def test_the_first_answer_that_counts_is_the_steps(desk: SqlDesk, book: SqlDeskBook, case: CaseRef) -> None:
    """An earlier one was refused; another step's, another attempt's and another case's are not meant."""
    ask = _an_ask(case)
    book.give(_a_completion(ask, "a-1", minute=1, is_no=True))
    book.settle("a-1", CommandResult.REFUSED, "no", MORNING)
    second = book.give(_a_completion(ask, "a-2", minute=2))
    book.give(_a_completion(ask, "a-3", minute=3, is_no=True))
    assert desk.given(ask) == second.message
    assert desk.given(_an_ask(case, attempt=2)) is None
    assert desk.given(_an_ask(case, Step.KEMENSOS_VERIFICATION)) is None


def test_an_answered_step_is_not_put_on_the_desk(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """The activity was asked twice, and the second asking comes after the answer; the next attempt is new."""
    ledger.record(a_record(case, an_event(2), an_event(3, EventKind.ANSWER_RECORDED)))
    assert desk.open(_an_ask(case)) is None
    assert book.items(case_number=case.case_number) == []
    desk.open(_an_ask(case, attempt=2))
    assert _item(book, case).attempt == 2


def test_after_a_reset_an_answer_of_the_old_run_does_not_count(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """What a machine answered before the reset is asked again."""
    ledger.record(_told_by("run-a", a_record(case, an_event(2), an_event(3, EventKind.ANSWER_RECORDED))))
    ledger.record(_told_by("run-b", a_record(case, an_event(1))))
    desk.open(_an_ask(case))
    assert _item(book, case).is_open


def test_a_case_that_is_over_has_nothing_on_the_desk(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """Neither an activity nor an officer opens work for it; a case that is not there is not found."""
    ledger.record(a_closing(case))
    assert desk.open(_an_ask(case)) is None
    with pytest.raises(WrongState, match="is over"):
        book.open_item(_an_ask(case))
    assert book.items(case_number=case.case_number) == []
    stranger = case.model_copy(update={"case_number": "PBI-3674-2026-999999"})
    for look in (desk.open, book.open_item):
        with pytest.raises(NotFound):
            look(_an_ask(stranger))


def test_ten_askings_at_once_are_one_piece_of_work(desk: SqlDesk, book: SqlDeskBook, case: CaseRef) -> None:
    """Why people must do it is what the first one said."""
    at_once([partial(desk.open, _an_ask(case), "Refused")] * 10)
    (item,) = book.items(case_number=case.case_number, with_closed=True)
    assert (item.reason, item.role) == ("Refused", Role.SIKS_NG_OPERATOR)


# -- Machine and people ------------------------------------------------------------------------------


@pytest.mark.parametrize("round_", range(5))
def test_machine_and_person_do_not_both_get_the_work(
    desk: SqlDesk, book: SqlDeskBook, case: CaseRef, round_: int
) -> None:
    """At the same moment: one of them has it, and the other is told."""
    ask = _an_ask(case)
    desk.open(ask)
    number = _item(book, case).id

    def take() -> bool:
        return desk.take_for_machine(ask)

    def claim() -> bool:
        try:
            book.assign(number, "operator-1", expects=None, at=MORNING)
        except WrongState:
            return False
        return True

    machine_has, person_has = at_once([take, claim])
    assert machine_has is not person_has
    assert book.item(number).assignee == (MACHINE if machine_has else "operator-1")


def test_the_machine_takes_its_own_work_again_and_leaves_a_persons(
    desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """A worker that crashed comes back to it; nothing on the desk is nobody's quarrel."""
    ask = _an_ask(case)
    assert desk.take_for_machine(ask)
    desk.open(ask)
    assert [desk.take_for_machine(ask) for _ in range(2)] == [True, True]
    number = _item(book, case).id
    book.assign(number, "operator-1", expects=MACHINE, at=MORNING)
    assert not desk.take_for_machine(ask)


def test_the_machine_does_not_repeat_what_a_person_did(
    desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """A person finished the work between the look at the desk and the machine's hand: one effect."""
    ask = _an_ask(case)
    assert desk.open(ask) is None
    book.give(Completion(_a_completion(ask).command, item=_item(book, case).id))
    assert not desk.take_for_machine(ask)


def test_what_the_machine_could_not_do_is_left_to_people(
    desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """Out of its hand and with the reason; opened if nobody had it; a person who has it keeps it."""
    ask = _an_ask(case)
    desk.leave_to_people(ask, "Refused")
    item = _item(book, case)
    assert (item.assignee, item.reason) == (None, "Refused")
    assert desk.take_for_machine(ask)
    desk.leave_to_people(ask, "BadReply")
    assert (_item(book, case).assignee, _item(book, case).reason) == (None, "BadReply")
    book.assign(item.id, "operator-1", expects=None, at=MORNING)
    desk.leave_to_people(ask, "Refused")
    kept = book.item(item.id)
    assert (kept.assignee, kept.reason) == ("operator-1", "Refused")


# -- What events do to the desk ------------------------------------------------------------------------


def test_a_recorded_answer_ends_the_steps_work(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """The machine was first: it is void, in whosever hand it was; another step's stays."""
    for ask in (_an_ask(case), _an_ask(case, Step.KEMENSOS_VERIFICATION)):
        desk.open(ask)
    verdict, upload = _item(book, case), book.items(case_number=case.case_number)[0]
    assert upload.step is UPLOAD
    book.assign(upload.id, "operator-1", expects=None, at=MORNING)
    ledger.record(a_record(case, an_event(2, EventKind.ANSWER_RECORDED)))
    ended = book.item(upload.id)
    assert (ended.result, ended.closed_by) == (DeskResult.VOIDED, MACHINE)
    assert ended.closed_at == an_event(2).at
    assert book.item(verdict.id).is_open


def test_finished_work_stays_finished_by_who_did_it(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """The event of a person's own answer, and the end of the case, change nothing of it."""
    ask = _an_ask(case)
    desk.open(ask)
    item = _item(book, case)
    book.give(Completion(_a_completion(ask).command, item=item.id))
    done = book.item(item.id)
    ledger.record(a_record(case, an_event(2, EventKind.ANSWER_RECORDED)))
    ledger.record(a_closing(case, 3))
    kept = book.item(item.id)
    assert (kept.result, kept.closed_by, kept.closed_at) == (done.result, done.closed_by, done.closed_at)
    assert (done.result, done.closed_by) == (DeskResult.DONE, "operator-1")


def test_another_step_ends_what_was_asked_before(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """A case is at one step: its own work stays, that of others and of earlier attempts is void."""
    asks = [_an_ask(case), _an_ask(case, attempt=2), _an_ask(case, Step.KEMENSOS_VERIFICATION)]
    for ask in asks:
        desk.open(ask)
    opened = an_event(4).model_copy(update={"attempt": 2})
    ledger.record(a_record(case, opened))
    assert [(item.step, item.attempt) for item in book.items(case_number=case.case_number)] == [(UPLOAD, 2)]


def test_an_older_step_that_is_told_late_ends_nothing(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, case: CaseRef
) -> None:
    """A worker that was frozen tells it."""
    ledger.record(a_record(case, an_event(5).model_copy(update={"step": Step.KEMENSOS_VERIFICATION})))
    desk.open(_an_ask(case, Step.KEMENSOS_VERIFICATION))
    ledger.record(a_record(case, an_event(3)))
    assert _item(book, case).is_open


def test_the_end_of_a_case_ends_all_its_work(
    ledger: SqlLedger, desk: SqlDesk, book: SqlDeskBook, registry: SqlRegistry, case: CaseRef
) -> None:
    """To answer and to mend, and nobody else's."""
    other = registry.register(a_new_case()).case
    desk.open(_an_ask(other))
    desk.open(_an_ask(case))
    ledger.record(a_record(case, an_event(2, EventKind.STEP_STUCK)))
    assert len(book.items(case_number=case.case_number)) == 2
    ledger.record(a_closing(case, 3))
    ended = book.items(case_number=case.case_number, with_closed=True)
    assert [(item.result, item.closed_by) for item in ended] == [(DeskResult.VOIDED, None)] * 2
    assert _item(book, other).is_open

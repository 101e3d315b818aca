"""One case of an order for many: looked at again, checked like any other command, and told as it was."""

import asyncio
from datetime import timedelta

import pytest

from gateways.channels import OutboxAndLog
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_calendar_marks import SqlCalendarMarks
from gateways.sql_erasures import SqlErasures
from gateways.sql_lineage import SqlLineage
from gateways.sql_outages import SqlOutages
from gateways.sql_outbox import SqlOutbox
from gateways.sql_trail import SqlTrail
from models.bulk import Bulk, BulkItem, ItemResult, Operation
from models.case import CaseHealth, CaseRef, Step, WaitingOn
from models.desk import Command, CommandKind, CommandResult
from models.errors import NotAllowed, WrongState
from models.messages import EventKind, Extend
from models.outage import System
from runtime.adapters import Office
from runtime.bulk_hands import CaseHands
from runtime.delivery import Delivery, Undelivered
from tests.desk.bench import MORNING, OPERATOR, SUPERVISOR, VERIFIER, Bench
from tests.vaults import a_vault

UPLOAD = Step.SIKS_NG_UPLOAD


class Handing(Delivery):
    """A way to workflows that take everything, or that nobody serves."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.is_served = True
        self.sent: list[str] = []

    async def deliver(self, command: Command) -> Undelivered | None:
        self.sent.append(command.command_id)
        if self.is_served:
            self.bench.book.settle(command.command_id, CommandResult.ACCEPTED, None, self.bench.clock())
        return None if self.is_served else Undelivered.NO_WORKER


class Trial:
    """Hands at a bench, and orders for one case."""

    def __init__(self, bench: Bench) -> None:
        engine = bench.engine
        self.bench, self.delivery, self.outages = bench, Handing(bench), SqlOutages(engine)
        office = Office(
            bench.registry, bench.documents, bench.shelf, bench.book, bench.printer,
            SqlAlertBook(engine), SqlCalendarMarks(engine), SqlTrail(engine, a_vault()),
            SqlErasures(engine, a_vault(), bench.documents), SqlLineage(engine), a_vault(), bench.clock,
        )  # fmt: skip
        channel = OutboxAndLog(SqlOutbox(engine), bench.shelf, bench.clock)
        self.hands = CaseHands(office, self.outages, channel, self.delivery, bench.clock)

    def stuck(self, trouble: str = "Refused", **state: object) -> CaseRef:
        """Return a case that is stuck at the upload."""
        case = self.bench.case(UPLOAD, **state)  # type: ignore[arg-type]  # a builder hands on fields
        self.bench.move(case, UPLOAD, EventKind.STEP_STUCK, health=CaseHealth.STUCK, trouble=trouble)
        return case

    def work(
        self, case: CaseRef, operation: Operation, *, actor: str = SUPERVISOR, **order: object
    ) -> tuple[ItemResult, str | None]:
        """Let the case have its turn in an order that saw it as stuck, unless told otherwise."""
        seen = order.pop("seen", {"CaseHealth": "stuck", "City": case.city})
        bulk = Bulk("b-1", operation, "-", actor, MORNING, "portal pulih", **order)  # type: ignore[arg-type]  # a builder
        item = BulkItem(case.case_number, seen)  # type: ignore[arg-type]  # likewise
        verdict = asyncio.run(self.hands.work(bulk, item))
        return verdict.result, verdict.detail


@pytest.fixture
def trial(bench: Bench) -> Trial:
    """Hands on each database."""
    return Trial(bench)


def test_a_command_is_given_once_however_often_the_case_has_its_turn(trial: Trial) -> None:
    """What the command itself has changed is no reason against it after a kill."""
    case = trial.stuck()
    assert trial.work(case, Operation.RETRY) == ("done", None)
    trial.bench.move(case, UPLOAD, EventKind.STEP_RETRIED)
    assert trial.work(case, Operation.RETRY) == ("done", None)
    assert len(set(trial.delivery.sent)) == 1
    command = trial.bench.book.command(f"bulk-b-1-{case.case_number}")
    assert command is not None
    assert (command.kind, command.actor) == (CommandKind.RETRY, SUPERVISOR)


def test_a_case_that_is_not_as_the_filter_saw_it_is_left_alone(trial: Trial) -> None:
    """Only what the filter looks at counts: another attempt is no change for it."""
    case = trial.stuck()
    trial.bench.move(case, UPLOAD, EventKind.STEP_RETRIED)
    assert trial.work(case, Operation.WITHDRAW) == ("changed", "CaseHealth stuck -> ok")
    other = trial.stuck(attempt=2)
    assert trial.work(other, Operation.WITHDRAW, seen={"CaseHealth": "stuck"})[0] == "done"
    over = trial.stuck()
    trial.bench.close(over)
    assert trial.work(over, Operation.WITHDRAW, seen={}) == ("changed", "over: withdrawn")
    assert len(trial.delivery.sent) == 1


def test_a_retry_skips_what_is_not_stuck(trial: Trial) -> None:
    """On a desk, within the patience of an institution, or slow: no command is given, the item stays one."""
    item = trial.bench.item(Step.DOCUMENT_CHECK)
    result, detail = trial.work(item.case, Operation.RETRY, seen={"City": "3674"})
    assert (result, result.words) == ("not_stuck", "skipped, not stuck")
    assert detail is not None
    assert f"waits for officer at document_check and goes on once item {item.id} is done" in detail
    slow = trial.stuck(trouble="waits.kemensos")
    waiting = trial.bench.case(UPLOAD)
    assert trial.work(slow, Operation.RETRY)[0] == "not_stuck"
    assert trial.work(waiting, Operation.RETRY, seen={})[0] == "not_stuck"
    assert trial.delivery.sent == []
    assert len(trial.bench.items(item.case, with_closed=True)) == 1
    parked = trial.bench.case(UPLOAD, health=CaseHealth.PARKED, trouble="outage.siks_ng")
    assert trial.work(parked, Operation.RETRY, seen={"CaseHealth": "parked"})[0] == "done"


def test_what_nobody_takes_is_kept(trial: Trial) -> None:
    """The command lies in the ledger, and a worker delivers it."""
    trial.delivery.is_served = False
    case = trial.stuck()
    assert trial.work(case, Operation.RETRY) == ("undelivered", Undelivered.NO_WORKER.words)
    assert len(trial.bench.book.undelivered(case.case_number)) == 1


def test_a_case_of_another_city_is_refused_and_that_is_kept(trial: Trial) -> None:
    """Each case is checked, whatever the filter found; likewise the role."""
    case = trial.stuck(city="3275", kecamatan="Bekasi Timur")
    with pytest.raises(NotAllowed, match="outside the officer's area"):
        trial.work(case, Operation.RETRY)
    with pytest.raises(NotAllowed, match="takes the role supervisor"):
        trial.work(trial.stuck(), Operation.RETRY, actor=OPERATOR)
    assert [refused[1] for refused in trial.bench.refused(case)] == ["bulk"]
    assert trial.delivery.sent == []


def test_reason_and_time_go_with_each_command(trial: Trial) -> None:
    """The words stay in the ledger, beside each case's command."""
    case = trial.stuck(due_at=MORNING + timedelta(hours=24))
    assert trial.work(case, Operation.EXTEND, by_seconds=14_400)[0] == "done"
    command = trial.bench.book.command(f"bulk-b-1-{case.case_number}")
    assert command is not None
    assert isinstance(command.message, Extend)
    assert command.message.by == timedelta(hours=4)
    assert trial.bench.book.notes(case.case_number) == {command.command_id: "portal pulih"}


def test_parked_cases_are_released_once_their_system_is_back(trial: Trial) -> None:
    """While the outage is open each would be parked again at once."""
    case = trial.bench.case(UPLOAD, health=CaseHealth.PARKED, trouble="outage.siks_ng")
    now = trial.bench.clock()
    trial.outages.open(System.SIKS_NG, OPERATOR, since=now, note=None, now=now)
    with pytest.raises(WrongState, match="outage end siks_ng"):
        trial.work(case, Operation.RELEASE, seen={"CaseHealth": "parked"})
    trial.outages.end(System.SIKS_NG, OPERATOR, until=now, now=now)
    assert trial.work(case, Operation.RELEASE, seen={"CaseHealth": "parked"})[0] == "done"
    with pytest.raises(WrongState, match="not parked"):
        trial.work(trial.stuck(), Operation.RELEASE)


def test_work_is_given_to_who_may_do_it(trial: Trial) -> None:
    """Open work of the case; a second turn finds it there; without work there is nothing to give."""
    item = trial.bench.item(Step.DOCUMENT_CHECK)
    seen = {"WaitingOn": WaitingOn.OFFICER.value}
    assert trial.work(item.case, Operation.REASSIGN, to=VERIFIER, seen=seen)[0] == "done"
    given = trial.bench.book.item(item.id)
    assert given.assignee == VERIFIER
    assert trial.work(item.case, Operation.REASSIGN, to=VERIFIER, seen=seen)[0] == "done"
    assert trial.bench.book.item(item.id).claimed_at == given.claimed_at
    with pytest.raises(NotAllowed, match=f"not for {OPERATOR}"):
        trial.work(item.case, Operation.REASSIGN, to=OPERATOR, seen=seen)
    with pytest.raises(WrongState, match="nothing lies on the desk"):
        trial.work(trial.bench.case(UPLOAD), Operation.REASSIGN, to=VERIFIER, seen={})


def test_an_escalation_tells_the_next_level_once(trial: Trial) -> None:
    """Above those that were told, up to the last; the same order tells nobody twice."""
    case = trial.stuck()
    for _ in range(2):
        assert trial.work(case, Operation.ESCALATE) == ("done", "level 2: head_of_section")
    told = trial.bench.registry.alerts(case.case_number)
    assert [(alert.kind, alert.levels, alert.detail) for alert in told] == [("case.stuck", (2,), "Refused")]
    late = trial.stuck(escalation_level=3)
    trial.bench.move(late, UPLOAD, EventKind.STEP_STUCK, health=CaseHealth.STUCK, escalation_level=3)
    with pytest.raises(WrongState, match="highest level"):
        trial.work(late, Operation.ESCALATE)

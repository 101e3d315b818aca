"""Orders for many cases in the ledger: kept before anything is done, and what became of each."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from gateways.ledger_access import unavailable
from gateways.sql_bulk import SqlBulkBook
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_registry import SqlRegistry
from models.bulk import Bulk, Chosen, ItemResult, ItemVerdict, Operation
from models.desk import Command, CommandResult, Completion
from models.errors import NotFound, Unavailable
from models.messages import RetryStep
from models.roles import Role
from tests.ledger.builders import MORNING, a_new_case
from tests.vaults import a_vault

DONE = ItemVerdict(ItemResult.DONE)


def an_order(bulk_id: str = "b-1", **fields: object) -> Bulk:
    """Return an order to retry what is stuck."""
    bulk = Bulk(bulk_id, Operation.RETRY, 'CaseHealth="stuck"', "boss", MORNING, "portal pulih")
    return replace(bulk, **fields)  # type: ignore[arg-type]  # a builder


@pytest.fixture
def numbers(registry: SqlRegistry) -> list[str]:
    """Five cases of five people."""
    return [registry.register(a_new_case()).case.case_number for _ in range(5)]


@pytest.fixture
def book(engine: Engine, numbers: list[str]) -> SqlBulkBook:
    """A book that has one order for them."""
    book = SqlBulkBook(engine)
    book.keep(an_order(), [Chosen(number, {"CaseHealth": "stuck", "Attempt": 2}) for number in numbers])
    return book


def test_cases_have_their_turn_once_and_in_order(book: SqlBulkBook, numbers: list[str]) -> None:
    """Whoever takes the order up again finds those that are left."""
    assert [item.case_number for item in book.left("b-1", 2)] == numbers[:2]
    assert book.left("b-1", 2)[0].seen == {"CaseHealth": "stuck", "Attempt": 2}
    book.settle("b-1", numbers[0], DONE, MORNING)
    book.settle("b-1", numbers[2], ItemVerdict(ItemResult.REFUSED, "no"), MORNING)
    assert [item.case_number for item in book.left("b-1", 9)] == [numbers[1], *numbers[3:]]
    told = [(item.result, item.detail) for item in book.items("b-1")]
    assert told == [("done", None), (None, None), ("refused", "no"), (None, None), (None, None)]
    progress = book.progress("b-1")
    assert (progress.total, progress.left, progress.results) == (5, 3, {"done": 1, "refused": 1})


def test_orders_are_kept_apart(book: SqlBulkBook, numbers: list[str]) -> None:
    """Another order for the same case has its own turn; what is not there is said."""
    second = an_order(
        "b-2", operation=Operation.EXTEND, by_seconds=3600, given_at=MORNING + timedelta(hours=1)
    )
    book.keep(second, [Chosen(numbers[0], {})])
    book.settle("b-2", numbers[0], DONE, MORNING)
    assert book.progress("b-1").left == 5
    assert [bulk.id for bulk in book.latest()] == ["b-2", "b-1"]
    assert book.bulk("b-2") == second
    with pytest.raises(NotFound, match="bulk list"):
        book.bulk("b-3")


@pytest.mark.parametrize(
    ("said", "result"),
    [(CommandResult.ACCEPTED, ItemResult.DONE), (CommandResult.REFUSED, ItemResult.REFUSED)],
)
def test_what_was_delivered_later_is_told_as_it_is(
    book: SqlBulkBook, engine: Engine, numbers: list[str], said: CommandResult, result: ItemResult
) -> None:
    """No worker answered at the time; the sweep delivered the command, and the workflow said something."""
    number, desk = numbers[0], SqlDeskBook(engine, a_vault())
    command_id = an_order().command_id(number)
    message = RetryStep(command_id=command_id, actor="boss")
    desk.give(Completion(Command(number, message, "boss", Role.SUPERVISOR, MORNING)))
    book.settle("b-1", number, ItemVerdict(ItemResult.UNDELIVERED, "no worker answered"), MORNING)
    assert book.items("b-1")[0].result is ItemResult.UNDELIVERED
    desk.settle(command_id, said, "words", MORNING + timedelta(minutes=5))
    item = book.items("b-1")[0]
    assert (item.result, item.detail, item.at) == (result, "words", MORNING + timedelta(minutes=5))
    assert book.progress("b-1").results == {result: 1}


def test_a_worker_is_told_to_try_again_while_the_database_is_away(tmp_path: object) -> None:
    """The error is one that the engine retries."""
    from gateways.ledger_schema import open_engine  # noqa: PLC0415 - only here

    engine = open_engine("sqlite:////nowhere/at/all/l.db")
    book = SqlBulkBook(engine, unavailable)
    with pytest.raises(Unavailable):
        book.bulk("b-1")

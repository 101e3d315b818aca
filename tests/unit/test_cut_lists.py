"""No list stops without a word: how many there are is on the screen, and in what machines read."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateways.ledger_schema import open_engine
from gateways.sql_bulk import SqlBulkBook
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_event_book import SqlEventBook
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.bulk import Bulk, Chosen, Operation
from models.events import EventNote, EventResult
from models.outbox import Addressed
from models.roles import Act
from tests.ledger.builders import a_new_case, an_alert
from tests.ledgers import put_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
SUPERVISOR = ("--as", "tangsel-supervisor")
MANY = 5


@dataclass
class Filled:
    """A ledger with five of everything in the supervisor's city, and one more elsewhere."""

    folder: Path

    def __post_init__(self) -> None:
        engine = open_engine(put_ledger(self.folder / "ledger.db"))
        registry, desk, bulks = (
            SqlRegistry(engine, a_vault()),
            SqlDeskBook(engine, a_vault()),
            SqlBulkBook(engine),
        )
        elsewhere = registry.register(a_new_case(city="3275")).case
        for place in range(MANY):
            case, at = registry.register(a_new_case()).case, NOW + timedelta(minutes=place)
            desk.refuse("tangsel-loket-1", Act.RETRY, case.case_number, "why", at)
            SqlEventBook(engine).note(EventNote(at, EventResult.NOT_OPEN, case_number=case.case_number))
            SqlOutbox(engine).put([Addressed(an_alert(case, f"k{place}"), ())])
            bulks.keep(
                Bulk(f"b-{place}", Operation.RETRY, "-", SUPERVISOR[1], at, "pulih"),
                [Chosen(case.case_number, {})],
            )
        for minute in range(
            3
        ):  # newer than all the others: they must not stand in the way of what may be read
            at = NOW + timedelta(hours=1, minutes=minute)
            desk.refuse("bekasi-loket-1", Act.RETRY, elsewhere.case_number, "why", at)
            SqlEventBook(engine).note(EventNote(at, EventResult.NOT_OPEN, case_number=elsewhere.case_number))
        engine.dispose()


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    """Give such a ledger."""
    return Filled(tmp_path)


@pytest.mark.parametrize(
    ("command", "name", "total"),
    [
        (("list", "--city", "3674"), "cases", MANY),
        (("list",), "cases", MANY + 1),
        (("alerts", "list", "--city", "3674"), "alerts", MANY),
        (("desk", "refusals", *SUPERVISOR), "refusals", MANY),
        (("events", "list", *SUPERVISOR), "events", MANY),
        (("bulk", "list", *SUPERVISOR), "orders", MANY),
        (("audit", "show", "--actor", "tangsel-loket-1", *SUPERVISOR), "lines", MANY),
    ],
    ids=["cases of a city", "cases", "alerts", "refusals", "events", "orders", "trail"],
)
def test_a_list_that_is_cut_says_so(filled: Filled, command: tuple[str, ...], name: str, total: int) -> None:
    """Also where only some of what is there may be read: those are counted, and those are shown."""
    cut, whole = (typed(filled.folder, *command, "--limit", limit) for limit in ("2", str(total)))
    assert (cut.code, whole.code) == (0, 0), cut.err
    words = f"2 of {total}; --limit {total} shows all"
    assert (words in cut.out, "shows all" in whole.out) == (True, False)
    told = json.loads(typed(filled.folder, *command, "--limit", "2", "--json").out)
    assert (len(told[name]), told["total"]) == (2, total)
    told = json.loads(typed(filled.folder, *command, "--json").out)
    assert (len(told[name]), told["total"]) == (total, total)


def test_nothing_is_none_of_none(tmp_path: Path) -> None:
    """An empty list is whole."""
    put_ledger(tmp_path / "ledger.db")
    assert json.loads(typed(tmp_path, "list", "--json").out) == {"cases": [], "total": 0}
    assert typed(tmp_path, "list").out.strip() == "no case matches"

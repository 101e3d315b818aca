"""What an order for many cases leaves with: the exit code says whether anything was done."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from rich.console import Console

from cli.bulk_screens import rehearse
from gateways.ledger_schema import open_engine
from gateways.sql_bulk import SqlBulkBook
from gateways.sql_registry import SqlRegistry
from models.bulk import Bulk, Chosen, Filter, ItemResult, ItemVerdict, Operation
from models.roles import Officer, Role
from runtime.bulk_desk import BulkDesk, Found
from tests.ledger.builders import a_new_case
from tests.ledgers import put_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
AS = ("--as", "tangsel-supervisor")
DONE, REFUSED, FAILED = ItemResult.DONE, ItemResult.REFUSED, ItemResult.FAILED
CHANGED, UNDELIVERED, NOT_STUCK = ItemResult.CHANGED, ItemResult.UNDELIVERED, ItemResult.NOT_STUCK


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([DONE, DONE], 0),
        ([DONE, REFUSED, FAILED], 0),
        ([UNDELIVERED, REFUSED], 0),
        ([REFUSED, REFUSED], 4),
        ([CHANGED], 4),
        ([NOT_STUCK, NOT_STUCK], 4),
        ([DONE, NOT_STUCK], 0),
        ([FAILED, CHANGED], 4),
    ],
)
def test_an_order_that_did_nothing_is_not_called_done(
    tmp_path: Path, results: list[ItemResult], code: int
) -> None:
    """One that did something is, with the count of what was not; each case has its line in the file."""
    engine = open_engine(put_ledger(tmp_path / "ledger.db"))
    book, registry = SqlBulkBook(engine), SqlRegistry(engine, a_vault())
    numbers = [registry.register(a_new_case()).case.case_number for _ in results]
    book.keep(
        Bulk("b-1", Operation.RETRY, 'City="3674"', AS[1], NOW, "pulih"), [Chosen(one, {}) for one in numbers]
    )
    for number, result in zip(numbers, results, strict=True):
        book.settle("b-1", number, ItemVerdict(result), NOW)
    ran = typed(tmp_path, "bulk", "run", "b-1", "--results", str(tmp_path / "r.csv"), *AS)
    assert (ran.code, "nothing was done to any case" in ran.out) == (code, code == 4), ran.out
    assert typed(tmp_path, "bulk", "run", "b-1", "--json", *AS, at=tmp_path).code == code
    assert typed(tmp_path, "bulk", "show", "b-1", *AS).code == 0, "what is only looked at is never refused"


@pytest.mark.parametrize(
    ("kecamatan", "offered"),
    [(["Pamulang", "Setu"], True), (["Setu", "Setu"], False), ([], False)],
    ids=["in part", "all refused", "none"],
)
def test_a_rehearsal_offers_only_what_can_be_done(
    tmp_path: Path, kecamatan: list[str], offered: bool
) -> None:
    """Of cases outside the officer's area each would be refused."""
    officer = Officer(
        id="boss", name="Contoh", roles=frozenset({Role.SUPERVISOR}), cities=["3674"], kecamatan=["Pamulang"]
    )
    found = [
        Found(Chosen(f"PBI-3674-2026-{place:06d}", {}), "3674", name, "medical", "")
        for place, name in enumerate(kecamatan, 1)
    ]
    out = io.StringIO()
    rehearse(
        Operation.RETRY,
        Filter('City="3674"', frozenset({"City"})),
        found,
        9,
        officer,
        tmp_path / "ids",
        Console(file=out, width=200),
        export=lambda _reason, _count: None,
        as_json=False,
    )
    assert ("--expect" in out.getvalue()) is offered
    assert ("nothing can be" in out.getvalue()) is not offered


@pytest.mark.parametrize("named", [(), ("--ids", "mine.txt")], ids=["not named", "named"])
@pytest.mark.parametrize("count", [0, 1])
def test_a_rehearsal_that_finds_nothing_leaves_no_file_that_nobody_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...], count: int
) -> None:
    """What the screen names is there. A file that was named is written anew: an older list must not stay."""
    put_ledger(tmp_path / "ledger.db")
    here = tmp_path / "here"
    here.mkdir()
    if named:
        (here / "mine.txt").write_text("PBI-3674-2026-000099\n")
    number = "PBI-3674-2026-000001"
    cases = [Found(Chosen(number, {}), "3674", "Pamulang", "medical", "")][:count]
    monkeypatch.setattr(BulkDesk, "find", AsyncMock(return_value=cases))
    monkeypatch.setattr(BulkDesk, "running", AsyncMock(return_value=9))
    order = ("bulk", "retry", "--where", 'CaseHealth="stuck"', *named, *AS)
    ran = typed(tmp_path, *order, at=here)
    assert (ran.code, "there is no such case" in ran.out) == (0, count == 0), ran.err
    files = list(here.iterdir())
    assert [file.read_text() for file in files] == [f"{number}\n" * count] * bool(count or named)
    assert ("all of them" in ran.out) is bool(files)
    assert all(file.name in ran.out for file in files)
    noted = typed(tmp_path, "audit", "show", "--json", *AS)
    assert noted.out.count("rehearsal:retry") == len(files)
    ids = json.loads(typed(tmp_path, *order, "--json", at=here).out)["ids"]
    assert (ids is None) is (not files)

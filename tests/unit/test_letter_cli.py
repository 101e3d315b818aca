"""`starter.py letter` and what `show` says of letters, as officers type them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Outcome
from models.desk import NewLetter
from models.letters import subject_digest
from tests.ledger.builders import MORNING, a_closing, a_new_case
from tests.ledgers import a_ledger
from tests.unit.typed import Typed, typed
from tests.vaults import a_vault

COUNTER = ("--as", "tangsel-loket-1")


class Desk:
    """A ledger with a case that has a letter."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.engine = folder, a_ledger(folder)
        self.ledger, self.book = SqlLedger(self.engine, a_vault()), SqlDeskBook(self.engine, a_vault())
        self.case: CaseRef = SqlRegistry(self.engine, a_vault()).register(a_new_case()).case
        self.number = self.case.case_number
        dossier = self.book.dossier(self.number)
        digest = subject_digest(dossier.person, dossier.need, dossier.deactivated_on)
        new = NewLetter(MORNING.date(), digest, lambda number, _: f"400.9/{number:04d}", None)
        self.code = self.ledger.issue_letter(self.number, 1, new).verification_code

    def types(self, *arguments: str) -> Typed:
        """Type a command in the folder."""
        return typed(self.folder, *arguments, at=self.folder)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give an office with one letter."""
    made = Desk(tmp_path)
    yield made
    made.engine.dispose()


def test_the_file_that_was_written_is_named(desk: Desk) -> None:
    """Also when nobody said where; a code that is looked up writes none."""
    told = json.loads(desk.types("letter", desk.number, *COUNTER, "--json").out)
    assert (desk.folder / told["file"]).read_bytes().startswith(b"%PDF-")
    looked_up = json.loads(desk.types("letter", "--verify", desk.code, "--json").out)
    assert (looked_up["file"], looked_up["is_valid"], looked_up["void_because"]) == (None, True, None)


def test_a_letter_of_a_withdrawn_case_is_void_at_every_door(desk: Desk) -> None:
    """Nothing is written, the code says why, and so does the case."""
    assert "berlaku" in desk.types("letter", "--verify", desk.code).out
    desk.ledger.record(a_closing(desk.case, outcome=Outcome.WITHDRAWN))
    refused = desk.types("letter", desk.number, *COUNTER)
    assert (refused.code, "ended as withdrawn: its letter 400.9/0001 is void" in refused.err) == (4, True)
    assert list(desk.folder.glob("*.pdf")) == []
    for door in (("letter", "--verify", desk.code), ("show", desk.number)):
        told = desk.types(*door)
        assert (told.code, "BATAL (kasus berakhir: dibatalkan)" in told.out) == (0, True), door
        assert "berlaku" not in told.out
    at = (MORNING + timedelta(minutes=2)).isoformat(" ")
    for data in (
        json.loads(desk.types("letter", "--verify", desk.code, "--json").out),
        json.loads(desk.types("show", desk.number, "--json").out)["letters"][0],
    ):
        assert (data["is_valid"], data["void_because"], data["voided_at"]) == (False, "withdrawn", at)

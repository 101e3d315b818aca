"""`starter.py privacy erase`, `hold`, `release-hold` and `retention` as officers type them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateways.policy_folder import PolicyFolder
from gateways.sql_erasures import SqlErasures
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef
from models.desk import NewLetter
from runtime.retention import erase_due
from tests.ledger.audited import NoPapers
from tests.ledger.builders import MORNING, a_closing, a_new_case, a_person
from tests.ledgers import a_ledger
from tests.unit.typed import Typed, typed
from tests.vaults import a_vault

ROOT = Path(__file__).parents[2]
SUPERVISOR = ("--as", "tangsel-supervisor")
NAME = "Siti Terhapus"


class Desk:
    """A ledger in a folder, and commands typed there."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder, self.engine = folder, engine
        self.registry, self.ledger = SqlRegistry(engine, a_vault()), SqlLedger(engine, a_vault())

    def ended(self, city: str = "3674") -> CaseRef:
        """Return a case with a letter that is over."""
        case = self.registry.register(a_new_case(a_person(name=NAME), city=city)).case
        letter = NewLetter(MORNING.date(), "dg", lambda number, _: f"SR/{number}", None)
        self.ledger.issue_letter(case.case_number, 1, letter)
        self.ledger.record(a_closing(case))
        return case

    def types(self, *arguments: str, **settings: str) -> Typed:
        """Type a command; it shows nothing personal."""
        made = typed(self.folder, *arguments, at=None, **settings)
        assert NAME not in made.out + made.err
        return made

    def privacy(self, *arguments: str, **settings: str) -> Typed:
        """Type a command on privacy as a supervisor."""
        return self.types("privacy", *arguments, *SUPERVISOR, **settings)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give an empty one."""
    engine = a_ledger(tmp_path)
    yield Desk(tmp_path, engine)
    engine.dispose()


def test_nothing_is_erased_without_yes(desk: Desk) -> None:
    """Shown first, then done once; every door says since when."""
    number = desk.ended().case_number
    ask = ("erase", number, "--reason", "requested")
    shown = desk.privacy(*ask)
    assert shown.code == 0
    assert f"would be erased: the person of {number}" in shown.out
    assert "nothing was done" in shown.out
    assert json.loads(desk.types("show", number, "--json").out)["erased_at"] is None

    done = json.loads(desk.privacy(*ask, "--yes", "--json").out)
    assert (done["cases"], done["letters"], done["is_new"]) == ([number], 1, True)
    again = json.loads(desk.privacy(*ask, "--yes", "--json").out)
    assert (again["erased_at"][:19], again["is_new"]) == (done["erased_at"][:19], False)
    assert "erased on" in desk.privacy(*ask).out

    for open_to_all in (("show", number), ("why", number), ("list",)):
        told = desk.types(*open_to_all)
        assert (told.code, "erased" in told.out) == (0, True), open_to_all
    assert "SR/1" in desk.types("show", number).out
    for data in (("show", number), ("why", number)):
        assert json.loads(desk.types(*data, "--json").out)["erased_at"][:10] == done["erased_at"][:10]
    assert (
        json.loads(desk.types("list", "--json").out)["cases"][0]["erased_at"][:10] == done["erased_at"][:10]
    )
    file = str(desk.folder / "out")
    for closed in (
        ("documents", "list", number),
        ("letter", number, "--output", file, *SUPERVISOR),
        ("privacy", "access", number, "--reason", "diminta", "--out", file, *SUPERVISOR),
    ):
        refused = desk.types(*closed)
        assert (refused.code, "the personal data was erased on" in refused.err) == (4, True), closed
    assert desk.types("audit", "seal").code == 0
    assert desk.types("audit", "verify").code == 0
    trail = desk.types("audit", "show", "--case", number, "--json", *SUPERVISOR)
    [line] = [one for one in json.loads(trail.out)["lines"] if one["what"] == "privacy erase"]
    assert (line["actor"], line["role"], line["reason"]) == ("tangsel-supervisor", "supervisor", "requested")


def test_a_hold_keeps_it(desk: Desk) -> None:
    """Placed and released by those who may; a rehearsal is refused as the deed would be."""
    number = desk.ended().case_number
    erase = ("erase", number, "--reason", "unlawful")
    assert desk.privacy("hold", number, "--reason", "sengketa").code == 0
    for yes in ((), ("--yes",)):
        refused = desk.privacy(*erase, *yes)
        assert (refused.code, "a legal hold is in force" in refused.err) == (4, True)
    assert desk.privacy("release-hold", number, "--reason", " ").code == 2
    assert desk.privacy("release-hold", number, "--reason", "putusan").code == 0
    assert desk.privacy("release-hold", number, "--reason", "putusan").code == 4
    assert desk.privacy(*erase, "--yes").code == 0


@pytest.mark.parametrize("command", ["erase", "hold", "release-hold"])
def test_who_may_not(desk: Desk, command: str) -> None:
    """Others are refused, of another city too; a reason to erase is one of the codes, not words."""
    case, reason = desk.ended(), "requested" if command == "erase" else "diminta"
    ask = ("privacy", command, case.case_number, "--reason", reason)
    for officer in ("tangsel-loket-1", "auditor", "bekasi-supervisor"):
        assert desk.types(*ask, "--as", officer).code == 4
    assert desk.privacy("erase", case.case_number, "--reason", "diminta Ibu Siti").code == 2
    assert desk.privacy("erase", "PBI-3674-2026-999999", "--reason", "requested").code == 3
    opened = desk.registry.register(a_new_case()).case.case_number
    assert desk.privacy("erase", opened, "--reason", "requested").code == 4


def test_a_person_of_two_cities_is_not_one_offices_to_erase(desk: Desk) -> None:
    """One key opens both cases, so whoever erases must serve both."""
    person = a_person()
    numbers = []
    for city in ("3674", "3275"):
        case = desk.registry.register(a_new_case(person, city=city)).case
        desk.ledger.record(a_closing(case))
        numbers.append(case.case_number)
    for number in numbers:
        assert desk.privacy("erase", number, "--reason", "requested", "--yes").code == 4


def test_retention_follows_the_policy(desk: Desk, tmp_path: Path) -> None:
    """By default for ever; with a time whoever is over longer goes, each once, by command or by a worker."""
    mine, elsewhere = desk.ended(), desk.ended("3275")
    kept = desk.privacy("retention", "--yes")
    assert (kept.code, "kept for ever" in kept.out, "0 person(s) erased" in kept.out) == (0, True, True)
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    for file in policies.glob("kota-*.toml"):
        file.write_text(file.read_text().replace("# erase_after_days = 1825", "erase_after_days = 30"))
    ask = ("retention", "--json")
    settings = {"REAKTIVASI_POLICIES_DIR": str(policies)}
    told = json.loads(desk.privacy(*ask, **settings).out)
    assert ([one["cases"] for one in told["due"]], told["erased"]) == ([[mine.case_number]], 0)
    assert desk.privacy(*ask, "--city", "3275", **settings).code == 4
    assert json.loads(desk.privacy(*ask, "--yes", "--city", "3674", **settings).out)["erased"] == 1
    assert json.loads(desk.privacy(*ask, "--yes", **settings).out)["erased"] == 0

    erasures = SqlErasures(desk.engine, a_vault(), NoPapers())
    assert erase_due(erasures, PolicyFolder(policies), MORNING) == 0
    later = MORNING.replace(year=2027)
    assert erase_due(erasures, PolicyFolder(policies), later) == 1
    assert erase_due(erasures, PolicyFolder(policies), later) == 0
    assert erasures.erased([elsewhere.case_number]) == {elsewhere.case_number: later}

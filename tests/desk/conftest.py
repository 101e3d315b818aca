"""One office for each database and file of tests: a migrated ledger, papers, policies, a printer, a clock."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateways.ledger_schema import open_engine
from gateways.policy_folder import PolicyFolder
from gateways.typst_letters import TypstLetters
from tests.desk.bench import EXTRA_PEOPLE, Bench, Clock
from tests.ledger.conftest import forged, migrated_database, postgres
from tests.ledgers import a_server_ledger, put_ledger

__all__ = ["migrated_database", "postgres"]
_POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture(scope="session")
def printer() -> TypstLetters:
    """Give the printer with the templates that ship."""
    return TypstLetters(_POLICIES / "surat")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> PolicyFolder:
    """Give the policies that ship, with an officer of many roles and ten operators more."""
    folder = shutil.copytree(_POLICIES, tmp_path_factory.mktemp("desk") / "policies")
    people = folder / "people.toml"
    people.write_text(people.read_text() + EXTRA_PEOPLE)
    return PolicyFolder(folder)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Open a migrated ledger of this file's own, on each database."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = put_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")
        else:
            server, template = map(request.getfixturevalue, ("postgres", "migrated_database"))
            url = stack.enter_context(a_server_ledger(server, template))
        engine = open_engine(url)
        yield engine
        assert forged(engine) == []
        engine.dispose()


@pytest.fixture
def bench(desk_engine: Engine, tmp_path: Path, shelf: PolicyFolder, printer: TypstLetters) -> Bench:
    """Give the office, an hour after its first cases came in."""
    return Bench(desk_engine, tmp_path, shelf, printer, Clock())

"""A desk for lists; its ledger is a copy of one that was migrated once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.ledger_schema import migrate, open_engine
from tests.intake.lists import Desk


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a ledger without cases."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def desk(tmp_path: Path, empty_ledger: Path) -> Iterator[Desk]:
    """Open a desk."""
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    desk = Desk(tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}")
    yield desk
    desk.engine.dispose()

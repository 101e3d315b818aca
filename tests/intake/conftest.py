"""A desk for lists; its ledger is a copy of one that was migrated once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.lists import Desk
from tests.ledgers import put_ledger


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Open a desk."""
    desk = Desk(tmp_path, put_ledger(tmp_path / "ledger.db"))
    yield desk
    desk.engine.dispose()

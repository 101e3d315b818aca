"""How the ledger is read: each statement at its own time, or everything as of one moment."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Connection, Engine, text

from gateways.ledger_access import LedgerAccess
from gateways.sql_registry import SqlRegistry
from models.errors import EngineUnreachable
from tests.ledger.builders import a_new_case

_COUNT = text("SELECT count(*) FROM cases")


@pytest.fixture
def access(engine: Engine) -> LedgerAccess:
    """Return the way to the ledger."""
    return LedgerAccess(engine, lambda fault: EngineUnreachable(fault.what))


def counted_twice(
    registry: SqlRegistry, reading: Callable[[], AbstractContextManager[Connection]]
) -> list[int]:
    """Count the cases before and after somebody registered one, in one go of reading."""
    with reading() as connection:
        before = connection.execute(_COUNT).scalar_one()
        registry.register(a_new_case())
        return [before, connection.execute(_COUNT).scalar_one()]


def test_a_snapshot_stays_at_its_moment(access: LedgerAccess, registry: SqlRegistry) -> None:
    """What others commit meanwhile is not in it, so that its totals add up."""
    assert counted_twice(registry, access.snapshot) == [0, 0]
    assert counted_twice(registry, access.snapshot) == [1, 1]


def test_a_plain_read_sees_what_is_committed(access: LedgerAccess, registry: SqlRegistry) -> None:
    """No statement waits for another, and none leaves a transaction behind."""
    assert counted_twice(registry, access.read) == [0, 1]
    with access.read() as connection:
        connection.execute(_COUNT)
        driver = connection.connection.dbapi_connection
        assert driver is not None
        assert not getattr(driver, "in_transaction", False)
        assert getattr(driver, "info", None) is None or driver.info.transaction_status.name == "IDLE"

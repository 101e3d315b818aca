"""What the suite breaks things with does break them, and mends them: disk, wall clock, SQLite's lock."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.chaos.clock import Clock
from tests.chaos.databases import SqliteFile
from tests.chaos.disk import Disk, limited

_WRITER = """
import sys
for path in sys.stdin:
    try:
        with open(path.strip(), "ab", buffering=0) as file:
            file.write(bytes(4096))
        print("written", flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""
_TELLER = "import sys, time\nfor _ in sys.stdin: print(time.time(), flush=True)"


@contextmanager
def a_process(program: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program that answers each line with a line."""
    pipe = subprocess.PIPE
    environment = dict(os.environ) | environment
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def ask(process: subprocess.Popen[str], line: str = "") -> str:
    """Return the answer to a line."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_limited_process_cannot_write_and_then_it_can(tmp_path: Path) -> None:
    """It needs no right: EFBIG while it lasts."""
    with a_process(_WRITER) as writer:
        file = str(tmp_path / "a")
        assert ask(writer, file) == "written"
        with limited([writer.pid]):
            assert ask(writer, file) == "27"
        assert ask(writer, file) == "written"


def test_a_full_disk_takes_nothing_and_then_it_does(tmp_path: Path) -> None:
    """A real one, ENOSPC, where a tmpfs may be mounted."""
    disk = Disk(tmp_path / "disk", megabytes=1)
    if not disk.is_mounted:
        pytest.skip("only root may mount a tmpfs; RLIMIT_FSIZE stands in for it")
    try:
        with a_process(_WRITER) as writer:
            file = str(disk.folder / "a")
            assert ask(writer, file) == "written"
            with disk.full([writer.pid]):
                assert ask(writer, file) == "28"
            assert ask(writer, file) == "written"
    finally:
        disk.close()


def test_the_wall_clock_of_a_running_process_jumps_there_and_back(tmp_path: Path) -> None:
    """Seconds forward, seconds back, for that process only."""
    clock = Clock(tmp_path)
    if not clock.is_there:
        pytest.skip("no C compiler: the clock cannot be set")
    with a_process(_TELLER, **clock.environment) as teller:
        for jump in (0, 600, -600, 0):
            clock.set(jump)
            told = float(ask(teller)) - datetime.now(UTC).timestamp()
            assert told == pytest.approx(jump, abs=2)


def test_a_held_ledger_takes_no_write_and_then_it_does(tmp_path: Path) -> None:
    """The holder is another process; killing it lets go."""
    database = SqliteFile(tmp_path / "ledger.db")
    connection = sqlite3.connect(database.path, timeout=0, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x)")
    database.lock()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.execute("INSERT INTO t VALUES (1)")
    database.release()
    connection.execute("INSERT INTO t VALUES (1)")
    connection.close()

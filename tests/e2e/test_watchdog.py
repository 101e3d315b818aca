"""The watchdog as a process: beside a running office, and where nothing else is up."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete

from gateways.ledger_migrations import migrate
from gateways.ledger_schema import open_engine
from gateways.sql_watch import SqlWatch
from models.watch_tables import heartbeats
from runtime.gauges import AGE
from runtime.processes import Child
from runtime.settings import ROOT
from runtime.watchdog import WATCHDOG
from tests.e2e.office import Office, until

FAST = {"REAKTIVASI_WATCH_EVERY": "PT1S"}
METRICS = "REAKTIVASI_METRICS_ADDRESS"


@pytest.fixture
async def metrics(office: Office) -> AsyncIterator[str]:
    """Let the office's worker serve metrics, and give their address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    worker = office.stack.worker
    before = dict(worker.environment)
    worker.stop()
    worker.environment |= FAST | {METRICS: address}
    worker.start()
    await office.stack.until_worker_polls()
    yield address
    worker.stop()
    worker.environment = before
    worker.start()
    with office.engine.begin() as connection:
        connection.execute(delete(heartbeats))


@contextmanager
def watching(office: Office, metrics: str) -> Iterator[Child]:
    """Run the office's watchdog, told of the address that is the worker's."""
    dog = office.stack.watchdog
    dog.environment |= FAST | {METRICS: metrics}
    dog.start()
    try:
        yield dog
    finally:
        dog.stop()


def age(metrics: str) -> int | None:
    """Return how old the last round is, as the worker's metrics say; None when they do not."""
    lines = httpx.get(f"http://{metrics}/metrics", trust_env=False).text.splitlines()
    return next((int(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(AGE)), None)


@pytest.mark.slow
async def test_a_watchdog_that_stops_is_missed(office: Office, metrics: str) -> None:
    """It ends in order when told to; then `doctor` fails, says how to mend it, and the metric grows."""
    assert "was never at work" in (await office.cli("doctor", **{METRICS: metrics})).out
    assert age(metrics) is None
    with watching(office, metrics) as dog:
        await until(lambda: age(metrics) is not None, 20, dog.log_file.read_text)
        well = await office.cli("doctor", **{METRICS: metrics})
        assert well.code == 0, well.said
        assert "ok   watchdog           last round" in well.out
        dog.stop()
        assert dog.process is not None
        assert dog.process.returncode == 0, dog.log_file.read_text()

    await until(lambda: (age(metrics) or 0) > 3, 20, dog.log_file.read_text)
    ill = await office.cli("doctor", **{METRICS: metrics})
    assert ill.code == 5
    assert "FAIL watchdog           last round" in ill.out
    assert "mend: start it: `python worker.py --watchdog`" in ill.out
    assert ill.out.count("FAIL") == 1


@pytest.mark.slow
async def test_it_comes_up_and_goes_on_where_nothing_else_is_up(tmp_path: Path) -> None:
    """Neither Temporal nor the ledger: as soon as that is there, the heart beats."""
    ledger = tmp_path / "later" / "ledger.db"
    engine = open_engine(f"sqlite:///{ledger}")
    environment = dict(os.environ) | FAST
    environment |= {"REAKTIVASI_LOCAL_DIR": str(tmp_path), "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    environment |= {"REAKTIVASI_DATABASE_URL": f"sqlite:///{ledger}"}
    log = tmp_path / "watchdog.log"
    dog = Child(WATCHDOG, [sys.executable, str(ROOT / "worker.py"), "--watchdog"], environment, log)
    dog.start()
    try:
        await until(lambda: "cannot be opened" in log.read_text(), 20, log.read_text)
        ledger.parent.mkdir()
        migrate(engine)
        await until(lambda: SqlWatch(engine).heartbeat(WATCHDOG) is not None, 20, log.read_text)
        await asyncio.to_thread(dog.stop, signal.SIGTERM)
        assert dog.process is not None
        assert dog.process.returncode == 0, log.read_text()
    finally:
        dog.stop()
        engine.dispose()

"""Who watches the watchdog: figures for whoever scrapes them, and an alert when it is silent."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from temporalio.common import MetricMeter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from gateways.channels import OutboxAndLog
from gateways.policy_folder import PolicyFolder
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_watch import SqlWatch
from models.messages import Alert, AlertKind
from models.outbox import AlertState, Sent
from runtime.adapters import Watching
from runtime.gauges import AGE, PENDING, UNACKNOWLEDGED, UNHEARD, Gauges, gauge_for_ever
from runtime.watchdog import WATCHDOG
from tests.ledger.builders import MORNING, a_new_case, an_alert
from tests.ledgers import a_ledger
from tests.vaults import a_vault

ROOT = Path(__file__).resolve().parents[2]
MINUTE = timedelta(minutes=1)


class Office:
    """A ledger, and workers that look after the watchdog."""

    def __init__(self, folder: Path) -> None:
        self.sql = a_ledger(folder)
        self.now = MORNING
        self.watch, self.book = SqlWatch(self.sql), SqlAlertBook(self.sql)
        shelf = PolicyFolder(ROOT / "policies")
        self.outbox = SqlOutbox(self.sql, lambda: self.now)
        self.channel = OutboxAndLog(self.outbox, shelf, lambda: self.now)
        self.watching = Watching(self.watch, self.channel, shelf)

    def worker(self, meter: MetricMeter = MetricMeter.noop) -> Gauges:
        """Start a worker."""
        return Gauges(self.watching, meter, lambda: self.now)

    def beat(self) -> None:
        """Let the watchdog go a round."""
        self.watch.beat(WATCHDOG, self.now, MINUTE)

    def alerts(self, state: AlertState | None = None) -> list[Alert]:
        """Return the alerts, by city."""
        entries = self.book.entries(state=state)
        return sorted((entry.alert for entry in entries), key=lambda alert: (alert.raised_at, alert.city))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Give the office."""
    made = Office(tmp_path)
    yield made
    made.sql.dispose()


def scrape(address: str) -> dict[str, str]:
    """Return our own figures, as Prometheus reads them."""
    text = httpx.get(f"http://{address}/metrics", trust_env=False).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("reaktivasi_")]
    return {name.partition("{")[0]: value for name, value in lines}


def test_figures_can_be_scraped(office: Office) -> None:
    """Before the watchdog ever was at work its age is not there, rather than zero."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    runtime = Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=address)))
    gauges = office.worker(runtime.metric_meter)
    office.channel.send(an_alert(SqlRegistry(office.sql, a_vault()).register(a_new_case()).case))
    office.now += 31 * MINUTE
    gauges.round()
    assert scrape(address) == {UNACKNOWLEDGED: "1", UNHEARD: "1", PENDING: "2"}
    office.beat()
    first = office.outbox.lease(office.now, office.now)[0]
    office.outbox.sent([Sent(first.id, None)], office.now)
    office.now += 1.5 * MINUTE
    gauges.round()
    assert scrape(address) == {UNACKNOWLEDGED: "1", UNHEARD: "0", PENDING: "1", AGE: "90"}


def test_a_silent_watchdog_is_told_to_every_city_once(office: Office) -> None:
    """After three rounds and a minute, by however many workers; it is taken back when it is at work again."""
    first, second = office.worker(), office.worker()
    office.beat()
    office.now += 4 * MINUTE
    first.round()
    assert office.alerts() == []
    office.now += MINUTE
    for worker in (first, second, first):
        worker.round()
    assert [(alert.kind, alert.city, alert.detail) for alert in office.alerts()] == [
        (AlertKind.WATCHDOG_SILENT, "3275", "2026-03-02_08.00_WIB"),
        (AlertKind.WATCHDOG_SILENT, "3674", "2026-03-02_08.00_WIB"),
    ]
    assert office.alerts()[1].key == "watch:3674:silent:20260302T0100Z"
    office.beat()
    second.round()
    assert office.alerts(AlertState.OPEN) == []


def test_a_silence_that_lasts_is_told_anew_each_day(office: Office) -> None:
    """By all workers under one key."""
    workers = [office.worker(), office.worker()]
    office.beat()
    office.now += timedelta(hours=1)
    workers[0].round()
    office.now += timedelta(hours=24)
    for worker in workers:
        worker.round()
    assert len(office.alerts(AlertState.CLOSED)) == 2
    assert [alert.key for alert in office.alerts(AlertState.OPEN)] == [
        "watch:3275:silent:20260302T1700Z",
        "watch:3674:silent:20260302T1700Z",
    ]


def test_a_standstill_of_everything_is_no_silence(office: Office) -> None:
    """A worker that comes up waits as long for the watchdog; what another one told it leaves alone."""
    office.beat()
    office.now += timedelta(hours=8)
    worker = office.worker()
    office.now += 4 * MINUTE
    worker.round()
    assert office.alerts() == []
    office.now += MINUTE
    worker.round()
    assert len(office.alerts(AlertState.OPEN)) == 2
    office.worker().round()
    assert len(office.alerts(AlertState.OPEN)) == 2


def test_a_watchdog_that_never_was_is_not_missed(office: Office) -> None:
    """An installation without one was made so; `doctor` says it."""
    worker = office.worker()
    office.now += timedelta(days=1)
    worker.round()
    assert office.alerts() == []


async def test_a_ledger_that_is_away_ends_nothing(tmp_path: Path) -> None:
    """It is logged, and tried again."""
    office = Office(tmp_path)
    office.sql.dispose()
    (tmp_path / "ledger.db").rename(tmp_path / "elsewhere")
    (tmp_path / "ledger.db").mkdir()
    with structlog.testing.capture_logs() as logged:
        going_on = asyncio.create_task(gauge_for_ever(office.worker(), timedelta(milliseconds=1)))
        async with asyncio.timeout(10):
            while len(logged) < 2:
                await asyncio.sleep(0.005)
        assert not going_on.done()
        going_on.cancel()
    assert {line["event"] for line in logged} == {"gauges.failed"}

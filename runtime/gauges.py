"""The worker watches the watchdog, and shows figures of it and of alerts to whoever scrapes metrics."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

import structlog
from temporalio.common import MetricMeter

from gateways.ports.watch import Heartbeat
from models.errors import ReactivationError
from models.messages import AlertKind
from models.wib import WIB, wib_date
from runtime.adapters import Watching
from runtime.findings import Finding, Findings, subject_of_city
from runtime.watchdog import WATCHDOG
from workflows import options

log = structlog.get_logger()

AGE: Final = "reaktivasi_watchdog_heartbeat_age_seconds"
UNACKNOWLEDGED: Final = "reaktivasi_alerts_unacknowledged"
UNHEARD: Final = "reaktivasi_alerts_unheard"
PENDING: Final = "reaktivasi_deliveries_pending"


class Gauges:
    """Renews the figures, and tells people when the watchdog is silent. Several workers may do so at once.

    A watchdog that never was is not missed: the installation has none, which `doctor` says, and there is
    no age to show.
    """

    def __init__(self, watching: Watching, meter: MetricMeter, clock: Callable[[], datetime]) -> None:
        """`meter` may be one that keeps nothing."""
        self._watch = watching.watch
        self._findings = Findings(watching.watch, watching.alerts)
        self._shelf = watching.shelf
        self._clock = clock
        self._began = clock()
        self._age = meter.create_gauge(AGE, "Since the last complete round of the watchdog.")
        self._unacknowledged = meter.create_gauge(
            UNACKNOWLEDGED, "Alerts that nobody has taken charge of for half an hour."
        )
        self._unheard = meter.create_gauge(UNHEARD, "Alerts of which no person has heard for ten minutes.")
        self._pending = meter.create_gauge(PENDING, "Messages of alerts that are due, or never went out.")

    def round(self) -> None:
        """Do it once. Raises Unavailable when the ledger is away."""
        now = self._clock()
        self._unacknowledged.set(self._watch.unacknowledged(now - options.UNACKNOWLEDGED_AFTER))
        silence = self._watch.silence(now - options.WATCH_SENT_AFTER)
        self._unheard.set(0 if silence is None else silence.count)
        self._pending.set(self._watch.pending(now))
        heartbeat = self._watch.heartbeat(WATCHDOG)
        if heartbeat is not None:
            self._age.set(max(int((now - heartbeat.at).total_seconds()), 0))
            self._tell(heartbeat, now)

    def _tell(self, heartbeat: Heartbeat, now: datetime) -> None:
        """Tell every city of a silent watchdog; every worker under the same key, another one each day.

        Before the engine was up nobody was at work: that counts for nothing.
        """
        kind = AlertKind.WATCHDOG_SILENT
        since = max(heartbeat.at, datetime.combine(wib_date(now), time(), WIB))
        detail = f"{heartbeat.at.astimezone(WIB):%Y-%m-%d_%H.%M_WIB}"
        found = [
            Finding(kind, subject_of_city(kind, city.code), city.code, since, detail)
            for city in self._shelf.cities()
            if heartbeat.is_silent(now, options.WATCHDOG_PATIENCE)
        ]
        heard = replace(heartbeat, at=max(heartbeat.at, self._began))
        is_sure = heard.is_silent(now, options.WATCHDOG_PATIENCE)
        last = {finding.subject for finding in found}
        self._findings.settle(kind, found if is_sure else (), now, lasting=last)


async def gauge_for_ever(gauges: Gauges, every: timedelta) -> None:
    """Renew the figures again and again. Ends only by cancellation, or an error of our code."""
    while True:
        try:
            await asyncio.to_thread(gauges.round)
        except ReactivationError as error:
            log.warning("gauges.failed", what=str(error))
        await asyncio.sleep(every.total_seconds())

"""What a process does beside serving cases: one task each, which ends only by cancellation."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from temporalio.client import Client
from temporalio.runtime import Runtime

from gateways.ledger_access import utc_now
from gateways.ports.lineage import LineageBook
from gateways.ports.policies import PolicyShelf
from intake.intake import Intake
from models.errors import EngineUnreachable
from runtime import adapters
from runtime.adapters import Mail, Outside
from runtime.delivery import Delivery
from runtime.dispatcher import EVERY, Dispatcher, dispatch_for_ever
from runtime.gauges import Gauges, gauge_for_ever
from runtime.namespace import OwnNamespace
from runtime.outages import Cases, OutageKeeper, keep_outages_for_ever
from runtime.recount import Recounter
from runtime.retention import retain_for_ever
from runtime.same_past import SamePast
from runtime.schedules import DigestSchedules
from runtime.sealing import seal_for_ever
from runtime.settings import Settings
from runtime.supervisor import keep_alive
from workflows import options

log = structlog.get_logger()


async def sweep_for_ever(
    intake: Intake,
    recounter: Recounter,
    delivery: Delivery,
    schedules: DigestSchedules,
    clock: Callable[[], datetime],
) -> None:
    """Start cases whose start, and deliver commands whose delivery, never reached Temporal.

    `clock` is the one that dates registrations. Ends only by cancellation.
    """
    while True:
        await schedules.keep()
        try:
            if started := await intake.sweep(clock() - options.SWEEP_AFTER):
                log.info("sweep.started", cases=started)
            await recounter.look()
            if delivered := await delivery.sweep():
                log.info("sweep.delivered", commands=delivered)
        except EngineUnreachable as error:
            log.warning("sweep.failed", what=str(error))
        await asyncio.sleep(options.SWEEP_EVERY.total_seconds())


async def tell_people(mail: Mail | None) -> None:
    """Send the alerts of the outbox if there is a way to people. Ends only by cancellation."""
    if mail is None or mail.ways.reach.contacts is None:
        log.warning("alerts.not_sent", what="officers are not told: REAKTIVASI_CONTACTS is not set")
    if mail is None:
        await asyncio.Event().wait()
    else:
        dispatcher = Dispatcher(mail.outbox, mail.ways.sender, mail.shelf, mail.ways.reach, utc_now)
        await keep_alive("dispatcher", lambda: dispatch_for_ever(dispatcher), EVERY)


async def until_another_ledgers(namespace: OwnNamespace, past: SamePast) -> None:
    """Look again and again whether the stores belong together, and the namespace is this ledger's.

    Raises AnotherLedger once it is not: an older copy of the ledger must not be worked on.
    """
    while True:
        try:
            await namespace.take()
            await past.look()
        except EngineUnreachable as error:
            log.warning("past.not_compared", what=str(error))
        await asyncio.sleep(options.SWEEP_EVERY.total_seconds())


async def keep_outages(settings: Settings, client: Client, book: LineageBook, outside: Outside) -> None:
    """Probe, park and release while systems go down and come back. Ends only by cancellation."""
    keeper = OutageKeeper(
        adapters.outages(settings),
        outside.probes,
        Cases(client, book),
        outside.alerts,
        cities=[city.code for city in outside.shelf.cities()],
        clock=utc_now,
        probe_every=settings.probe_every,
    )
    await keep_alive("outages", lambda: keep_outages_for_ever(keeper), options.OUTAGES_EVERY)


async def keep_audit(settings: Settings, past: SamePast) -> None:
    """Seal what was written, have the key store note it, anchor the head. Ends only by cancellation."""
    audit, anchors = adapters.audit(settings), adapters.anchors(settings.anchors)
    await keep_alive(
        "sealer", lambda: seal_for_ever(audit, anchors, utc_now, past.bear_witness), options.SEAL_EVERY
    )


async def keep_retention(settings: Settings, shelf: PolicyShelf) -> None:
    """Erase each day what the policies keep no longer. Ends only by cancellation."""
    erasures = adapters.erasures(settings)
    await keep_alive("retention", lambda: retain_for_ever(erasures, shelf, utc_now), options.RETENTION_EVERY)


async def watch_the_watchdog(settings: Settings, client: Client) -> None:
    """Renew the figures and tell of a silent watchdog. Ends only by cancellation."""
    runtime = client.service_client.config.runtime or Runtime.default()
    every = min(options.GAUGES_EVERY, settings.watch_every)

    async def look() -> None:
        gauges = Gauges(adapters.watching(settings), runtime.metric_meter, utc_now)
        await gauge_for_ever(gauges, every)

    await keep_alive("gauges", look, every)


def stop_signal() -> asyncio.Event:
    """Return what is set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    return stop


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they are over."""
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

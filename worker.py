"""The worker: chooses the adapters, says what it serves, and runs cases until it is told to stop."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.alerts import Alerting
from activities.bpjs import BpjsReconnect
from activities.digest import Digesting
from activities.kemensos import KemensosVerification
from activities.office import Office as OfficeSteps
from activities.recorder import Recorder
from activities.siks_ng import SiksNgUpload
from activities.ways import Way
from gateways.ledger_access import utc_now
from gateways.policy_folder import PolicyFolder
from intake.intake import Intake
from models.outage import System
from runtime import adapters
from runtime.adapters import Outside
from runtime.background import (
    end,
    keep_outages,
    stop_signal,
    sweep_for_ever,
    tell_people,
    watch_the_watchdog,
)
from runtime.delivery import Delivery
from runtime.dispatcher import EVERY
from runtime.engine import TemporalEngine
from runtime.entry import leave, run_and_leave
from runtime.interceptor import ErrorMapping
from runtime.ladders import check_ladders
from runtime.logging import configure_logging
from runtime.recount import Recounter
from runtime.schedules import DigestSchedules
from runtime.settings import load_settings
from runtime.supervisor import keep_alive
from runtime.temporal import CaseStarter, connect
from runtime.watchdog import Watchdog, watch_for_ever
from workflows import options
from workflows.daily_digest import DailyDigest
from workflows.reactivation import Reactivation

log = structlog.get_logger()

ACTIVITY_THREADS = 40
WORKFLOWS = (Reactivation, DailyDigest)


def activities_of(outside: Outside) -> Sequence[Callable[..., object]]:
    """Return every activity, each holding its ports."""
    desk, modes = outside.desk, outside.modes
    guards, moot_bpjs = outside.guards, outside.moot_bpjs
    office = OfficeSteps(
        outside.ledger,
        outside.documents,
        outside.shelf,
        bpjs=moot_bpjs,
        desk=desk,
        has_officers=modes.has_officers,
    )
    siks_ng = SiksNgUpload(
        outside.ledger, outside.siks_ng, moot_bpjs, Way(modes.siks_ng, desk, guards.get(System.SIKS_NG))
    )
    kemensos = KemensosVerification(
        outside.ledger,
        outside.shelf,
        outside.kemensos,
        Way(modes.kemensos, desk, guards.get(System.KEMENSOS)),
    )
    bpjs = BpjsReconnect(outside.ledger, outside.bpjs, Way(modes.bpjs, desk, guards.get(System.BPJS)))
    recorder = Recorder(outside.ledger, outside.shelf, outside.alerts)
    return [
        office.document_check,
        office.recommendation,
        siks_ng.siks_ng_upload,
        kemensos.kemensos_verification,
        bpjs.bpjs_reconnect,
        recorder.open_case,
        recorder.record,
        Alerting(outside.alerts).raise_alert,
        Digesting(outside.figures, outside.shelf, outside.alerts).send_digest,
    ]


def build_worker(client: Client, task_queue: str, outside: Outside, threads: ThreadPoolExecutor) -> Worker:
    """Return a worker that serves cases with these adapters."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=activities_of(outside),
        activity_executor=threads,
        max_concurrent_activities=ACTIVITY_THREADS,
        interceptors=[ErrorMapping()],
        workflow_runner=UnsandboxedWorkflowRunner(),  # why: docs/adr/0003; tests run in the sandbox
        sticky_queue_schedule_to_start_timeout=options.STICKY_QUEUE_WAIT,
        graceful_shutdown_timeout=options.GRACEFUL_SHUTDOWN,
    )


def give_up() -> None:
    """Leave although the SDK has not finished: stopped in a local activity it may hang (seen on 1.35)."""
    log.warning("worker.stop_forced")
    leave(0)


async def main() -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way finish."""
    settings = load_settings()
    configure_logging(settings.log_format)
    check_ladders(PolicyFolder(settings.policies_dir))
    outside, office, mail = adapters.outside(settings), adapters.office(settings), adapters.mail(settings)
    cities = [f"{city.code} {city.name}" for city in outside.shelf.cities()]
    client = await connect(settings, serves_metrics=True)
    intake = Intake(office.registry, office.documents, office.shelf, CaseStarter(client, settings.task_queue))
    recounter = Recounter(outside.shelf, office.marks, utc_now)
    delivery = Delivery(client, office.registry, office.book)
    schedules = DigestSchedules(client, outside.shelf.cities(), settings.task_queue)
    await schedules.keep()

    stop = stop_signal()
    with ThreadPoolExecutor(ACTIVITY_THREADS, thread_name_prefix="activity") as threads:
        worker = build_worker(client, settings.task_queue, outside, threads)
        async with worker:
            log.info(
                "worker.started",
                task_queue=settings.task_queue,
                namespace=client.namespace,
                cities=cities,
                workflows=[workflow.__name__ for workflow in WORKFLOWS],
            )
            background = [
                asyncio.create_task(work)
                for work in (
                    sweep_for_ever(intake, recounter, delivery, schedules),
                    tell_people(mail),
                    keep_outages(settings, client, outside),
                    watch_the_watchdog(settings, client),
                )
            ]
            await stop.wait()
            log.info("worker.stopping")
            asyncio.get_running_loop().call_later(options.SHUTDOWN_AT_MOST.total_seconds(), give_up)
            await end(background)
    log.info("worker.stopped")


async def watch() -> None:
    """Watch over cases and workers, and tell people, until SIGTERM or SIGINT.

    Runs no case, and goes on whether or not Temporal, a worker or the ledger are there.
    """
    settings = load_settings()
    configure_logging(settings.log_format)
    check_ladders(PolicyFolder(settings.policies_dir))
    engine = TemporalEngine(await connect(settings, lazy=True), settings)
    stop = stop_signal()

    async def look() -> None:
        watchdog = Watchdog(engine, adapters.watching(settings), utc_now)
        await watch_for_ever(watchdog, settings.watch_every)

    async def tell() -> None:
        await tell_people(adapters.mail(settings))

    log.info("watchdog.started", task_queue=settings.task_queue, every=str(settings.watch_every))
    tasks = [
        asyncio.create_task(keep_alive(name, work, min(EVERY, settings.watch_every)))
        for name, work in (("watchdog", look), ("dispatcher", tell))
    ]
    await stop.wait()
    await end(tasks)
    log.info("watchdog.stopped")


def is_watchdog() -> bool:
    """Read the command line, and tell whether this is to be the watchdog instead of a worker."""
    parser = argparse.ArgumentParser(
        prog="worker.py",
        description="Serve cases until SIGTERM. Everything is set by REAKTIVASI_* and TEMPORAL_* variables.",
    )
    parser.add_argument(
        "--watchdog",
        action="store_true",
        help="serve no case, but watch over cases, workers and alerts, each REAKTIVASI_WATCH_EVERY (PT1M)",
    )
    return bool(parser.parse_args().watchdog)


if __name__ == "__main__":
    run_and_leave(watch if is_watchdog() else main)

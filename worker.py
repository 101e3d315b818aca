"""The worker: chooses the adapters, says what it serves, and runs cases until it is told to stop."""

import argparse
import asyncio
import gc
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import structlog
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.alerts import Alerting
from activities.bpjs import BpjsReconnect
from activities.bulk import BulkWork
from activities.digest import Digesting
from activities.kemensos import KemensosVerification
from activities.office import Office as OfficeSteps
from activities.recorder import Recorder
from activities.siks_ng import SiksNgUpload
from activities.ways import Way
from gateways.ledger_access import utc_now
from gateways.ledger_schema import ready_tables
from intake.intake import Intake
from models.errors import EngineUnreachable, LaterLife
from models.outage import System
from runtime import adapters
from runtime.adapters import Outside
from runtime.background import (
    end,
    keep_audit,
    keep_outages,
    keep_retention,
    stop_signal,
    sweep_for_ever,
    tell_people,
    until_another_ledgers,
    watch_the_watchdog,
)
from runtime.bulk_work import bulk_work
from runtime.cores import stay_on_one
from runtime.crew import run_crew
from runtime.delivery import Delivery
from runtime.deployment import deployment_config
from runtime.dispatcher import EVERY
from runtime.earlier_cases import EarlierCases, looking_at
from runtime.engine import TemporalEngine
from runtime.entry import leave, run_and_leave
from runtime.interceptor import ErrorMapping
from runtime.ladders import require_listeners
from runtime.logging import configure_logging
from runtime.namespace import OwnNamespace
from runtime.own_cases import OwnCases
from runtime.recount import Recounter
from runtime.same_past import SamePast
from runtime.schedules import DigestSchedules
from runtime.settings import Settings, load_settings
from runtime.slots import tuner_of
from runtime.starting import CaseStarter
from runtime.supervisor import keep_alive
from runtime.temporal import connect
from runtime.watchdog import Watchdog, watch_for_ever
from workflows import options
from workflows.bulk import BulkOperation
from workflows.daily_digest import DailyDigest
from workflows.ledger_claim import LedgerClaim
from workflows.queues import queue_of
from workflows.reactivation import Reactivation

log = structlog.get_logger()

_MOST_PROCESSES = 64
WORKFLOWS = (Reactivation, DailyDigest, BulkOperation, LedgerClaim)


Activity = Callable[..., object]


@dataclass(frozen=True)
class Activities:
    """Every activity, each holding its ports."""

    own: Sequence[Activity]
    """They ask nobody outside, and run on the queue of the cases."""
    of_system: Mapping[System, Activity]
    """On a queue of its own, each."""


def activities_of(outside: Outside) -> Activities:
    """Return every activity, which may be interrupted from now on."""
    ready_tables()
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
    return Activities(
        own=[
            office.opening,
            office.office_steps,
            office.document_check,
            office.recommendation,
            recorder.open_case,
            recorder.record,
            Alerting(outside.alerts).raise_alert,
            Digesting(outside.figures, outside.shelf, outside.alerts).send_digest,
        ],
        of_system={
            System.SIKS_NG: siks_ng.siks_ng_upload,
            System.KEMENSOS: kemensos.kemensos_verification,
            System.BPJS: bpjs.bpjs_reconnect,
        },
    )


def workers_of(
    client: Client, settings: Settings, outside: Outside, bulk: BulkWork, stack: ExitStack
) -> list[Worker]:
    """Return the workers of a process: one for cases, one for each outside system; `stack` ends threads."""

    def threads(name: str, number: int) -> ThreadPoolExecutor:
        return stack.enter_context(ThreadPoolExecutor(number, thread_name_prefix=name))

    activities, version = activities_of(outside), deployment_config(settings)
    own = OwnCases(outside.ledger)
    cases = Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=[*activities.own, bulk.work_page],
        activity_executor=threads("activity", 2 * settings.case_slots),
        max_cached_workflows=settings.cached_cases,
        tuner=tuner_of(settings.case_slots),
        interceptors=[ErrorMapping(), own, EarlierCases(looking_at(client))],
        workflow_runner=UnsandboxedWorkflowRunner(),  # why: docs/adr/0003; tests run in the sandbox
        sticky_queue_schedule_to_start_timeout=options.STICKY_QUEUE_WAIT,
        graceful_shutdown_timeout=options.GRACEFUL_SHUTDOWN,
        deployment_config=version,
        patch_activation_callback=lambda asked: asked.patch_id not in settings.held_patches,
    )
    systems = [
        Worker(
            client,
            task_queue=queue_of(system, settings.task_queue),
            activities=[activity],
            activity_executor=threads(system, settings.system_slots),
            max_concurrent_activities=settings.system_slots,
            max_task_queue_activities_per_second=settings.calls_per_second,
            interceptors=[ErrorMapping(), own],
            graceful_shutdown_timeout=options.GRACEFUL_SHUTDOWN,
            deployment_config=version,
        )
        for system, activity in activities.of_system.items()
    ]
    return [cases, *systems]


def give_up() -> None:
    """Leave although the SDK has not finished: stopped in a local activity it may hang (seen on 1.35)."""
    log.warning("worker.stop_forced")
    leave(0)


async def main() -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way finish."""
    settings = load_settings()
    configure_logging(settings.log_format)
    core = stay_on_one(settings.core)
    gc.freeze()  # what is loaded stays and need not be looked at again
    gc.set_threshold(5_000, 5, 4)  # all of it, cases that left the cache among it, each hundred cases or so
    mail = adapters.mail(settings, require_listeners(settings))
    outside, office = adapters.outside(settings), adapters.office(settings)
    cities = [f"{city.code} {city.name}" for city in outside.shelf.cities()]
    client = await connect(settings, serves_metrics=True)
    namespace = OwnNamespace.over(client, settings, office.lineage)
    await namespace.take()
    past = SamePast.of(settings, office, namespace)
    await past.look()
    intake = Intake(office.registry, office.documents, office.shelf, CaseStarter(namespace))
    recounter = Recounter(outside.shelf, office.marks, office.clock)
    delivery = Delivery(namespace, office.registry, office.book, office.clock)
    schedules = DigestSchedules(client, outside.shelf.cities(), settings.task_queue)
    await schedules.keep()

    stop = stop_signal()
    with ExitStack() as threads:
        bulk = bulk_work(settings, namespace, outside)
        workers = workers_of(client, settings, outside, bulk, threads)
        serving = [asyncio.create_task(worker.run()) for worker in workers]
        log.info(
            "worker.started",
            task_queue=settings.task_queue,
            namespace=client.namespace,
            core=core,
            cities=cities,
            workflows=[workflow.__name__ for workflow in WORKFLOWS],
            version=f"{settings.deployment}:{settings.build_id}" if settings.deployment else None,
            held_patches=sorted(settings.held_patches),
        )
        background = [
            asyncio.create_task(work)
            for work in (
                sweep_for_ever(intake, recounter, delivery, schedules, office.clock),
                tell_people(mail),
                keep_outages(settings, client, office.lineage, outside),
                keep_audit(settings, past),
                keep_retention(settings, outside.shelf),
                watch_the_watchdog(settings, client),
            )
        ]
        stopping = asyncio.create_task(stop.wait())
        belonging = asyncio.create_task(until_another_ledgers(namespace, past))
        await asyncio.wait((stopping, belonging, *serving), return_when=asyncio.FIRST_COMPLETED)
        log.info("worker.stopping")
        asyncio.get_running_loop().call_later(options.SHUTDOWN_AT_MOST.total_seconds(), give_up)
        await end(background)
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*serving)
    log.info("worker.stopped")
    if belonging.done():
        belonging.result()  # whose the namespace is by now
    belonging.cancel()


async def watch() -> None:
    """Watch over cases and workers, and tell people, until SIGTERM or SIGINT.

    Runs no case, and goes on whether or not Temporal, a worker or the ledger are there. Raises AnotherLedger
    where Temporal serves another ledger; of one that was put back and that a worker refuses it tells people.
    """
    settings = load_settings()
    configure_logging(settings.log_format)
    ways = require_listeners(settings)
    with suppress(EngineUnreachable, LaterLife):
        await OwnNamespace.of(settings, adapters.lineage(settings)).client()
    stop = stop_signal()

    async def look() -> None:
        office = adapters.office(settings)
        namespace = OwnNamespace.of(settings, office.lineage)
        past = SamePast.of(settings, office, namespace)
        watchdog = Watchdog(
            TemporalEngine(namespace),
            adapters.watching(settings),
            utc_now,
            held=past.look,
            unreadable=adapters.recovering(settings).book.unreadable,
        )
        await watch_for_ever(watchdog, settings.watch_every)

    async def tell() -> None:
        await tell_people(adapters.mail(settings, ways))

    log.info("watchdog.started", task_queue=settings.task_queue, every=str(settings.watch_every))
    tasks = [
        asyncio.create_task(keep_alive(name, work, min(EVERY, settings.watch_every)))
        for name, work in (("watchdog", look), ("dispatcher", tell))
    ]
    await stop.wait()
    await end(tasks)
    log.info("watchdog.stopped")


async def crew(size: int) -> None:
    """Run so many workers, unless none of them could begin."""
    require_listeners(load_settings())
    await run_crew(size)


def chosen() -> Callable[[], Coroutine[object, object, None]]:
    """Read the command line, and return what this process is to be."""
    parser = argparse.ArgumentParser(
        prog="worker.py",
        description="Serve cases until SIGTERM. Everything is set by REAKTIVASI_* and TEMPORAL_* variables.",
    )
    parser.add_argument(
        "--watchdog",
        action="store_true",
        help="serve no case, but watch over cases, workers and alerts, each REAKTIVASI_WATCH_EVERY (PT1M)",
    )
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="so many workers beside each other: one a core"
    )
    choice = parser.parse_args()
    if choice.watchdog:
        return watch
    if not 1 <= choice.processes <= _MOST_PROCESSES:
        parser.error(f"--processes: must be 1 to {_MOST_PROCESSES}")
    return main if choice.processes == 1 else lambda: crew(choice.processes)


if __name__ == "__main__":
    run_and_leave(chosen())

"""The composition root's hands: which adapter stands behind which port."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import HttpUrl
from sqlalchemy import Engine

from activities.digest import Digesting
from activities.ways import Mode
from desk.pushed import PushedAnswers
from desk.work import OfficeWork
from gateways import vclaim
from gateways.anchor_file import AnchorFile
from gateways.channels import OutboxAndLog
from gateways.event_sources import read_event_sources
from gateways.folder_documents import FolderDocuments
from gateways.http_bpjs import HttpBpjs
from gateways.http_call import Patience
from gateways.http_kemensos import HttpKemensos
from gateways.http_siks_ng import HttpSiksNg
from gateways.ledger_access import unavailable, utc_now
from gateways.ledger_clock import LedgerClock
from gateways.ledger_schema import require_current
from gateways.outage_guard import GuardedBpjs, OutageGuard
from gateways.policy_folder import PolicyFolder
from gateways.ports.alerts import AlertBook, AlertChannel, AlertSender, Outbox
from gateways.ports.audit import Anchors, Audit, Erasures, Trail
from gateways.ports.bulk import BulkBook
from gateways.ports.calendars import CalendarMarks
from gateways.ports.desk import Desk, DeskBook
from gateways.ports.events import EventBook
from gateways.ports.figures import Figures, Reports
from gateways.ports.institutions import Bpjs, Kemensos, SiksNg
from gateways.ports.ledger import Ledger, Registry
from gateways.ports.lineage import LineageBook
from gateways.ports.lists import Imports, Tables
from gateways.ports.outages import Guard, Outages, Probe
from gateways.ports.papers import Documents, LetterPrinter
from gateways.ports.policies import PolicyShelf
from gateways.ports.recovery import RecoveryBook
from gateways.ports.vault import Vault
from gateways.ports.watch import Standstills, Watch
from gateways.sender_by_recipient import SenderByRecipient
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_audit import SqlAudit
from gateways.sql_bulk import SqlBulkBook
from gateways.sql_calendar_marks import SqlCalendarMarks
from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_erasures import SqlErasures
from gateways.sql_event_book import SqlEventBook
from gateways.sql_figures import SqlFigures
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_lineage import SqlLineage
from gateways.sql_outages import SqlOutages
from gateways.sql_outbox import SqlOutbox
from gateways.sql_recovery import SqlRecovery
from gateways.sql_registry import SqlRegistry
from gateways.sql_report import SqlReports
from gateways.sql_standstill import SqlStandstills
from gateways.sql_trail import SqlTrail
from gateways.sql_watch import SqlWatch
from gateways.table_files import TableFiles
from gateways.typst_letters import TypstLetters
from gateways.webhook_sender import WebhookSender
from models.errors import Misconfigured, Unavailable
from models.events import EventSource
from models.faults import Fault
from models.outage import System
from models.outbox import WEBHOOK, Reach
from runtime import keys
from runtime.clocks import ledger_clock, tell_of_clock
from runtime.own_ledger import open_ledger
from runtime.settings import PREFIX, Settings
from workflows import options

LETTER_TEMPLATES = "surat"
"""Folder of the letters' templates, within the policies."""
PATIENCE = Patience(options.HTTP_CONNECT_TIMEOUT, options.HTTP_READ_TIMEOUT)


@dataclass(frozen=True)
class Office:
    """What intake, the officers' commands and the sweep need."""

    registry: Registry
    documents: Documents
    shelf: PolicyShelf
    book: DeskBook
    printer: LetterPrinter
    alerts: AlertBook
    marks: CalendarMarks
    trail: Trail
    erasures: Erasures
    lineage: LineageBook
    vault: Vault
    clock: Callable[[], datetime]
    """The time that counts, whatever the clock of an officer's machine shows."""


@dataclass(frozen=True)
class Modes:
    """Who works what; one setting each."""

    has_officers: bool = True
    """Whether people check papers and sign, beside the policy's rules."""
    siks_ng: Mode = Mode.DESK
    kemensos: Mode = Mode.DESK
    bpjs: Mode = Mode.DESK


@dataclass(frozen=True)
class Outside:
    """What activities need."""

    ledger: Ledger
    documents: Documents
    shelf: PolicyShelf
    desk: Desk
    alerts: AlertChannel
    figures: Figures
    modes: Modes
    siks_ng: SiksNg | None = None
    """None where only people work the system; likewise the next two."""
    kemensos: Kemensos | None = None
    bpjs: Bpjs | None = None
    probes: Mapping[System, Probe] = field(default_factory=dict)
    """Of the systems that a machine works."""
    guards: Mapping[System, Guard] = field(default_factory=dict)

    @property
    def moot_bpjs(self) -> Bpjs | None:
        """BPJS for the question whether there is anything left to do, which waits for nobody."""
        guard = self.guards.get(System.BPJS)
        return self.bpjs if self.bpjs is None or guard is None else GuardedBpjs(self.bpjs, guard)


def ledger_engine(settings: Settings) -> Engine:
    """Open the ledger's database and refuse one whose schema is not ours. Raises Misconfigured, NoStack."""
    engine = open_ledger(settings)
    require_current(engine)
    return engine


def office(settings: Settings) -> Office:
    """Build the adapters of the officers' side. Raises Misconfigured."""
    engine = ledger_engine(settings)
    vault, time = keys.vault(settings, engine), ledger_clock(engine)
    return Office(
        registry=SqlRegistry(engine, vault, time),
        documents=FolderDocuments(settings.documents, vault),
        shelf=PolicyFolder(settings.policies_dir),
        book=SqlDeskBook(engine, vault, time),
        printer=TypstLetters(settings.policies_dir / LETTER_TEMPLATES),
        alerts=SqlAlertBook(engine),
        marks=SqlCalendarMarks(engine),
        trail=SqlTrail(engine, vault),
        erasures=SqlErasures(engine, vault, FolderDocuments(settings.documents, vault)),
        lineage=SqlLineage(engine),
        vault=vault,
        clock=time,
    )


def clock(settings: Settings) -> LedgerClock:
    """Return the ledger's clock. Raises Misconfigured, NoStack."""
    return ledger_clock(open_ledger(settings))


@dataclass(frozen=True)
class Lists:
    """What intake of lists needs."""

    tables: Tables
    imports: Imports
    documents: Documents
    shelf: PolicyShelf


def lists(settings: Settings) -> Lists:
    """Build the adapters for lists. Raises Misconfigured."""
    engine = ledger_engine(settings)
    vault = keys.vault(settings, engine)
    return Lists(
        tables=TableFiles(),
        imports=SqlImports(engine, vault, ledger_clock(engine)),
        documents=FolderDocuments(settings.documents, vault),
        shelf=PolicyFolder(settings.policies_dir),
    )


def work(office: Office) -> OfficeWork:
    """Return the counter at which officers give commands."""
    return OfficeWork(
        office.registry,
        office.book,
        office.shelf,
        office.documents,
        office.printer,
        trail=office.trail,
        clock=office.clock,
    )


def outside(settings: Settings) -> Outside:
    """Build the adapters of the worker's side. Raises Misconfigured, naming the setting.

    The master keys are tried at once: a worker without them could work no case.
    """
    engine = ledger_engine(settings)
    vault = keys.vault(settings, engine, _no_keys)
    vault.store()
    time = LedgerClock(engine, unavailable, tell=tell_of_clock)
    shelf = PolicyFolder(settings.policies_dir)
    modes = Modes(settings.office == "desk", settings.siks_ng, settings.kemensos, settings.bpjs)
    siks_ng = None if modes.siks_ng is Mode.DESK else _siks_ng(settings)
    kemensos = None if modes.kemensos is Mode.DESK else _kemensos(settings)
    bpjs_ = None if modes.bpjs is Mode.DESK else bpjs(settings)
    machines = {System.SIKS_NG: siks_ng, System.KEMENSOS: kemensos, System.BPJS: bpjs_}
    probes: dict[System, Probe] = {name: one for name, one in machines.items() if one is not None}
    seen, every = SqlOutages(engine), settings.probe_every
    return Outside(
        ledger=SqlLedger(engine, vault, time),
        documents=FolderDocuments(settings.documents, vault),
        shelf=shelf,
        desk=SqlDesk(engine, time),
        alerts=_alerts(engine, shelf, settings),
        figures=SqlFigures(engine),
        modes=modes,
        siks_ng=siks_ng,
        kemensos=kemensos,
        bpjs=bpjs_,
        probes=probes,
        guards={
            system: OutageGuard(system, seen, probe, clock=utc_now, every=every)
            for system, probe in probes.items()
        },
    )


def _no_keys(fault: Fault) -> Unavailable:
    return Unavailable("key store", f"database {fault.what}")


def digesting(settings: Settings) -> Digesting:
    """Build what makes the daily digest. Raises Misconfigured."""
    engine, shelf = ledger_engine(settings), PolicyFolder(settings.policies_dir)
    return Digesting(SqlFigures(engine), shelf, _alerts(engine, shelf, settings))


def bulk_book(settings: Settings, *, in_worker: bool = False) -> BulkBook:
    """Return the orders for many cases. Raises Misconfigured."""
    return SqlBulkBook(ledger_engine(settings), unavailable if in_worker else None)


def lineage(settings: Settings) -> LineageBook:
    """Return the ledger's identity. Raises Misconfigured."""
    return SqlLineage(ledger_engine(settings))


@dataclass(frozen=True)
class Recovering:
    """What bringing ledger and Temporal together again needs."""

    book: RecoveryBook
    ledger: Ledger
    alerts: AlertChannel


def recovering(settings: Settings) -> Recovering:
    """Build the adapters of recovery. Raises Misconfigured."""
    engine = ledger_engine(settings)
    vault = keys.vault(settings, engine)
    alerts = _alerts(engine, PolicyFolder(settings.policies_dir), settings)
    return Recovering(SqlRecovery(engine, vault), SqlLedger(engine, vault), alerts)


def standstills(settings: Settings) -> Standstills:
    """Return the cases that may be stuck. Raises Misconfigured."""
    return SqlStandstills(ledger_engine(settings))


def trail(settings: Settings) -> Trail:
    """Return who did and saw what. Raises Misconfigured."""
    engine = ledger_engine(settings)
    return SqlTrail(engine, keys.vault(settings, engine))


def audit(settings: Settings) -> Audit:
    """Return the chain over everything that was done. Raises Misconfigured."""
    return SqlAudit(ledger_engine(settings))


def anchors(path: Path | None) -> Anchors | None:
    """Return where the chain's heads are kept outside the database; None when nowhere."""
    return None if path is None else AnchorFile(path)


def erasures(settings: Settings) -> Erasures:
    """Return who was erased and who must not be. Raises Misconfigured."""
    engine = ledger_engine(settings)
    vault = keys.vault(settings, engine)
    return SqlErasures(engine, vault, FolderDocuments(settings.documents, vault))


def outages(settings: Settings) -> Outages:
    """Return the outages of outside systems. Raises Misconfigured."""
    return SqlOutages(ledger_engine(settings))


def reports(settings: Settings) -> Reports:
    """Return the reports of the ledger. Raises Misconfigured."""
    return SqlReports(ledger_engine(settings))


@dataclass(frozen=True)
class Ways:
    """How alerts leave a process."""

    sender: AlertSender
    reach: Reach


def ways(settings: Settings) -> Ways | None:
    """Read how people and another system are reached; None when neither is set up. Raises Misconfigured."""
    system = webhook(settings)
    if settings.contacts is None:
        return (
            None if system is None else Ways(SenderByRecipient(None, system), Reach(None, has_webhook=True))
        )
    # Loads Apprise, which only a process that sends needs.
    from gateways.apprise_sender import AppriseSender  # noqa: PLC0415
    from gateways.contact_file import read_contacts  # noqa: PLC0415

    contacts = read_contacts(settings.contacts)
    reach = Reach(frozenset(contacts), has_webhook=system is not None)
    return Ways(SenderByRecipient(AppriseSender(contacts), system), reach)


@dataclass(frozen=True)
class Mail:
    """What the dispatcher of alerts needs."""

    outbox: Outbox
    shelf: PolicyShelf
    ways: Ways


def mail(settings: Settings, ways: Ways | None) -> Mail | None:
    """Join the ways of alerts with those that wait in the ledger. Raises Misconfigured."""
    if ways is None:
        return None
    return Mail(SqlOutbox(ledger_engine(settings)), PolicyFolder(settings.policies_dir), ways)


@dataclass(frozen=True)
class Watching:
    """What whoever watches over the engine needs."""

    watch: Watch
    alerts: AlertChannel
    shelf: PolicyShelf


def watching(settings: Settings) -> Watching:
    """Build the adapters of the watchdog, and of who watches it. Raises Misconfigured."""
    engine, shelf = ledger_engine(settings), PolicyFolder(settings.policies_dir)
    channel = OutboxAndLog(SqlOutbox(engine), shelf, utc_now, also=_also_told(settings))
    return Watching(SqlWatch(engine), channel, shelf)


@dataclass(frozen=True)
class Events:
    """What the door for pushed answers needs."""

    sources: tuple[EventSource, ...]
    book: EventBook
    answers: PushedAnswers


def events(settings: Settings, office: Office) -> Events:
    """Build the door for answers that outside systems push. Raises Misconfigured."""
    if settings.event_sources is None:
        raise Misconfigured(f"settings: {PREFIX}EVENT_SOURCES must be set: nobody may push answers")
    sources = read_event_sources(settings.event_sources)
    if taken := [one.id for one in sources if office.shelf.people().find(one.id)]:
        raise Misconfigured(f"event sources: {', '.join(taken)} is the id of a person")
    answers = PushedAnswers(office.registry, office.book, office.shelf, office.clock)
    return Events(sources, event_book(settings), answers)


def event_book(settings: Settings) -> EventBook:
    """Return what came in at the door for pushed answers. Raises Misconfigured."""
    return SqlEventBook(ledger_engine(settings))


def webhook(settings: Settings) -> WebhookSender | None:
    """Build the way to another system; None when none is set up. Raises Misconfigured."""
    if settings.webhook_url is None:
        return None
    if settings.webhook_secret is None:
        raise Misconfigured(f"settings: {PREFIX}WEBHOOK_SECRET must be set")
    url, secret = settings.webhook_url.get_secret_value(), settings.webhook_secret.get_secret_value()
    return WebhookSender(url, secret, patience=PATIENCE, clock=utc_now)


def _alerts(engine: Engine, shelf: PolicyShelf, settings: Settings) -> AlertChannel:
    return OutboxAndLog(SqlOutbox(engine), shelf, utc_now, also=_also_told(settings))


def _also_told(settings: Settings) -> tuple[str, ...]:
    return () if settings.webhook_url is None else (WEBHOOK,)


def _siks_ng(settings: Settings) -> HttpSiksNg:
    return HttpSiksNg(_needed("siks_ng_url", settings.siks_ng_url), patience=PATIENCE)


def _kemensos(settings: Settings) -> HttpKemensos:
    return HttpKemensos(_needed("kemensos_url", settings.kemensos_url), patience=PATIENCE)


def bpjs(settings: Settings) -> HttpBpjs:
    """Build the BPJS adapter. Raises Misconfigured, naming the setting."""
    if settings.bpjs_cons_id is None or settings.bpjs_cons_secret is None or settings.bpjs_user_key is None:
        raise Misconfigured(f"settings: {PREFIX}BPJS_CONS_ID, _CONS_SECRET and _USER_KEY must be set")
    return HttpBpjs(
        _needed("bpjs_url", settings.bpjs_url),
        vclaim.Credentials(
            settings.bpjs_cons_id,
            settings.bpjs_cons_secret.get_secret_value(),
            settings.bpjs_user_key.get_secret_value(),
        ),
        patience=PATIENCE,
    )


def _needed(name: str, url: HttpUrl | None) -> str:
    if url is None:
        raise Misconfigured(f"settings: {PREFIX}{name.upper()} must be set")
    return str(url).rstrip("/")

"""The composition root's hands: which adapter stands behind which port."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import HttpUrl
from sqlalchemy import Engine

from activities.ways import Mode
from desk.work import OfficeWork
from gateways import vclaim
from gateways.channels import LedgerAndLog
from gateways.folder_documents import FolderDocuments
from gateways.http_bpjs import HttpBpjs
from gateways.http_call import Patience
from gateways.http_kemensos import HttpKemensos
from gateways.http_siks_ng import HttpSiksNg
from gateways.ledger_schema import open_engine, require_current
from gateways.policy_folder import PolicyFolder
from gateways.ports import (
    AlertChannel,
    Bpjs,
    Desk,
    DeskBook,
    Documents,
    Kemensos,
    Ledger,
    LetterPrinter,
    PolicyShelf,
    Registry,
    SiksNg,
)
from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from gateways.typst_letters import TypstLetters
from models.errors import Misconfigured
from runtime.settings import PREFIX, Settings
from workflows import options

LETTER_TEMPLATES = "surat"
"""Folder of the letters' templates, within the policies."""
PATIENCE = Patience(options.HTTP_CONNECT_TIMEOUT, options.HTTP_READ_TIMEOUT)


@dataclass(frozen=True)
class Office:
    """What intake and the officers' commands need."""

    registry: Registry
    documents: Documents
    shelf: PolicyShelf
    book: DeskBook
    printer: LetterPrinter


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
    modes: Modes
    siks_ng: SiksNg | None = None
    """None where only people work the system; likewise the next two."""
    kemensos: Kemensos | None = None
    bpjs: Bpjs | None = None


def ledger_engine(settings: Settings) -> Engine:
    """Open the ledger's database and refuse one whose schema is not ours. Raises Misconfigured."""
    engine = open_engine(settings.ledger_url)
    require_current(engine)
    return engine


def office(settings: Settings) -> Office:
    """Build the adapters of the officers' side. Raises Misconfigured."""
    engine = ledger_engine(settings)
    return Office(
        registry=SqlRegistry(engine),
        documents=FolderDocuments(settings.documents),
        shelf=PolicyFolder(settings.policies_dir),
        book=SqlDeskBook(engine),
        printer=TypstLetters(settings.policies_dir / LETTER_TEMPLATES),
    )


def work(office: Office) -> OfficeWork:
    """Return the counter at which officers give commands."""
    return OfficeWork(
        office.registry,
        office.book,
        office.shelf,
        office.documents,
        office.printer,
        clock=lambda: datetime.now(UTC),
    )


def outside(settings: Settings) -> Outside:
    """Build the adapters of the worker's side. Raises Misconfigured, naming the setting."""
    engine = ledger_engine(settings)
    ledger = SqlLedger(engine)
    modes = Modes(settings.office == "desk", settings.siks_ng, settings.kemensos, settings.bpjs)
    return Outside(
        ledger=ledger,
        documents=FolderDocuments(settings.documents),
        shelf=PolicyFolder(settings.policies_dir),
        desk=SqlDesk(engine),
        alerts=LedgerAndLog(ledger),
        modes=modes,
        siks_ng=None if modes.siks_ng is Mode.DESK else _siks_ng(settings),
        kemensos=None if modes.kemensos is Mode.DESK else _kemensos(settings),
        bpjs=None if modes.bpjs is Mode.DESK else bpjs(settings),
    )


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

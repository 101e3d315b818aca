"""The composition root's hands: which adapter stands behind which port."""

from dataclasses import dataclass

from pydantic import HttpUrl
from sqlalchemy import Engine

from gateways import vclaim
from gateways.channels import LedgerAndLog
from gateways.folder_documents import FolderDocuments
from gateways.http_bpjs import HttpBpjs
from gateways.http_call import Patience
from gateways.http_kemensos import HttpKemensos
from gateways.http_siks_ng import HttpSiksNg
from gateways.ledger_schema import open_engine, require_current
from gateways.policy_folder import PolicyFolder
from gateways.ports import AlertChannel, Bpjs, Documents, Kemensos, Ledger, PolicyShelf, Registry, SiksNg
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.errors import Misconfigured
from runtime.settings import PREFIX, Settings
from workflows import options

PATIENCE = Patience(options.HTTP_CONNECT_TIMEOUT, options.HTTP_READ_TIMEOUT)


@dataclass(frozen=True)
class Office:
    """What intake and the operators' commands need."""

    registry: Registry
    documents: Documents
    shelf: PolicyShelf


@dataclass(frozen=True)
class Outside:
    """What activities need."""

    ledger: Ledger
    documents: Documents
    shelf: PolicyShelf
    siks_ng: SiksNg
    kemensos: Kemensos
    bpjs: Bpjs
    alerts: AlertChannel


def ledger_engine(settings: Settings) -> Engine:
    """Open the ledger's database and refuse one whose schema is not ours. Raises Misconfigured."""
    engine = open_engine(settings.ledger_url)
    require_current(engine)
    return engine


def office(settings: Settings) -> Office:
    """Build the adapters of the operators' side. Raises Misconfigured."""
    return Office(
        registry=SqlRegistry(ledger_engine(settings)),
        documents=FolderDocuments(settings.documents),
        shelf=PolicyFolder(settings.policies_dir),
    )


def outside(settings: Settings) -> Outside:
    """Build the adapters of the worker's side. Raises Misconfigured, naming the setting."""
    ledger = SqlLedger(ledger_engine(settings))
    return Outside(
        ledger=ledger,
        documents=FolderDocuments(settings.documents),
        shelf=PolicyFolder(settings.policies_dir),
        siks_ng=HttpSiksNg(_needed("siks_ng_url", settings.siks_ng_url), patience=PATIENCE),
        kemensos=HttpKemensos(_needed("kemensos_url", settings.kemensos_url), patience=PATIENCE),
        bpjs=bpjs(settings),
        alerts=LedgerAndLog(ledger),
    )


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

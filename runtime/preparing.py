"""Brings ledger, key store and documents to this version, and seals what is in the clear."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from gateways import key_store
from gateways.folder_documents import FolderDocuments, in_the_clear
from gateways.keyring import KeyRing
from gateways.ledger_schema import is_new, open_engine, scrub, sealed_with
from gateways.sql_vault import SqlVault
from models.errors import Misconfigured
from runtime import keys
from runtime.settings import PREFIX, Settings

_TELL_EVERY = 500


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Migrate everything. Safe to repeat, and goes on where it was cut short.

    Raises Misconfigured, before anything is changed, when the master key is missing or not the one, or when
    the key store of a sealed ledger is gone.
    """
    ring = keys.load_ring(settings)
    engine, store = open_engine(settings.ledger_url), keys.keystore_engine(settings)
    try:
        _prepare(settings, engine, store, ring, say)
    finally:
        engine.dispose()
        store.dispose()


def _prepare(
    settings: Settings, engine: Engine, store: Engine, ring: KeyRing, say: Callable[[str], None]
) -> None:
    if not key_store.is_there(store) and sealed_with(engine) is not None:
        raise Misconfigured(
            f"the key store of this ledger is not there: mend {PREFIX}KEYSTORE, or restore the key store"
        )
    from gateways.ledger_migrations import migrate  # noqa: PLC0415 - loads Alembic

    key_store.create(store, ring.newest)
    vault = keys.vault(settings, engine)
    vault.store()
    was_new = is_new(engine)
    migrate(engine, vault)
    if scrub(engine) and not was_new:
        say("the ledger's file was rewritten")
    _seal_papers(settings.documents, vault, say)


def _seal_papers(folder: Path, vault: SqlVault, say: Callable[[str], None]) -> None:
    """Seal the papers that an older version kept in the clear; each is removed once its copy is on disk."""
    documents, number = FolderDocuments(folder, vault), 0
    for number, path in enumerate(in_the_clear(folder), 1):
        documents.put(path.read_bytes())
        path.unlink()
        if number % _TELL_EVERY == 0:
            say(f"{number} papers sealed so far")
    if number:
        say(f"{number} paper(s) sealed")

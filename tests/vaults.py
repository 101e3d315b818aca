"""Vaults for tests: real ones, over key stores in files."""

import atexit
import shutil
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

from gateways import key_store
from gateways.keyring import KeyRing, new_key
from gateways.ledger_schema import open_engine
from gateways.sql_vault import SqlVault

RING = KeyRing((new_key(date(2026, 3, 2)),))


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def a_vault() -> SqlVault:
    """Return the vault that all ledgers of a test process share."""
    return vault_at(_folder())


def settings_of_a_vault() -> dict[str, str]:
    """Return the settings under which a command uses that vault."""
    a_vault()
    return {
        "REAKTIVASI_KEYSTORE": f"sqlite:///{_folder() / 'keys.db'}",
        "REAKTIVASI_MASTER_KEYS": RING.newest.line.strip(),
    }


def vault_at(folder: Path, ring: KeyRing = RING) -> SqlVault:
    """Return a vault whose key store lies in a folder."""
    engine = open_engine(f"sqlite:///{folder / 'keys.db'}")
    key_store.create(engine, ring.newest)
    return SqlVault(engine, lambda: ring)

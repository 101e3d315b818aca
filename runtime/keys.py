"""Master keys of an installation: where they come from, what they may guard, and their rotation."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from gateways import key_store, keyring
from gateways.keyring import DEMO, KeyRing
from gateways.ledger_access import Away
from gateways.ledger_schema import file_of, sealed_with
from gateways.sql_vault import SqlVault
from models.errors import Misconfigured
from models.wib import wib_date
from runtime.settings import PREFIX, Settings

_HOW: Final = f"set {PREFIX}MASTER_KEY_FILE, _MASTER_KEYS or _MASTER_KEY_COMMAND (`starter.py keys new`)"


@dataclass(frozen=True)
class KeySource:
    """Where the master keys are, without being read."""

    setting: str
    file: Path | None = None


def key_source(settings: Settings) -> KeySource:
    """Return where the master keys are. Raises Misconfigured when none is set, or more than one."""
    given = [
        KeySource(name, getattr(settings, name) if name == "master_key_file" else None)
        for name in ("master_key_file", "master_keys", "master_key_command")
        if getattr(settings, name) is not None
    ]
    if len(given) > 1:
        raise Misconfigured(
            f"master key: set one of {', '.join(PREFIX + one.setting.upper() for one in given)}"
        )
    if given:
        return given[0]
    if settings.demo_key_file.exists():
        return KeySource("the local stack", settings.demo_key_file)
    raise Misconfigured(f"there is no master key: {_HOW}")


def load_ring(settings: Settings) -> KeyRing:
    """Read the master keys. Raises Misconfigured, also for a demo key that is to guard real data."""
    source = key_source(settings)
    if source.file is not None:
        ring = keyring.read_key_file(source.file)
    elif settings.master_keys is not None:
        lines = settings.master_keys.get_secret_value().replace(";", "\n").splitlines()
        ring = keyring.read_keys(lines, f"{PREFIX}MASTER_KEYS")
    else:
        ring = keyring.ask_key_command(settings.master_key_command or "")
    if ring.is_demo and (place := _outside(settings)) is not None:
        raise Misconfigured(
            f"master key: a demo key guards a local stack and nothing else, and {place} lies outside of"
            f" {settings.local_dir}: make a key of your own (`starter.py keys new`)"
        )
    return ring


def _outside(settings: Settings) -> str | None:
    """Return what does not lie in the folder of the local stack; None when everything does."""
    folder = settings.local_dir.resolve()
    places = {
        "the ledger": file_of(settings.ledger_url),
        "the key store": file_of(settings.keystore_url),
        "the document store": settings.documents,
    }
    for name, place in places.items():
        if place is None or not place.resolve().is_relative_to(folder):
            return name
    return None


def make_demo_key(settings: Settings) -> None:
    """Give a local stack a key of its own, unless it has one or the installation sets one."""
    try:
        key_source(settings)
    except Misconfigured:
        key = keyring.new_key(wib_date(datetime.now(UTC)), DEMO)
        keyring.add_to_file(key, settings.demo_key_file)


def keystore_engine(settings: Settings) -> Engine:
    """Return the engine of the key store. Raises Misconfigured."""
    return key_store.open_keys(settings.keystore_url)


def vault(settings: Settings, ledger: Engine, away: Away = key_store.away) -> SqlVault:
    """Build the vault of a ledger; master keys are read when they are first needed. Raises Misconfigured."""
    return SqlVault(
        keystore_engine(settings),
        lambda: load_ring(settings),
        expects=lambda: sealed_with(ledger),
        away=away,
    )

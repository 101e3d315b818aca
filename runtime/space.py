"""Every place that is written: whether a small write can be made there, and how much is free."""

import shutil
from pathlib import Path
from typing import Final

from gateways import key_store
from gateways.faults import unwritable
from gateways.ledger_access import unreachable
from gateways.ledger_schema import file_of
from gateways.write_probe import require_writable
from models.errors import EngineUnreachable, ReactivationError
from runtime import keys
from runtime.own_ledger import open_ledger
from runtime.settings import PREFIX, Settings

LITTLE: Final = 1024**3
"""Bytes free below which an administrator is warned: room for some thousand cases with their papers."""
_TEMPORALS_FILE: Final = "temporal.db"


def look_for_space(settings: Settings) -> str:
    """Try a small write at each place, and return how much is free. Raises EngineUnreachable."""
    faults, free = list[str](), dict[int, int]()
    names = dict[int, list[str]]()
    for name, (setting, folder) in _folders(settings).items():
        if (fault := unwritable(folder)) is not None:
            faults.append(f"{name} {fault.what} ({fault.fix(setting)})")
            continue
        disk = folder.stat().st_dev
        names.setdefault(disk, []).append(name)
        free[disk] = shutil.disk_usage(folder).free
    faults += _unwritable_databases(settings)
    if faults:
        raise EngineUnreachable("; ".join(faults))
    seen = [f"{_words(free[disk])} free for {', '.join(names[disk])}" for disk in names]
    return f"{'WARN ' if min(free.values(), default=LITTLE) < LITTLE else ''}{'; '.join(seen)}"


def _folders(settings: Settings) -> dict[str, tuple[str, Path]]:
    """Return the folder of each place on this machine, with the setting that names it."""
    places = {
        "ledger": (f"{PREFIX}DATABASE_URL", file_of(settings.ledger_url)),
        "key store": (f"{PREFIX}KEYSTORE", file_of(settings.keystore_url)),
        "documents": (f"{PREFIX}DOCUMENTS_DIR", settings.documents / "made by the first paper"),
        "anchors": (f"{PREFIX}ANCHORS", settings.anchors),
    }
    if (settings.local_dir / _TEMPORALS_FILE).exists():
        places["temporal"] = (f"{PREFIX}LOCAL_DIR", settings.local_dir / _TEMPORALS_FILE)
    return {
        name: (setting, _nearest(file.parent) if name == "documents" else file.parent)
        for name, (setting, file) in places.items()
        if file is not None
    }


def _nearest(folder: Path) -> Path:
    return next((one for one in (folder, *folder.parents) if one.exists()), folder)


def _unwritable_databases(settings: Settings) -> list[str]:
    """Return what is wrong with the databases, beside their folders."""
    ledger, faults = open_ledger(settings), []
    for engine, away, is_ledger in (
        (ledger, unreachable(ledger), True),
        (keys.keystore_engine(settings), key_store.away, False),
    ):
        try:
            require_writable(engine, away, is_ledger=is_ledger)
        except ReactivationError as error:
            faults.append(str(error))
    return faults


def _words(free: int) -> str:
    size, units = float(free), ["B", "KiB", "MiB", "GiB"]
    while size >= 1024 and len(units) > 1:  # noqa: PLR2004 - of each unit
        size, units = size / 1024, units[1:]
    return f"{size:.0f} {units[0]}" if size >= 10 else f"{size:.1f} {units[0]}"  # noqa: PLR2004 - two digits do

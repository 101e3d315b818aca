"""A copy of everything an office keeps, made while it works or is down, and opened to see that it is whole.

The key store's copy lies apart: who is erased comes back with an old copy of it, so it goes within days.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, func, make_url, select, text

from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ledger_check import require_opens
from gateways.ledger_schema import REVISION, open_engine, require_current, sealed_with
from gateways.postgres_dump import dump, scratch
from gateways.sql_lineage import SqlLineage
from gateways.sql_vault import SqlVault
from gateways.sqlite_copy import copy_sqlite
from gateways.stored_files import copy_files, missing_from, names_in
from models.errors import Misconfigured
from models.lineage import Discord, Held
from models.tables import case_events, cases, people
from runtime import keys
from runtime.backup_folders import begun
from runtime.backup_places import read_places
from runtime.clocks import ledger_clock
from runtime.own_ledger import open_ledger
from runtime.settings import Settings

MANIFEST: Final = "manifest.json"
_SCHEMA: Final = text("SELECT quote_ident(current_schema())")
_HOLD: Final = "UPDATE {}.lineage SET held_since = now(), held_because = '{}' WHERE held_since IS NULL;\n"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, as it was found by opening it."""

    made_at: str
    revision: str
    database: str
    """`sqlite` or `postgresql`."""
    ledger: str
    generation: int
    entries: int
    head: str
    numbers: Mapping[str, int]
    people: int
    cases: int
    open_cases: int
    events: int
    files: int
    files_missing: int
    """Files that the ledger names and the document store did not have."""
    key_store: str
    sha256: Mapping[str, str]
    """Digest of each database file, by its name."""


@dataclass(frozen=True)
class Made:
    """A backup that is whole."""

    folder: Path
    keys: Path
    """Where the key store's copy lies, apart."""
    manifest: Manifest


def back_up(settings: Settings, into: str, keys_into: str, *, told: Callable[[int], None]) -> Made:
    """Copy ledger, papers and policies into a new folder at one place, the key store into one at another.

    `told` hears of each paper. The copy of the ledger gives out no number until `starter.py restored`: the
    office may have gone on with the original. Raises BadInput for places that are not there or not apart,
    Misconfigured, EngineUnreachable or WrongState; nothing is left of what was begun by then. Where the
    process is killed, it ends in `.partial` and is no backup.
    """
    ledger, store = open_ledger(settings), keys.keystore_engine(settings)
    try:
        return _back_up(settings, (ledger, store), read_places(settings, into, keys_into), told)
    finally:
        ledger.dispose()
        store.dispose()


def _back_up(
    settings: Settings,
    engines: tuple[Engine, Engine],
    places: tuple[Path, Path],
    told: Callable[[int], None],
) -> Made:
    (ledger, store), (into, keys_into) = engines, places
    require_current(ledger)
    now = ledger_clock(ledger)()
    name = f"reaktivasi-{now:%Y%m%dT%H%M%SZ}"
    folder, of_keys = into / name, keys_into / f"{name}-keys"
    with begun(folder, of_keys) as (here, here_keys):
        copied = _copy(ledger, settings.ledger_url, here, "ledger")
        _hold(copied, ledger, now)
        files = copy_files(settings.documents, here / "documents", told)
        shutil.copytree(settings.policies_dir, here / "policies")
        copied_keys = _copy(store, settings.keystore_url, here_keys, "keys")
        with (
            _opened(copied, settings.ledger_url) as there,
            _opened(copied_keys, settings.keystore_url) as there_keys,
        ):
            manifest = _examine(settings, there, there_keys, now, files, here / "documents")
        manifest = _with_digests(manifest, copied, copied_keys)
        for half in (here, here_keys):
            _write(half / MANIFEST, manifest)
    return Made(folder, of_keys, manifest)


def _copy(engine: Engine, url: str, folder: Path, name: str) -> Path:
    """Copy a database and return the file: a database itself, or the SQL that makes one."""
    if engine.dialect.name == "sqlite":
        target = folder / f"{name}.db"
        copy_sqlite(Path(str(make_url(url).database)), target)
    else:
        target = folder / f"{name}.sql"
        dump(url, target)
    return target


def _hold(copied: Path, ledger: Engine, now: datetime) -> None:
    if copied.suffix == ".sql":
        with LedgerAccess(ledger, unreachable(ledger)).read() as connection:
            schema: str = connection.execute(_SCHEMA).scalar_one()  # a dump forgets the search path
        with copied.open("a", encoding="utf-8") as file:
            file.write(_HOLD.format(schema, Discord.COPY.value))
        return
    engine = open_engine(f"sqlite:///{copied}")
    try:
        SqlLineage(engine).hold(Held(now, Discord.COPY))
    finally:
        engine.dispose()


@contextmanager
def _opened(copied: Path, url: str) -> Iterator[Engine]:
    """Open a copy; one of PostgreSQL is read into a database of its own first."""
    if copied.suffix == ".sql":
        with scratch(url, copied) as address:
            engine = open_engine(address)
            try:
                yield engine
            finally:
                engine.dispose()
        return
    engine = open_engine(f"sqlite:///{copied}")
    try:
        yield engine
    finally:
        engine.dispose()
        for left in copied.parent.glob(f"{copied.name}-*"):
            left.unlink()


def _examine(  # noqa: PLR0913, PLR0917 - what a manifest tells
    settings: Settings, ledger: Engine, store: Engine, now: datetime, files: int, documents: Path
) -> Manifest:
    require_current(ledger)
    vault = SqlVault(store, lambda: keys.load_ring(settings), expects=lambda: sealed_with(ledger))
    require_opens(ledger, vault)
    book = SqlLineage(ledger)
    past, held = book.past(), book.lineage().held
    if held is None:
        raise Misconfigured("the copy of the ledger does not say that it is one")
    with LedgerAccess(ledger, unreachable(ledger)).read() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (people, cases, case_events)
        }
        is_open = cases.c.closed_at.is_(None)
        open_cases = connection.execute(select(func.count()).select_from(cases).where(is_open)).scalar_one()
    return Manifest(
        made_at=now.isoformat(timespec="seconds"),
        revision=REVISION,
        database=ledger.dialect.name,
        ledger=past.ledger,
        generation=past.generation,
        entries=past.entries,
        head=past.head,
        numbers=past.numbers,
        people=counts["people"],
        cases=counts["cases"],
        open_cases=open_cases,
        events=counts["case_events"],
        files=files,
        files_missing=missing_from(documents, names_in(ledger)),
        key_store=vault.store(),
        sha256={},
    )


def _with_digests(manifest: Manifest, *files: Path) -> Manifest:
    return Manifest(**{**asdict(manifest), "sha256": {file.name: _digest(file) for file in files}})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, manifest: Manifest) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(manifest), indent=2, sort_keys=True) + "\n", encoding="utf-8")

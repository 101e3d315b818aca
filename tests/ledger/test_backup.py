"""`starter.py backup` on both databases: what is copied can be opened, and says that it is a copy."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from gateways.ledger_schema import open_engine
from gateways.postgres_dump import scratch
from gateways.sql_lineage import SqlLineage
from gateways.sql_registry import SqlRegistry
from models.errors import BadInput, EngineUnreachable, Misconfigured
from models.lineage import Discord
from runtime import keys
from runtime.backup import back_up
from runtime.preparing import prepare
from runtime.settings import Settings
from tests.ledger.builders import a_new_case
from tests.ledgers import postgres_tools
from tests.vaults import RING


@pytest.fixture
def settings(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A prepared installation on that database, with PostgreSQL's own tools at hand."""
    monkeypatch.setenv("PATH", f"{postgres_tools()}{os.pathsep}{os.environ['PATH']}")
    made = Settings(
        local_dir=tmp_path / "local",
        database_url=SecretStr(url),
        documents_dir=tmp_path / "documents",
        keystore=SecretStr(f"sqlite:///{tmp_path / 'keys.db'}"),
        master_keys=SecretStr(RING.newest.line.strip()),
    )
    prepare(made, lambda _line: None)
    return made


Places = tuple[Path, Path]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Where a backup goes, and its keys."""
    folders = tmp_path / "to", tmp_path / "usb"
    for folder in folders:
        folder.mkdir()
    return folders


@pytest.fixture
def number(settings: Settings) -> str:
    """A case that the ledger holds."""
    engine = open_engine(settings.ledger_url)
    case = SqlRegistry(engine, keys.vault(settings, engine)).register(a_new_case()).case
    engine.dispose()
    return case.case_number


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Let a folder be a disk on which no database has room."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def put_back(url: str, folder: Path) -> Iterator[Engine]:
    """Open what a backup holds, as the runbook puts it back."""
    if url.startswith("sqlite"):
        engine = open_engine(f"sqlite:///{folder / 'ledger.db'}")
        yield engine
        engine.dispose()
        return
    with scratch(url, folder / "ledger.sql") as address:
        engine = open_engine(address)
        yield engine
        engine.dispose()


def test_a_backup_holds_the_cases_and_gives_out_no_number(
    settings: Settings, number: str, url: str, places: Places, tmp_path: Path
) -> None:
    """The original goes on; the copy waits for `restored`. The keys lie apart."""
    made = back_up(settings, *places, told=lambda _: None)
    found = made.manifest
    assert (found.people, found.cases, found.open_cases) == (1, 1, 1)
    assert found.database == ("sqlite" if url.startswith("sqlite") else "postgresql")
    assert list(found.numbers.values()) == [1]
    assert made.keys.parent == tmp_path / "usb"
    assert [path.name for path in made.keys.glob("keys.*")] == ["keys.db"]
    assert not list(made.folder.glob("keys*"))
    with put_back(url, made.folder) as engine:
        held = SqlLineage(engine).lineage().held
        assert held is not None
        assert held.because is Discord.COPY
        case = SqlRegistry(engine, keys.vault(settings, engine)).case(number)
        assert case.case.case_number == number
    here = open_engine(url)
    assert SqlLineage(here).lineage().held is None
    here.dispose()


def test_a_backup_that_cannot_be_made_leaves_nothing(
    settings: Settings, url: str, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key store, no tool of PostgreSQL: the reason is told."""
    if url.startswith("sqlite"):
        (tmp_path / "local").mkdir(exist_ok=True)
        (tmp_path / "keys.db").unlink()
    else:
        monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises((Misconfigured, EngineUnreachable)):
        back_up(settings, *places, told=lambda _: None)
    assert [*places[0].iterdir(), *places[1].iterdir()] == []


def test_a_full_disk_is_what_is_blamed(settings: Settings, number: str, places: Places) -> None:
    """And not the store, which is in order; nothing is left that looks like a backup."""
    with (
        small_disk(places[0]),
        pytest.raises(Misconfigured, match=rf"^{places[0]}\S* cannot be written: the disk is full") as told,
    ):
        back_up(settings, *places, told=lambda _: None)
    assert "copy was made" in str(told.value) or "backup was made" in str(told.value)
    assert [*places[0].iterdir(), *places[1].iterdir()] == []


@pytest.mark.parametrize(
    ("into", "keys_into", "option"),
    [
        ("to", "usb/not-mounted", "--keys"),
        ("to/not-made", "usb", "DIR"),
        ("file", "usb", "DIR"),
        ("to", "to", "--keys"),
        ("to", "to/below", "--keys"),
        ("to/below", "to", "--keys"),
        ("documents", "usb", "DIR"),
        ("documents/aa", "usb", "DIR"),
        ("to", "", "--keys"),
    ],
)
def test_where_a_backup_may_not_go_is_refused(
    settings: Settings, tmp_path: Path, into: str, keys_into: str, option: str
) -> None:
    """Into what is not there, the keys beside the ledger, into what is copied."""
    for folder in ("to/below", "usb", "documents/aa"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput) as refused:
        back_up(settings, tmp_path / into, tmp_path / keys_into, told=lambda _: None)
    assert option in {finding.field for finding in refused.value.findings}
    assert sorted(tmp_path.rglob("*")) == before

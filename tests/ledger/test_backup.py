"""`starter.py backup` on both databases: what is copied can be opened, and says that it is a copy."""

import os
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


@pytest.fixture
def number(settings: Settings) -> str:
    """A case that the ledger holds."""
    engine = open_engine(settings.ledger_url)
    case = SqlRegistry(engine, keys.vault(settings, engine)).register(a_new_case()).case
    engine.dispose()
    return case.case_number


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
    settings: Settings, number: str, url: str, tmp_path: Path
) -> None:
    """The original goes on; the copy waits for `restored`. The keys lie apart."""
    made = back_up(settings, tmp_path / "to", tmp_path / "usb", told=lambda _: None)
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


def test_a_backup_that_cannot_be_made_leaves_nothing_that_looks_like_one(
    settings: Settings, number: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder for it, no key store, no tool of PostgreSQL: the reason is told, the rest is `.partial`."""
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="DIR"):
        back_up(settings, tmp_path / "file", None, told=lambda _: None)
    if url.startswith("sqlite"):
        (tmp_path / "local").mkdir(exist_ok=True)
        (tmp_path / "keys.db").unlink()
    else:
        monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises((Misconfigured, EngineUnreachable)):
        back_up(settings, tmp_path / "to", None, told=lambda _: None)
    assert {path.suffix for path in (tmp_path / "to").iterdir()} <= {".partial"}

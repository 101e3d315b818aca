"""`starter.py backup` on both databases: what is copied can be opened, and says that it is a copy."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from gateways.ledger_schema import open_engine
from gateways.postgres_dump import scratch
from gateways.sql_lineage import SqlLineage
from gateways.sql_registry import SqlRegistry
from models.errors import EngineUnreachable, Misconfigured, WrongState
from models.lineage import Discord
from runtime import keys
from runtime.backup import back_up
from runtime.preparing import prepare
from runtime.settings import Settings
from tests.chaos.disk import Disk
from tests.ledger.builders import a_new_case
from tests.ledgers import postgres_tools
from tests.vaults import RING

NOON = datetime(2026, 3, 2, 5, tzinfo=UTC)


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
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give two places for a backup, `to` and `usb`, outside of what is copied."""
    folder = tmp_path_factory.mktemp("apart")
    for name in ("to", "usb"):
        (folder / name).mkdir()
    return folder


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
    settings: Settings, number: str, url: str, apart: Path
) -> None:
    """The original goes on; the copy waits for `restored`. The keys lie apart."""
    made = back_up(settings, str(apart / "to"), str(apart / "usb"), told=lambda _: None)
    found = made.manifest
    assert (found.people, found.cases, found.open_cases) == (1, 1, 1)
    assert found.database == ("sqlite" if url.startswith("sqlite") else "postgresql")
    assert list(found.numbers.values()) == [1]
    assert made.keys.parent == apart / "usb"
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
    settings: Settings, number: str, url: str, apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key store, no tool of PostgreSQL: the reason is told, and what was begun is taken away again."""
    others = apart / "to" / "reaktivasi-20260302T010000Z.partial"
    others.mkdir(parents=True)
    if url.startswith("sqlite"):
        Path(settings.keystore_url.removeprefix("sqlite:///")).unlink()
    else:
        monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises((Misconfigured, EngineUnreachable)):
        back_up(settings, str(apart / "to"), str(apart / "usb"), told=lambda _: None)
    assert list(apart.glob("*/*")) == [others], "another's is left alone"


def test_a_paper_that_cannot_be_read_is_not_the_fault_of_the_place_written_to(
    settings: Settings, number: str, apart: Path
) -> None:
    """Its store is named, by its setting; nothing of it is repeated."""
    (settings.documents / "ab" / "cd" / "no-file").mkdir(parents=True)
    with pytest.raises(EngineUnreachable, match=r"papers or policies cannot be read.*_DOCUMENTS_DIR") as told:
        back_up(settings, str(apart / "to"), str(apart / "usb"), told=lambda _: None)
    assert "no backup was made" in str(told.value)
    assert "no-file" not in str(told.value)
    assert not list(apart.glob("*/*"))


def what_is_told(settings: Settings, apart: Path) -> str | None:
    """Make a backup, and return what is told when it cannot be made."""
    try:
        back_up(settings, str(apart / "to"), str(apart / "usb"), told=lambda _: None)
    except EngineUnreachable as error:
        return str(error)
    return None


@pytest.mark.parametrize(("which", "kilobytes_more"), [("to", 36), ("usb", 12)])
def test_a_full_disk_is_told_by_its_name_wherever_it_is_noticed(
    settings: Settings, number: str, apart: Path, which: str, kilobytes_more: int
) -> None:
    """At the first folder, in the midst of a copy, while the copy is opened: never is the original blamed.

    With more room, step by step, until it is enough; and then only a whole backup lies there.
    """
    disk = Disk(apart / which, megabytes=8)
    if not disk.is_mounted:
        pytest.skip("no disk can be mounted here")
    full = f"{disk.folder} cannot be written: the disk is full: free space on the disk of that folder"
    try:
        for tries in range(200):
            with disk.narrow(tries * kilobytes_more):
                told = what_is_told(settings, apart)
                left = {path.name.partition("-")[0] for path in apart.glob("*/*")} - {"ballast"}
            if told is None:
                break
            assert (told, left) == (f"{full}, then repeat; no backup was made", set())
        assert tries > 3, "so small a disk was enough: nothing was tried"
        assert {path.suffix for path in apart.glob("*/*")} == {""}
    finally:
        disk.close()


def test_a_backup_of_the_same_second_is_not_touched(
    settings: Settings, number: str, apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a whole one nor one that is under way, in either place."""
    monkeypatch.setattr("runtime.backup.ledger_clock", lambda _engine: lambda: NOON)
    name = "reaktivasi-20260302T050000Z"
    for taken in (f"to/{name}", f"to/{name}.partial", f"usb/{name}-keys", f"usb/{name}-keys.partial"):
        there = apart / taken / "ledger.db"
        there.parent.mkdir(parents=True)
        there.touch()
        with pytest.raises(WrongState, match="of this second"):
            back_up(settings, str(apart / "to"), str(apart / "usb"), told=lambda _: None)
        assert list(apart.glob("*/*/*")) == [there]
        shutil.rmtree(apart / taken)


def test_both_halves_get_their_names_or_neither(
    settings: Settings, number: str, apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the ledger whose keys are missing must not look like a backup."""
    monkeypatch.setattr("runtime.backup.ledger_clock", lambda _engine: lambda: NOON)
    paper, taken = (
        settings.documents / "ab" / "cd" / "paper",
        apart / "usb" / "reaktivasi-20260302T050000Z-keys",
    )
    paper.parent.mkdir(parents=True)
    paper.touch()
    with pytest.raises(WrongState, match="of this second"):
        back_up(settings, str(apart / "to"), str(apart / "usb"), told=lambda _: taken.mkdir())
    assert list(apart.glob("*/*")) == [taken]

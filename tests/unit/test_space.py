"""A disk that is full, told by the commands that meet it and by `doctor`: on a small disk of its own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from models.errors import EngineUnreachable
from runtime import space
from runtime.settings import ROOT, Settings
from tests.chaos.disk import Disk
from tests.ledgers import put_ledger
from tests.unit.typed import typed
from tests.vaults import settings_of_a_vault

NOWHERE = "127.0.0.1:1"
EXAMPLE = str(ROOT / "examples" / "01-tangsel-emergency.json")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Give a disk of a few megabytes with a ledger on it."""
    disk = Disk(tmp_path / "disk", megabytes=4)
    if not disk.is_mounted:
        pytest.skip("no disk can be mounted here")
    put_ledger(disk.folder / "ledger.db")
    yield disk
    disk.close()


def settings_of(folder: Path, **more: object) -> Settings:
    """Return the settings of an office in a folder."""
    keystore = SecretStr(settings_of_a_vault()["REAKTIVASI_KEYSTORE"])
    return Settings(local_dir=folder, keystore=keystore, **more)  # type: ignore[arg-type]  # fields


def test_an_application_is_refused_with_the_true_reason_and_nothing_is_half_there(disk: Disk) -> None:
    """The address of the database is right, and nobody is told to look at it."""
    with disk.full([os.getpid()]):
        ran = typed(disk.folder, "submit", EXAMPLE, "--as", "tangsel-loket-1", TEMPORAL_ADDRESS=NOWHERE)
        assert ran.code == 5
        said = " ".join(ran.err.split())
        assert "the disk is full" in said
        assert "free space" in said
        assert "does not answer" not in ran.err
    again = typed(disk.folder, "submit", EXAMPLE, "--as", "tangsel-loket-1", TEMPORAL_ADDRESS=NOWHERE)
    assert (again.code, "PBI-3674-2026-000001 registered" in again.out) == (0, True)


def test_a_full_disk_fails_the_check_of_space_and_a_narrow_one_is_warned_of(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place by its name."""
    settings = settings_of(disk.folder)
    assert space.look_for_space(settings).startswith("WARN ")
    monkeypatch.setattr(space, "LITTLE", 1)
    seen = space.look_for_space(settings)
    assert "free for ledger, documents" in seen
    assert "WARN" not in seen
    with disk.full([os.getpid()]), pytest.raises(EngineUnreachable) as told:
        space.look_for_space(settings)
    assert "ledger cannot be written: the disk is full" in str(told.value)
    assert "documents cannot be written: the disk is full" in str(told.value)


def test_every_place_is_looked_at(tmp_path: Path) -> None:
    """Anchors and Temporal's file too, where there are any; a folder that is gone fails."""
    put_ledger(tmp_path / "ledger.db")
    (tmp_path / "temporal.db").touch()
    (tmp_path / "usb").mkdir()
    settings = settings_of(tmp_path, anchors=tmp_path / "usb" / "anchors.txt")
    seen = space.look_for_space(settings)
    assert all(name in seen for name in ("ledger", "key store", "documents", "anchors", "temporal"))
    assert not list(tmp_path.glob("**/.probe*"))
    shutil.rmtree(tmp_path / "usb")
    with pytest.raises(EngineUnreachable, match=r"anchors cannot be opened.*REAKTIVASI_ANCHORS"):
        space.look_for_space(settings)

"""Where `starter.py backup` puts its two folders, as it is typed: there, apart, outside of the stores."""

from pathlib import Path

import pytest

from tests.ledgers import put_ledger
from tests.unit.typed import Typed, typed
from tests.vaults import vault_at


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """Give an office whose stores lie in folders of their own, beside places for backups."""
    for folder in ("to/in", "usb", "local/backups", "papers/ab", "keys", "policies/old"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "to")
    put_ledger(tmp_path / "local" / "ledger.db")
    vault_at(tmp_path / "keys")
    return tmp_path


def backup(office: Path, *words: str) -> Typed:
    """Type the command in the folder above the stores."""
    return typed(
        office / "local",
        "backup",
        *words,
        at=office,
        REAKTIVASI_DOCUMENTS_DIR=str(office / "papers"),
        REAKTIVASI_POLICIES_DIR=str(office / "policies"),
        REAKTIVASI_KEYSTORE=f"sqlite:///{office / 'keys' / 'keys.db'}",
    )


def folders(office: Path) -> list[Path]:
    """Return every folder there is."""
    return sorted(path for path in office.rglob("*") if path.is_dir())


@pytest.mark.parametrize(
    ("into", "keys", "said"),
    [
        ("", "usb", "DIR: is empty (name a folder)"),
        ("to", "", "--keys: is empty (name a folder)"),
        ("mnt", "usb", "DIR: is not there, or no folder (mount it or make it)"),
        ("to", "mnt/usb", "--keys: is not there, or no folder (mount it or make it)"),
        ("file", "usb", "DIR: is not there, or no folder"),
        ("x" * 5000, "usb", "DIR: is not there, or no folder"),
        ("to", "to", "--keys: is the same folder as DIR (name a folder on another disk or a stick"),
        ("to", "./usb/../to/", "--keys: is the same folder as DIR"),
        ("to", "link", "--keys: is the same folder as DIR"),
        ("to", "to/in", "--keys: lies inside DIR"),
        ("to/in", "to", "DIR: lies inside --keys"),
        ("papers/ab", "usb", "DIR: lies inside the folder of the papers (name a folder outside of"),
        ("to", "papers", "--keys: lies inside the folder of the papers"),
        ("keys", "usb", "DIR: lies inside the folder of the key store"),
        ("to", "keys", "--keys: lies inside the folder of the key store"),
        ("local/backups", "usb", "DIR: lies inside the folder of the ledger"),
        ("to", "local", "--keys: lies inside the folder of the ledger"),
        ("policies/old", "usb", "DIR: lies inside the folder of the policies"),
    ],
)
def test_a_place_that_is_not_there_or_not_apart_is_refused(
    office: Path, into: str, keys: str, said: str
) -> None:
    """Exit code 2 with the option, the rule and what to do; nothing is made, above all no missing folder."""
    before = folders(office)
    ran = backup(office, into, "--keys", keys)
    assert (ran.code, ran.err.startswith("refused, 1 fault(s); nothing was done")) == (2, True), ran.err
    assert said in " ".join(ran.err.split())
    assert folders(office) == before


def test_every_fault_is_named_at_once(office: Path) -> None:
    """Of both places."""
    ran = backup(office, "", "--keys", "mnt")
    assert (ran.code, "DIR: is empty" in ran.err, "--keys: is not there" in ran.err) == (2, True, True)
    ran = backup(office, "keys", "--keys", "keys")
    assert (ran.code, "refused, 3 fault(s)" in ran.err) == (2, True)


def test_the_keys_have_a_place_of_their_own_or_there_is_no_backup(office: Path) -> None:
    """It is asked for; before, they were put beside the copy of what they open."""
    ran = backup(office, "to")
    assert (ran.code, "--keys" in ran.err) == (2, True)
    assert [path.name for path in (office / "to").iterdir()] == ["in"]


def test_two_places_that_are_apart_are_taken_however_they_are_written(office: Path) -> None:
    """A link, and the folder in which one is; stores may lie below what lies beside them."""
    assert backup(office, "link", "--keys", "usb").code == 0
    (copy,) = (office / "to").glob("reaktivasi-*")
    assert (copy / "ledger.db").is_file()
    (keys,) = (office / "usb").iterdir()
    assert (keys / "keys.db").is_file()

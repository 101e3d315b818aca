"""Master keys: read, refused, turned over; the vault that they open."""

import hashlib
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from gateways import key_store, keyring
from gateways.folder_documents import FolderDocuments
from gateways.keyring import DEMO, KeyRing, add_to_file, new_key, read_key_file, read_keys
from gateways.ledger_check import Opened, require_opens
from gateways.ledger_schema import open_engine
from gateways.sql_registry import SqlRegistry
from gateways.sql_vault import SqlVault
from models.errors import BadReply, EngineUnreachable, Erased, Misconfigured
from runtime import keys
from runtime.preparing import prepare
from runtime.settings import Settings
from tests.builders import PDF
from tests.ledger.builders import a_new_case
from tests.ledgers import upgrade
from tests.unit.typed import typed
from tests.vaults import vault_at

DAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 5, tzinfo=UTC)


def _settings(folder: Path, **changes: object) -> Settings:
    return Settings.model_validate({"local_dir": folder, **changes})


def test_a_key_file_is_added_to_and_read_newest_last(tmp_path: Path) -> None:
    """Mode 0600 from the start; a comment and an empty line do not count."""
    file = tmp_path / "etc" / "master.key"
    made = [new_key(DAY), new_key(DAY)]
    add_to_file(made[0], file)
    with file.open("a") as words:
        words.write("# the second one\n\n")
    add_to_file(made[1], file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_key_file(file) == KeyRing(tuple(made))
    assert read_key_file(file).newest == made[1]


@pytest.mark.parametrize(
    "lines", [[], ["k1 = kurz"], ["=" * 50], ["key-1 = " + "A" * 44], [new_key(DAY).line.strip() + "x"]]
)
def test_what_is_no_key_is_refused_without_being_quoted(lines: list[str]) -> None:
    """The place is named, and the line; not the secret in it."""
    with pytest.raises(Misconfigured, match="master key: there") as caught:
        read_keys(lines, "there")
    assert not any(len(line) > 20 and line in str(caught.value) for line in lines)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As for every secret in a file."""
    file = tmp_path / "master.key"
    add_to_file(new_key(DAY), file)
    file.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        read_key_file(file)


def test_keys_come_from_a_file_the_environment_or_a_command(tmp_path: Path) -> None:
    """One of the three; none, and more than one, is refused and names the settings."""
    one, two = new_key(DAY), new_key(DAY)
    add_to_file(one, file := tmp_path / "master.key")
    add_to_file(two, file)
    ring = KeyRing((one, two))
    lines = f"{one.line.strip()};{two.line.strip()}"
    assert keys.load_ring(_settings(tmp_path, master_key_file=file)) == ring
    assert keys.load_ring(_settings(tmp_path, master_keys=lines)) == ring
    assert keys.load_ring(_settings(tmp_path, master_key_command=f"cat {file}")) == ring
    with pytest.raises(Misconfigured, match="there is no master key: set REAKTIVASI_MASTER_KEY_FILE"):
        keys.load_ring(_settings(tmp_path))
    with pytest.raises(Misconfigured, match="set one of"):
        keys.load_ring(_settings(tmp_path, master_key_file=file, master_keys=lines))
    for command in ("false", "/nowhere/at/all", "'"):
        with pytest.raises(Misconfigured, match="REAKTIVASI_MASTER_KEY_COMMAND"):
            keys.load_ring(_settings(tmp_path, master_key_command=command))


@pytest.mark.parametrize(
    ("place", "elsewhere"),
    [
        ("the ledger", {"database_url": "sqlite:////var/lib/ledger.db", "keystore": "sqlite:///{}/keys.db"}),
        ("the ledger", {"database_url": "postgresql+psycopg://db/l", "keystore": "sqlite:///{}/keys.db"}),
        ("the key store", {"keystore": "sqlite:////var/lib/keys.db"}),
        ("the document store", {"documents_dir": "/var/lib/documents"}),
        ("the document store", {"documents_dir": "{}/../documents"}),
    ],
)
def test_a_demo_key_guards_a_local_stack_alone(tmp_path: Path, place: str, elsewhere: dict[str, str]) -> None:
    """Whatever lies outside of the stack's folder is refused, also by a way back up."""
    local = tmp_path / "local"
    keys.make_demo_key(_settings(local))
    assert keys.load_ring(_settings(local)).newest.id.startswith(DEMO)
    settings = _settings(local, **{name: value.format(local) for name, value in elsewhere.items()})
    with pytest.raises(Misconfigured, match=f"a demo key .* {place} lies outside"):
        keys.load_ring(settings)


def test_a_ledger_elsewhere_needs_a_key_store_by_name(tmp_path: Path) -> None:
    """Two machines on one ledger must not each have a key store of their own."""
    with pytest.raises(Misconfigured, match="REAKTIVASI_KEYSTORE must be set"):
        _ = _settings(tmp_path, database_url="postgresql+psycopg://db/l").keystore_url


def test_keys_turn_over_while_work_goes_on(tmp_path: Path) -> None:
    """Every key is under the newest master key; the older one may go; what was sealed still opens."""
    old, new = new_key(DAY), new_key(DAY)
    before = vault_at(tmp_path, KeyRing((old,)))
    made = before.make(7)
    sealed = [key.seal("here", "Siti") for key in made]
    index = before.index("nik", "1")
    engine = key_store.open_keys(f"sqlite:///{tmp_path / 'keys.db'}")
    rings = [KeyRing((old,)), KeyRing((old, new)), KeyRing((new,))]
    worker = SqlVault(engine, lambda: rings.pop(0))
    assert worker.key(made[0].id) == made[0]

    turning = SqlVault(engine, lambda: KeyRing((old, new)))
    batches = turning.rotate(at_a_time=3)
    assert next(batches) == 3
    assert turning.wrapped_by() == {old.id: 4, new.id: 3}
    assert [worker.key(key.id) for key in made] == made
    assert list(SqlVault(engine, lambda: KeyRing((old, new))).rotate(at_a_time=3)) == [3, 1]

    after = SqlVault(engine, lambda: KeyRing((new,)))
    assert after.wrapped_by() == {new.id: 7}
    assert [after.key(key.id).unseal("here", one) for key, one in zip(made, sealed, strict=True)] == [
        "Siti"
    ] * 7
    assert after.index("nik", "1") == index
    with pytest.raises(Misconfigured, match=f"needs master key {new.id}, which is not loaded"):
        SqlVault(engine, lambda: KeyRing((old,))).store()


def test_another_key_under_the_same_name_does_not_open(tmp_path: Path) -> None:
    """And says so, with the name of the key alone."""
    master = new_key(DAY)
    vault_at(tmp_path, KeyRing((master,)))
    wrong = keyring.MasterKey(master.id, os.urandom(32))
    engine = open_engine(f"sqlite:///{tmp_path / 'keys.db'}")
    with pytest.raises(Misconfigured, match=f"master key {master.id} does not open"):
        SqlVault(engine, lambda: KeyRing((wrong,))).store()


def test_a_destroyed_key_is_gone_from_the_files(tmp_path: Path) -> None:
    """It is remembered when it went; its bytes are in neither the file nor the log."""
    vault = vault_at(tmp_path)
    gone, kept = vault.make(2)
    engine = open_engine(f"sqlite:///{tmp_path / 'keys.db'}")
    with engine.connect() as connection:
        wrapped = connection.execute(text("SELECT id, wrapped FROM person_keys")).all()
    bytes_of = {row.id: row.wrapped for row in wrapped}
    vault.destroy(gone.id, NOON)
    vault.destroy(gone.id, NOON.replace(hour=9))
    with pytest.raises(Erased, match=r"erased on 2 Mar 2026 12\.00 WIB"):
        vault.key(gone.id)
    assert vault.destroyed([gone.id, kept.id]) == {gone.id: NOON}
    files = b"".join(path.read_bytes() for path in tmp_path.glob("keys.db*"))
    assert (bytes_of[gone.id] in files, bytes_of[kept.id] in files) == (False, True)


def test_a_ledger_without_its_key_store_is_left_alone(tmp_path: Path) -> None:
    """A new key store would make strangers of everybody."""
    settings, said = _settings(tmp_path), list[str]()
    keys.make_demo_key(settings)
    prepare(settings, said.append)
    engine = open_engine(settings.ledger_url)
    assert require_opens(engine, keys.vault(settings, engine)) == Opened(0, 0)
    SqlRegistry(engine, keys.vault(settings, engine)).register(a_new_case())
    assert require_opens(engine, keys.vault(settings, engine)) == Opened(1, 0)
    (tmp_path / "other").mkdir()
    astray = _settings(tmp_path, keystore=f"sqlite:///{tmp_path / 'other' / 'keys.db'}")
    with pytest.raises(Misconfigured, match="key store of this ledger is not there"):
        prepare(astray, said.append)
    vault_at(tmp_path / "other", keys.load_ring(settings))
    with pytest.raises(Misconfigured, match="belongs to another ledger"):
        require_opens(engine, keys.vault(astray, engine))
    with pytest.raises(Misconfigured, match="belongs to another ledger"):
        prepare(astray, said.append)
    assert require_opens(engine, keys.vault(settings, engine)) == Opened(1, 0)


def test_only_a_file_that_held_something_is_said_to_be_rewritten(tmp_path: Path) -> None:
    """Whoever begins reads nothing that frightens him; whoever upgrades is told, once."""
    assert typed(tmp_path, "migrate").out == "the ledger's schema is current\n"
    (tmp_path / "older").mkdir()
    older = open_engine(f"sqlite:///{tmp_path / 'older' / 'ledger.db'}")
    upgrade(older, "0015")
    older.dispose()
    told = [typed(tmp_path / "older", "migrate").out.count("file was rewritten") for _ in range(2)]
    assert told == [1, 0]


def test_papers_in_the_clear_are_sealed_by_the_migration(tmp_path: Path) -> None:
    """They can be read as before, and a second time there is nothing to do."""
    settings, said = _settings(tmp_path), list[str]()
    keys.make_demo_key(settings)
    sha256 = hashlib.sha256(PDF).hexdigest()
    old = settings.documents / sha256[:2] / sha256[2:4] / sha256
    old.parent.mkdir(parents=True)
    old.write_bytes(PDF)
    prepare(settings, said.append)
    assert said[-1] == "1 paper(s) sealed"
    assert PDF not in b"".join(path.read_bytes() for path in settings.documents.rglob("*") if path.is_file())
    vault = keys.vault(settings, open_engine(settings.ledger_url))
    assert FolderDocuments(settings.documents, vault).get(sha256) == PDF
    prepare(settings, said.append)
    assert len(said) == 1


def test_a_key_store_that_is_away_is_named(tmp_path: Path) -> None:
    """With the setting to look at."""
    with pytest.raises(EngineUnreachable, match="REAKTIVASI_KEYSTORE"):
        SqlVault(
            key_store.open_keys("sqlite:////nowhere/at/all/k.db"), lambda: KeyRing((new_key(DAY),))
        ).store()


def test_a_seal_holds_at_its_place_and_for_its_person_alone(tmp_path: Path) -> None:
    """The need of one case does not open as that of another case of the same person."""
    one, other = vault_at(tmp_path).make(2)
    sealed = one.seal("cases/1", "Siti")
    assert one.unseal("cases/1", sealed) == "Siti"
    for key, place in ((one, "cases/2"), (other, "cases/1")):
        with pytest.raises(BadReply, match="not at its place"):
            key.unseal(place, sealed)

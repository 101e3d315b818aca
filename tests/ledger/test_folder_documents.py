"""The document store: complete or not at all, for its owner's eyes only."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.folder_documents import FolderDocuments
from models.errors import Unavailable
from tests.ledger.builders import at_once
from tests.vaults import a_vault


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Name a place that does not exist yet."""
    return tmp_path / "var" / "documents"


@pytest.fixture
def documents(root: Path) -> FolderDocuments:
    """Give an empty store."""
    return FolderDocuments(root, a_vault())


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000))
def test_any_content_is_kept_under_its_hash(documents: FolderDocuments, root: Path, content: bytes) -> None:
    """Byte for byte; in the folder neither content nor hash is to be seen."""
    sha256 = documents.put(content)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert documents.get(sha256) == content
    name = a_vault().index("paper", sha256)
    lies_there = (root / name[:2] / name[2:4] / name).read_bytes()
    assert content not in lies_there or len(content) < 8  # short bytes come about by themselves
    assert sha256 not in str(list(root.rglob("*")))


def test_same_content_is_kept_once_and_left_alone(documents: FolderDocuments, root: Path) -> None:
    """Putting it again does not even write."""
    documents.put(b"paper")
    (before,) = _files(root)
    inode = before.stat().st_ino
    documents.put(b"paper")
    assert [file.stat().st_ino for file in _files(root)] == [inode]


def test_altered_or_missing_paper_is_not_intact_and_can_be_put_again(
    documents: FolderDocuments, root: Path
) -> None:
    """The content is hashed again, not just looked for."""
    sha256 = documents.put(b"paper")
    (file,) = _files(root)
    file.write_bytes(b"forged")
    assert not documents.is_intact(sha256)
    file.unlink()
    assert not documents.is_intact(sha256)
    file.write_bytes(b"forged")
    documents.put(b"paper")
    assert documents.is_intact(sha256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "\0"])
def test_what_is_no_hash_is_never_intact(documents: FolderDocuments, name: str) -> None:
    """Nothing outside the store can be reached by a crooked name."""
    assert not documents.is_intact(name)


def test_only_the_owner_can_read(documents: FolderDocuments, root: Path) -> None:
    """Files 0600 and folders 0700, from the store's root down."""
    documents.put(b"paper")
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert {file.stat().st_mode & 0o777 for file in _files(root)} == {0o600}


def test_write_that_is_cut_short_leaves_nothing(
    documents: FolderDocuments, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk shows as Unavailable, and no half paper stays behind."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="documents: folder cannot be written: the disk is full"):
        documents.put(b"paper")
    assert _files(root) == []


def test_ten_threads_may_put_the_same_paper(documents: FolderDocuments, root: Path) -> None:
    """They agree on one file."""
    assert len(set(at_once([lambda: documents.put(b"paper")] * 10))) == 1
    assert len(_files(root)) == 1

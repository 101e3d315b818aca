"""Papers in a folder, sealed. Satisfies `gateways.ports.papers.Documents`.

A paper is asked for by the SHA-256 of its content, and only that leads to its key; the ledger keeps the hash
sealed under the key of the person. So papers of two people that are equal are one file, which stays readable
while one of the two is known, and unreadable once both were erased.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateways import sealing
from gateways.ports.vault import Vault
from gateways.sealed_rows import PAPER
from models.errors import DocumentLost, Unavailable
from models.faults import of_os

_SETTING = "REAKTIVASI_DOCUMENTS_DIR"


class FolderDocuments:
    """A document store at `root/ab/cd/<name>`, the name a keyed hash; readable by its owner only.

    A paper is there completely or not at all, also after a crash. Raises Unavailable when the folder cannot
    be read or written.
    """

    def __init__(self, root: Path, vault: Vault) -> None:
        """`root` is made when the first paper is put; `vault` seals what is put there."""
        self._root = root
        self._vault = vault

    def put(self, content: bytes) -> str:
        """Keep the content and return its SHA-256 in hex; a damaged copy is replaced by the good one."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.is_intact(sha256):
            with _told_plainly():
                self._write(self._path(sha256), self._vault.seal_content(sha256, content))
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the content with this hash. Raises DocumentLost when it is gone or was altered."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise _lost()
        with _told_plainly():
            try:
                sealed = self._path(sha256).read_bytes()
            except FileNotFoundError:
                raise _lost() from None
        content = self._vault.unseal_content(sha256, sealed)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _lost()
        return content

    def is_intact(self, sha256: str) -> bool:
        """Tell whether the content is there and still has this hash."""
        try:
            self.get(sha256)
        except DocumentLost:
            return False
        return True

    def remove(self, name: str) -> bool:
        """Remove a file by its name; False when there is none."""
        with _told_plainly():
            path = place_of(self._root, name)
            is_there = path.exists()
            path.unlink(missing_ok=True)
            return is_there

    def _path(self, sha256: str) -> Path:
        return place_of(self._root, self._vault.index(PAPER, sha256))

    def _write(self, path: Path, content: bytes) -> None:
        self._root.parent.mkdir(parents=True, exist_ok=True)
        folders = (self._root, path.parent.parent, path.parent)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as paper:  # mode 0600
            part = Path(paper.name)
            try:
                paper.write(content)
                paper.flush()
                os.fsync(paper.fileno())
                part.replace(path)
            except BaseException:
                part.unlink()
                raise
        for folder in reversed(folders):
            _sync_folder(folder)


def place_of(root: Path, name: str) -> Path:
    """Return where a file of this name lies in a store."""
    return root / name[:2] / name[2:4] / name


def in_the_clear(root: Path) -> Iterator[Path]:
    """Return the papers that an older version kept under their own hash, unsealed."""
    for path in sorted(root.glob("??/??/*")):
        with path.open("rb") as file:
            is_sealed = file.read(1) == sealing.FORM
        if not is_sealed and hashlib.sha256(path.read_bytes()).hexdigest() == path.name:
            yield path


def _lost() -> DocumentLost:
    return DocumentLost("a paper is gone from the document store or was altered")


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fault = of_os(error)
        raise Unavailable("documents", f"folder {fault.what} ({fault.fix(_SETTING)})") from error

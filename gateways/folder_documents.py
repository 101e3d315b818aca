"""Papers in a folder, each under the SHA-256 of its content. Satisfies `gateways.ports.Documents`."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import DocumentLost, Unavailable


class FolderDocuments:
    """A document store at `root/ab/cd/<sha256>`, readable by its owner only.

    A paper is there completely or not at all, also after a crash. Raises Unavailable when the folder cannot
    be read or written.
    """

    def __init__(self, root: Path) -> None:
        """`root` is made when the first paper is put."""
        self._root = root

    def put(self, content: bytes) -> str:
        """Keep the content and return its SHA-256 in hex; a damaged copy is replaced by the good one."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.is_intact(sha256):
            with _told_plainly():
                self._write(self._path(sha256), content)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the content with this hash. Raises DocumentLost when it is gone or was altered."""
        if not self.is_intact(sha256):
            raise DocumentLost("a paper is gone from the document store or was altered")
        with _told_plainly():
            return self._path(sha256).read_bytes()

    def is_intact(self, sha256: str) -> bool:
        """Tell whether the content is there and still has this hash."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            return False
        with _told_plainly():
            try:
                with self._path(sha256).open("rb") as paper:
                    return hashlib.file_digest(paper, "sha256").hexdigest() == sha256
            except FileNotFoundError:
                return False

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256[2:4] / sha256

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
        raise Unavailable("documents", "folder cannot be read or written") from error

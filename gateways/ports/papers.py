"""Papers and letters as files."""

from typing import Protocol

from models.letters import Letter


class Documents(Protocol):
    """Where papers are kept, under the SHA-256 of their content."""

    def put(self, content: bytes) -> str:
        """Keep the content and return its SHA-256 in hex. Putting the same content again changes nothing."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the content with this hash. Raises DocumentLost when it is gone or was altered."""
        ...

    def is_intact(self, sha256: str) -> bool:
        """Tell whether the content is there and still has this hash."""
        ...


class PaperFiles(Protocol):
    """The files of papers, by the names under which the ledger has them."""

    def remove(self, name: str) -> bool:
        """Remove a file; False when there is none. Raises Unavailable."""
        ...


class LetterPrinter(Protocol):
    """Makes a letter that can be printed and signed."""

    def print(self, letter: Letter) -> bytes:
        """Return the letter as PDF, the same for the same letter. Raises Misconfigured."""
        ...

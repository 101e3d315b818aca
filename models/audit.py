"""The audit: what a digest and a hash of the chain are made of, who saw what, what verifying tells."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from models.roles import Role

GENESIS: Final = hashlib.sha256(b"pbi-reaktivasi audit chain").digest()
"""What stands before the first entry."""


class Door(StrEnum):
    """Where personal data was shown, or data left the ledger."""

    SHEET = "desk show"
    LETTER = "letter"
    LETTER_REISSUE = "letter reissue"
    REPORT = "report"
    BULK_FILE = "bulk file"
    REJECTS = "import rejects"
    PRIVACY_ACCESS = "privacy access"
    BREACH_REPORT = "privacy breach-report"

    @property
    def is_export(self) -> bool:
        """Whether a file was written."""
        return self is not Door.SHEET


class DataKind(StrEnum):
    """Kinds of personal data, as UU 27/2022 tells them apart."""

    IDENTITY = "identity"
    CONTACT = "contact"
    HEALTH = "health"
    WORDS = "words"
    """What officers wrote about the case."""


SHOWS: Final[dict[Door, frozenset[DataKind]]] = {
    Door.SHEET: frozenset(DataKind),
    Door.LETTER: frozenset({DataKind.IDENTITY, DataKind.CONTACT, DataKind.HEALTH}),
    Door.LETTER_REISSUE: frozenset({DataKind.IDENTITY, DataKind.CONTACT, DataKind.HEALTH}),
    Door.REPORT: frozenset(),
    Door.BULK_FILE: frozenset(),
    Door.REJECTS: frozenset(),
    Door.PRIVACY_ACCESS: frozenset(DataKind),
    Door.BREACH_REPORT: frozenset(),
}
"""What is personal in what a door shows; case numbers and figures are not."""


@dataclass(frozen=True)
class Access:
    """Somebody saw personal data, or wrote a file of ledger data."""

    at: datetime
    actor: str
    role: Role
    door: Door
    reason: str
    """A code or the id of a note; never words."""
    case_number: str | None = None
    count: int = 1
    """How many cases it is about."""
    sha256: str | None = None
    """Digest of the file that was written."""


@dataclass(frozen=True)
class Note:
    """Why somebody did something, in words that stay in the ledger."""

    id: str
    case_number: str
    text: str

    def __repr__(self) -> str:
        """Keep the words out of tracebacks and logs."""
        return f"<Note {self.id}>"


@dataclass(frozen=True)
class Fault:
    """A row that is not as it was sealed."""

    table: str
    key: str
    what: str
    """In fixed words."""


@dataclass(frozen=True)
class Coverage:
    """What the audit vouches for: columns by table, each in one of the three."""

    sealed: Mapping[str, tuple[str, ...]]
    """A change is found by the chain."""
    compared: Mapping[str, tuple[str, ...]]
    """Not sealed; a value that differs from what sealed rows say is found."""
    neither: Mapping[str, tuple[str, ...]]
    """A change is not found."""


@dataclass(frozen=True)
class Unsealed:
    """Rows that are written and not in the chain yet."""

    rows: int
    oldest: datetime | None


@dataclass(frozen=True)
class Head:
    """The chain's last entry."""

    number: int
    hash: str


@dataclass(frozen=True)
class Generation:
    """A life of the ledger that began when it was put back from a copy."""

    began_at: datetime
    begun_by: str
    entries: int
    """Number of the chain's last entry then; whatever had a higher one is lost."""


@dataclass(frozen=True)
class Anchor:
    """What the chain's head was, kept outside the database."""

    number: int
    hash: str
    at: datetime

    def __str__(self) -> str:
        """Return the line of a file of anchors."""
        return f"{self.number} {self.hash} {self.at.isoformat(timespec='seconds')}"

    @classmethod
    def of(cls, line: str) -> "Anchor":
        """Read a line. Raises ValueError."""
        number, digest, at = line.split(" ")
        if len(bytes.fromhex(digest)) != len(GENESIS):
            raise ValueError("is no hash")
        return cls(int(number), digest, datetime.fromisoformat(at))


@dataclass(frozen=True)
class TrailAsk:
    """Which lines of the trail are wanted; None is all."""

    case_number: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cities: frozenset[str] | None = None
    """Only cases of these cities, and what is about no case."""
    limit: int | None = None


@dataclass(frozen=True)
class TrailLine:
    """Something that was done, by whom, and its number in the chain."""

    at: datetime
    actor: str
    role: str | None
    what: str
    case_number: str | None
    reason: str | None
    table: str
    key: str
    entry: int | None
    """None while it is not sealed."""


@dataclass(frozen=True)
class Touch:
    """What one person did by one door in a time."""

    actor: str
    role: str | None
    what: str
    is_door: bool
    """Whether data were shown or written to a file; otherwise it was a command."""
    times: int
    cases: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Touched:
    """Whose data were seen or worked by people in a time."""

    by: tuple[Touch, ...]
    cases: tuple[tuple[str, str], ...]
    """Case number and track."""
    people: int
    refusals: int
    machine_cases: int
    """Cases that went on in that time, whoever moved them."""


def digest_of(table: str, columns: Iterable[bytes | None]) -> bytes:
    """Return the digest of a row: its form's name and its columns as the database holds them."""
    return hashlib.sha256(_packed((table.encode(), *columns))).digest()


def hash_of(previous: bytes, *entry: bytes | None) -> bytes:
    """Return an entry's hash, which holds the hash of the one before and by it every earlier entry."""
    return hashlib.sha256(_packed((previous, *entry))).digest()


def _packed(parts: Iterable[bytes | None]) -> bytes:
    """Return parts so that no other parts give the same bytes."""
    return b"".join(b"-" if part is None else b"%d:%b" % (len(part), part) for part in parts)

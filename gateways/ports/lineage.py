"""Which ledger this is, and what it knows of its own past."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from models.lineage import Held, Lineage, Past


class LineageBook(Protocol):
    """The ledger's identity. Raises EngineUnreachable when the database is away."""

    def lineage(self) -> Lineage:
        """Return which ledger this is."""
        ...

    def past(self) -> Past:
        """Return how far the ledger is."""
        ...

    def hash_of(self, entry: int) -> str | None:
        """Return the hash of an entry of the audit chain; None when there is none."""
        ...

    def remember(self, *, keys: int | None = None, temporal: int | None = None) -> None:
        """Note how far key store and Temporal have counted; it never goes back."""
        ...

    def hold(self, held: Held) -> None:
        """Let no number be given out from now on; who holds first says why."""
        ...

    def begin_generation(self, numbers: Mapping[str, int], *, after: int, by: str, now: datetime) -> Lineage:
        """Go on after a store was put back: no series gives out a number up to these again.

        The generation is later than its own and `after`, the latest that anybody knows of.
        """
        ...

    def newest_registration(self) -> datetime | None:
        """Return when a case was registered last; None when none ever was."""
        ...

    def newest_keys(self) -> Collection[str]:
        """Return the ids of the keys of those people who came last."""
        ...

    def births(self, numbers: Collection[str]) -> Mapping[str, str | None]:
        """Return the birth marks of those of these cases that the ledger holds."""
        ...

"""What recovering needs of the ledger."""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from models.case import CaseRef
from models.desk import Command
from models.recovery import Told


class RecoveryBook(Protocol):
    """The ledger as recovery reads and mends it. Raises EngineUnreachable when the database is away."""

    def told(self, case_number: str) -> Told:
        """Return how far a case has told its story. Raises NotFound."""
        ...

    def open_cases(self) -> Sequence[str]:
        """Return the open cases, the next due first; also those that may never have been begun."""
        ...

    def mark_started(self, case_number: str, now: datetime) -> None:
        """Note that the case's workflow exists; the first note stays."""
        ...

    def cases_with_gaps(self) -> Sequence[str]:
        """Return the cases that are over and of whose story events are missing."""
        ...

    def given_to_clock(self, case_number: str) -> Sequence[Command]:
        """Return the commands that a case had taken and a new run must be given again, in their order."""
        ...

    def keep(self, commands: Collection[Command]) -> None:
        """Write commands that a case had taken and the ledger lost with a copy; one that is there stays."""
        ...

    def renumber(self, case_number: str, now: datetime) -> CaseRef:
        """Let a case that never began go on under a number of its own; return it. Raises NumbersHeld."""
        ...

    def key_ids(self) -> Iterator[Collection[str]]:
        """Yield the ids of everybody's keys, some at a time."""
        ...

    def unreadable(self, lost: Collection[str] = ()) -> Sequence[str]:
        """Return the open cases that nobody can read again, because their people's keys were lost.

        `lost` are ids of keys that are found lost now. None of these cases can go on: it is withdrawn, and
        the person applies anew, with the key that was made in place of the lost one.
        """
        ...

    def unopened(self) -> AbstractSet[str]:
        """Return the ids of keys that are here and do not open what the open cases of their people hold."""
        ...

    def erased_key_ids(self) -> Collection[str]:
        """Return the ids of the keys of people who were erased."""
        ...

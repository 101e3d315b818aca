"""Who did and saw what, proved, and what is erased."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from models.audit import (
    Access,
    Anchor,
    Coverage,
    Fault,
    Generation,
    Head,
    Note,
    Touched,
    TrailAsk,
    TrailLine,
    Unsealed,
)
from models.erasure import Cutoffs, Deed, Due, Subject
from models.page import Page
from models.roles import Role


class Trail(Protocol):
    """Who did and saw what. Raises EngineUnreachable when the database is away."""

    def keep(self, access: Access, note: Note | None = None) -> None:
        """Write down, before anything is shown, that somebody sees it, and the words of his reason."""
        ...

    def lines(self, ask: TrailAsk) -> Page[TrailLine]:
        """Return what was done, the oldest first; with a limit the newest of it."""
        ...

    def cases_of_person(self, case_number: str) -> list[str]:
        """Return every case of the person of a case. Raises NotFound."""
        ...

    def touched(self, since: datetime, until: datetime, cities: frozenset[str]) -> Touched:
        """Return whose data people saw or worked from a time until before another."""
        ...


class Erasures(Protocol):
    """Who was and is to be erased, and who must not be. Raises EngineUnreachable."""

    def subject(self, case_number: str) -> Subject:
        """Return what there is to erase of the person of a case, and what forbids it. Raises NotFound."""
        ...

    def erase(self, case_number: str, deed: Deed) -> Subject:
        """Erase the person of a case, once, and return what was there. Raises NotFound or WrongState."""
        ...

    def erased(self, case_numbers: Collection[str]) -> Mapping[str, datetime]:
        """Return when the people of cases were erased, by case; those who were not are left out."""
        ...

    def due(self, cutoffs: Cutoffs) -> list[Due]:
        """Return who is not held, and whose cases all ended before their own city's time."""
        ...

    def hold(self, case_number: str, actor: str, role: Role, reason: str, at: datetime) -> None:
        """Keep the person of a case from being erased. Raises NotFound, WrongState or Erased."""
        ...

    def release(self, case_number: str, actor: str, role: Role, reason: str, at: datetime) -> None:
        """End the legal hold on the person of a case. Raises NotFound, or WrongState when there is none."""
        ...


class Audit(Protocol):
    """The chain over everything that was done. Raises EngineUnreachable when the database is away."""

    def seal(self, now: datetime) -> int:
        """Append the next rows that wait and return how many; 0 when none do or somebody else is at it."""
        ...

    def unsealed(self) -> Unsealed:
        """Return how many rows wait, and since when."""
        ...

    def head(self) -> Head | None:
        """Return the chain's last entry; None while there is none."""
        ...

    def generations(self) -> list[Generation]:
        """Return the lives of the ledger that began when it was put back, the first one first."""
        ...

    def hashes(self, numbers: Collection[int]) -> dict[int, str]:
        """Return the hash of each of these entries that is there."""
        ...

    def faults(self, last: int, told: Callable[[int], None]) -> Iterator[Fault]:
        """Find every row that is not as it was sealed, up to an entry; tell of each batch how many it had."""
        ...

    def differences(self) -> Iterator[Fault]:
        """Find every row that no seal covers and that is not as sealed rows say."""
        ...

    def coverage(self) -> Coverage:
        """Return which columns are sealed, which are compared, and which neither."""
        ...


class Anchors(Protocol):
    """Where heads of the chain are kept outside the database. Raises Misconfigured."""

    def read(self) -> Iterator[tuple[int, Anchor | None]]:
        """Return each line's number and its anchor; None for a line that is none."""
        ...

    def append(self, anchor: Anchor, *, once_a_day: bool = False) -> bool:
        """Write an anchor for good; False when the day has one already."""
        ...

"""By which calendar clocks count."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.calendar import CalendarKind
from models.case import CaseRef
from models.messages import Recount


@dataclass(frozen=True)
class OpenClock:
    """An open case, and how its clock counts."""

    case: CaseRef
    counts: CalendarKind | None
    """None when the ledger does not know: the clock has not started, or did under an earlier version."""
    may_change: bool
    """Whether somebody has asked for another track, and with it another clock, that is not there yet."""


class CalendarMarks(Protocol):
    """By which calendar the clocks of each city count. Raises EngineUnreachable when the database is away."""

    def renew(
        self, city: str, digest: str, at: datetime, recount: Callable[[OpenClock], Recount | None]
    ) -> int | None:
        """Note the calendar of a city, and write what `recount` says of each open case, all or nothing.

        Return how many commands were written; None, and no command, when this calendar is noted already or
        is the city's first. Of several calls at once one writes.
        """
        ...

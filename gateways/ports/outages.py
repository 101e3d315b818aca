"""Whether an outside system is down."""

from datetime import datetime, timedelta
from typing import Protocol

from models.outage import Outage, System


class Outages(Protocol):
    """Outages of outside systems, as objects. Raises Unavailable when the database is away."""

    def present(self) -> list[Outage]:
        """Return the outages that are open."""
        ...

    def since(self, time: datetime) -> list[Outage]:
        """Return the outages that were open at this time or later, the newest first."""
        ...

    def open(
        self, system: System, by: str, *, since: datetime, note: str | None, now: datetime
    ) -> Outage | None:
        """Open an outage and return it; None when one of the system is open already."""
        ...

    def end(self, system: System, by: str, *, until: datetime, now: datetime) -> Outage | None:
        """Close the open outage of a system and return it; None when there is none."""
        ...

    def may_probe(self, system: System, now: datetime, every: timedelta) -> bool:
        """Take the turn to probe a system; False when somebody did in this interval. Counts on an outage."""
        ...

    def to_park(self, system: System) -> list[str]:
        """Return the open cases that wait at a step that needs the system, and for nothing else."""
        ...

    def to_release(self, system: System) -> list[str]:
        """Return the cases that are parked for the system: emergencies first, then by due time."""
        ...


class Guard(Protocol):
    """Knows whether one outside system is down, so that not every case has to find out."""

    def require_up(self) -> None:
        """Raise SystemDown while an outage of the system is open. Asks nobody outside."""
        ...

    def is_down(self) -> bool:
        """Tell, after a call in vain, whether the system as a whole is down; an outage is open then."""
        ...


class Probe(Protocol):
    """Asks an outside system whether it is there, about nobody."""

    def probe(self) -> None:
        """Return when the system answers. Raises Unavailable when it does not."""
        ...

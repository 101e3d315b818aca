"""What a watching process asks of the ledger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from models.case import CaseState
from models.messages import AlertKind
from models.outbox import Silence
from models.standstill import StuckPolicy


@dataclass(frozen=True)
class Heartbeat:
    """When a watching process was last at work."""

    at: datetime
    every: timedelta
    """How often it means to be."""

    def is_silent(self, now: datetime, patience: timedelta = timedelta(0)) -> bool:
        """Tell whether three rounds, and some patience, have passed without a sign of it."""
        return now - self.at > 3 * self.every + patience


@dataclass(frozen=True)
class Kept:
    """What the ledger holds of a case."""

    birth: str | None
    """Its birth mark; None for a case from before there were any."""
    ended_at: datetime | None
    """When its end was recorded, which may be long after it happened; None while it is open."""


class Watch(Protocol):
    """The ledger as whoever watches over the engine reads it. Raises Unavailable when it is away."""

    def open_cases(self, started_before: datetime, registered_before: datetime) -> dict[str, str | None]:
        """Return the open cases that were started before one time, or registered before another.

        Each with its birth mark.
        """
        ...

    def untold(self, due_before: datetime) -> set[str]:
        """Return the open cases that were due before a time, and whose breach nobody was alerted of."""
        ...

    def stalled(self, since: datetime) -> set[str]:
        """Return the open cases that told nothing since their start, or took no command since then."""
        ...

    def states(self, numbers: Collection[str]) -> list[CaseState]:
        """Return the state of those of these cases that are open now."""
        ...

    def kept(self, numbers: Collection[str]) -> dict[str, Kept]:
        """Return those of these cases that the ledger holds."""
        ...

    def unsealed(self, before: datetime) -> int:
        """Return how many rows were written before a time and are not in the audit chain."""
        ...

    def unsent(self, before: datetime) -> dict[str, int]:
        """Return by city how many alerts were raised before a time and did not get out to anybody."""
        ...

    def silence(self, raised_before: datetime) -> Silence | None:
        """Return the alerts raised before a time of which no person has heard; None when there are none."""
        ...

    def open_alerts(self, kind: AlertKind) -> dict[str, datetime]:
        """Return the keys of the alerts of a kind that are not closed, and when each was raised."""
        ...

    def unacknowledged(self, raised_before: datetime) -> int:
        """Return how many alerts that were raised before a time nobody has taken charge of."""
        ...

    def pending(self, now: datetime) -> int:
        """Return how many messages are due by now, or never went out."""
        ...

    def beat(self, name: str, at: datetime, every: timedelta) -> None:
        """Note that a watching process is at work."""
        ...

    def heartbeat(self, name: str) -> Heartbeat | None:
        """Return the last sign of a watching process; None when there was none ever."""
        ...


class Standstills(Protocol):
    """Cases that may be stuck. Raises EngineUnreachable when the database is away."""

    def unwell(self, rules: Mapping[str, StuckPolicy], now: datetime) -> list[CaseState]:
        """Return the open cases of these cities that are not well by their rule, or say so themselves."""
        ...

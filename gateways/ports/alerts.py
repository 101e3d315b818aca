"""Alerts on their way to people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from models.messages import Alert, AlertKind
from models.outbox import (
    Addressed,
    AlertEntry,
    AlertMessage,
    AlertState,
    Climb,
    Delivery,
    DeliveryEntry,
    Sent,
    Silence,
    Told,
    Unheard,
    Way,
)
from models.page import Page


class AlertChannel(Protocol):
    """Where alerts are raised; whoever has to hear of them does in the end."""

    def send(self, alert: Alert) -> None:
        """Raise the alert once per `alert.key`, however often it is called. Raises Unavailable."""
        ...

    def close(self, key: str) -> None:
        """Take an alert back whose cause is gone: nobody is told of it again. Raises Unavailable."""
        ...


class AlertSender(Protocol):
    """Brings words to a recipient."""

    def send(self, recipient: str, message: AlertMessage) -> None:
        """Bring a message to an officer or another system.

        Raises Unavailable when trying again may help, Refused when it never will; neither says an address.
        """
        ...


class Outbox(Protocol):
    """Alerts on their way to people. Raises Unavailable when the database is away."""

    def put(self, told: Sequence[Addressed]) -> list[Alert]:
        """Keep alerts and a message to each recipient, all or nothing; return the alerts that were new."""
        ...

    def lease(
        self, now: datetime, until: datetime, limit: int = 1000, *, way: Way | None = None
    ) -> list[Delivery]:
        """Take messages that are due, so that no other worker has them before `until`.

        Those that were never tried come first, then the oldest. With `way` only those that go by it.
        """
        ...

    def told(self, recipient: str, kind: AlertKind, since: datetime) -> Told:
        """Return what a recipient heard of one kind since a time."""
        ...

    def sent(self, done: Sequence[Sent], at: datetime, *, in_digest: bool = False) -> None:
        """Note that messages arrived, and plan the repeats of those whose alert is still open."""
        ...

    def postpone(self, ids: Sequence[int], until: datetime, trouble: str | None = None) -> None:
        """Give messages back, to be sent later; with a `trouble`, in fixed words, an attempt was in vain."""
        ...

    def close(self, key: str, at: datetime) -> None:
        """Close an alert whose cause is gone, so that nobody is told again."""
        ...

    def give_up(self, ids: Sequence[int], trouble: str, notices: Sequence[Addressed]) -> None:
        """Note that messages can never arrive, and keep the alerts that tell somebody else of it."""
        ...

    def unheard(self, now: datetime, limit: int = 1000) -> list[Unheard]:
        """Return alerts of which no person has heard and that are to be looked at, the longest due first."""
        ...

    def climb(self, climbs: Sequence[Climb], now: datetime) -> list[str]:
        """Address alerts to others in place of those before; return the keys of those that climbed."""
        ...

    def spare(self, ids: Sequence[int]) -> set[int]:
        """Take back those of these messages that a climb planned and nobody needs; return their ids."""
        ...


class AlertBook(Protocol):
    """Alerts as operators see them. Raises EngineUnreachable when the database is away."""

    def entries(
        self,
        *,
        city: str | None = None,
        case_number: str | None = None,
        state: AlertState | None = None,
        open_since: datetime | None = None,
        limit: int = 200,
    ) -> Page[AlertEntry]:
        """Return alerts, the newest first; with `open_since` those open and raised at that time or before."""
        ...

    def acknowledge(self, case_number: str, key: str | None, by: str, at: datetime) -> list[Alert]:
        """Note that somebody takes care of a case's open alerts, or of the one with this key.

        Return the alerts that were open; their repeats end. Raises NotFound for an unknown case or key.
        """
        ...

    def of_key(self, key: str) -> Alert:
        """Return the alert with this key. Raises NotFound."""
        ...

    def of_city(self, key: str) -> Alert:
        """Return an alert that is about a city and not about a case. Raises NotFound."""
        ...

    def acknowledge_of_city(self, key: str, by: str, at: datetime) -> list[Alert]:
        """Note that somebody takes care of an alert about a city; return it if it was open."""
        ...

    def deliveries(self, case_number: str) -> list[DeliveryEntry]:
        """Return every message about a case, in the order in which they were planned. Raises NotFound."""
        ...

    def deliveries_of(self, key: str) -> list[DeliveryEntry]:
        """Return every message of one alert, in the order in which they were planned."""
        ...

    def silence(self, raised_before: datetime) -> Silence | None:
        """Return the alerts raised before a time of which no person has heard; None when there are none."""
        ...

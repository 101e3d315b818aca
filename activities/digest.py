"""Tell a city's office once a day where it stands."""

from datetime import datetime

from temporalio import activity

from gateways.ports.alerts import AlertChannel
from gateways.ports.figures import Figures
from gateways.ports.policies import PolicyShelf
from models.digest import (
    SAMPLE_WINDOW,
    SAMPLES_AT_MOST,
    DigestAsk,
    DigestFigures,
    digest_of,
    words_of,
)
from models.messages import Alert, AlertKind, Raised

LEVELS = (1, 2)
"""Levels of the city's ladder that get the digest: who is told of a breach first, and the one above."""


class Digesting:
    """Makes the digest of a city and sends it through the channel it was given."""

    def __init__(self, figures: Figures, shelf: PolicyShelf, channel: AlertChannel) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._figures = figures
        self._shelf = shelf
        self._channel = channel

    @activity.defn(no_thread_cancel_exception=True)
    def send_digest(self, ask: DigestAsk) -> Raised:
        """Send a day's digest, also an empty one; the same day again sends nothing."""
        now = activity.info().started_time
        return self.send(self.alert(ask, self.look(ask, now)))

    def look(self, ask: DigestAsk, now: datetime) -> DigestFigures:
        """Return where the city stands. Raises Unavailable or Misconfigured."""
        code = self._shelf.city(ask.city).code
        figures = self._figures.of_city(code, now - SAMPLE_WINDOW, SAMPLES_AT_MOST)
        return digest_of(figures, self._shelf.people(), ask.day, now)

    def alert(self, ask: DigestAsk, figures: DigestFigures, *, key: str | None = None) -> Alert:
        """Return the digest as it is sent; under the day's key unless another is given."""
        name, texts = self._shelf.city(ask.city).name, self._shelf.alert_texts().daily
        return Alert(
            key=key or ask.key,
            city=ask.city,
            kind=AlertKind.DAILY_DIGEST,
            raised_at=figures.at,
            detail=ask.day.isoformat(),
            words=words_of(figures, name, texts),
            levels=LEVELS,
        )

    def send(self, alert: Alert) -> Raised:
        """Put the digest into the outbox, once per key. Raises Unavailable."""
        self._channel.send(alert)
        return Raised(key=alert.key)

"""Where an alert goes when it is raised: into the outbox and the log. Nothing is sent from here."""

from collections.abc import Callable
from datetime import datetime

import structlog

from gateways.ports.alerts import Outbox
from gateways.ports.policies import PolicyShelf
from models.messages import Alert, AlertKind
from models.outbox import Addressed
from models.routing import about, addressed
from models.wib import wib_date

log = structlog.get_logger()


class OutboxAndLog:
    """Keeps each alert with who is told of it, once, and says so once in the log."""

    def __init__(
        self, outbox: Outbox, shelf: PolicyShelf, clock: Callable[[], datetime], also: tuple[str, ...] = ()
    ) -> None:
        """`clock` tells who is away today; `also` are recipients of every alert beside the people."""
        self._outbox = outbox
        self._shelf = shelf
        self._clock = clock
        self._also = also

    def send(self, alert: Alert) -> None:
        """Keep and log the alert unless its key is there already.

        A role that leads to nobody makes an alert of its own, to the fallback. Raises Unavailable,
        NotFound or Misconfigured.
        """
        first, problems = self._addressed(alert)
        told = [first]
        if problems:
            told.append(self._addressed(about(alert, AlertKind.UNROUTABLE, problems[0]))[0])
        new = {one.key for one in self._outbox.put(told)}
        for one in told:
            if one.alert.key in new:
                _log(one)

    def close(self, key: str) -> None:
        """Take an alert back whose cause is gone. Raises Unavailable."""
        self._outbox.close(key, self._clock())

    def _addressed(self, alert: Alert) -> tuple[Addressed, tuple[str, ...]]:
        """Return the alert with who is told, and why somebody is not."""
        ladder = self._shelf.city(alert.city).ladder
        return addressed(alert, ladder, self._shelf.people(), wib_date(self._clock()), self._also)


def _log(told: Addressed) -> None:
    facts = told.alert.model_dump(
        mode="json", exclude={"kind", "level", "levels", "words"}, exclude_none=True
    )
    log.warning(
        "alert.raised",
        alert=told.alert.kind.value,
        escalation_level=told.alert.level,
        **facts,
        late_seconds=int(told.alert.late_by.total_seconds()),
        told=list(told.recipients),
    )

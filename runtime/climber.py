"""What reaches nobody goes to the next level, in the end to everybody who can be reached.

What was asked of whom, and when an alert climbs on, stands in the ledger: several processes may do this at
once, and a restart forgets nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateways.ports.alerts import Outbox
from gateways.ports.policies import PolicyShelf
from models.errors import Misconfigured
from models.outbox import Climb, Unheard
from models.routing import climb, level_of
from models.wib import wib_date

log = structlog.get_logger()

AGAIN: Final = timedelta(minutes=15)
"""How often it is looked, once everybody was told in vain, whether somebody can be reached by now."""


class Climber:
    """Addresses alerts of which no person has heard to others, one round at a time."""

    def __init__(self, outbox: Outbox, shelf: PolicyShelf, contacts: Collection[str]) -> None:
        """`contacts` are the officers who have one: nobody else is told in place of others."""
        self._outbox = outbox
        self._shelf = shelf
        self._contacts = contacts

    def round(self, now: datetime) -> None:
        """Look at what reached nobody, and let climb what has waited long enough. Raises Unavailable."""
        climbs = {one.key: one for one in (self._next(unheard, now) for unheard in self._outbox.unheard(now))}
        if not climbs:
            return
        for key in self._outbox.climb(list(climbs.values()), now):
            log.warning("alert.climbed", key=key, climb=climbs[key].number, told=climbs[key].recipients)

    def _next(self, unheard: Unheard, now: datetime) -> Climb:
        """Return what is to be done about an alert: tell others, or look again some time later."""
        alert = unheard.alert
        try:
            ladder, people = self._shelf.city(alert.city).ladder, self._shelf.people()
        except Misconfigured as error:
            log.error("climb.failed", what=str(error))  # noqa: TRY400 - in our own words
            return Climb(alert.key, now + AGAIN)
        number = unheard.climbs + 1
        for group in climb(alert, ladder, people, wib_date(now)):
            if new := [one for one in group if one in self._contacts and one not in unheard.told]:
                wait = ladder.undelivered_wait(level_of(alert) + number, is_urgent=unheard.is_urgent)
                return Climb(alert.key, now + wait, number, tuple(new))
        log.error("alert.unheard", key=alert.key, told=len(unheard.told))
        return Climb(alert.key, now + AGAIN, is_retried=True)

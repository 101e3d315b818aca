"""Retention: who is kept no longer by the policy of the city is erased, each day by a worker."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from gateways.ports.audit import Erasures
from gateways.ports.policies import PolicyShelf
from models.erasure import Cause, Deed, Due
from models.errors import ReactivationError, WrongState
from models.policy import CityPolicy
from models.roles import MACHINE
from runtime.interceptor import failure_of
from workflows import options

log = structlog.get_logger()


def cutoffs(cities: Iterable[CityPolicy], now: datetime) -> dict[str, datetime]:
    """Return for each city that does not keep for ever before when a case must have ended."""
    return {
        city.code: now - timedelta(days=city.erase_after_days)
        for city in cities
        if city.erase_after_days is not None
    }


def erase(erasures: Erasures, found: Iterable[Due], deed: Deed) -> int:
    """Erase people and return how many; who came back or was held in the meantime is left."""
    done = 0
    for one in found:
        try:
            done += erasures.erase(one.cases[0].case_number, deed).erased_at is None
        except WrongState:
            log.info("retention.left", case=one.cases[0].case_number)
    return done


def erase_due(erasures: Erasures, shelf: PolicyShelf, now: datetime) -> int:
    """Erase whoever the cities keep no longer, and return how many people that were."""
    found = erasures.due(cutoffs(shelf.cities(), now))
    return erase(erasures, found, Deed(MACHINE, None, Cause.RETENTION, now))


async def retain_for_ever(erasures: Erasures, shelf: PolicyShelf, clock: Callable[[], datetime]) -> None:
    """Erase each day what is kept no longer. Ends only by cancellation, or an error of our code."""
    while True:
        try:
            if people := await asyncio.to_thread(erase_due, erasures, shelf, clock()):
                log.info("retention.erased", people=people)
        except ReactivationError as error:
            log.warning("retention.failed", what=failure_of(error).message)
        await asyncio.sleep(options.RETENTION_EVERY.total_seconds())

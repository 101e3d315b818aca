"""Sends the alerts that lie in the outbox: tries again, repeats, gathers a storm into a digest.

No case ever waits for it, and several workers may run one each.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

import structlog

from gateways.ports.alerts import AlertSender, Outbox
from gateways.ports.policies import PolicyShelf
from models.errors import Misconfigured, ReactivationError, Refused, Unavailable
from models.ladder import LadderPolicy
from models.messages import AlertKind
from models.outbox import WEBHOOK, Addressed, AlertMessage, Delivery, Sent
from models.routing import about, route
from models.wib import wib_date

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=2)
"""How long one worker has messages in hand; it sends in the first half of that."""
EVERY: Final = timedelta(seconds=5)
"""How often a worker looks into the outbox; a supervised task that ended begins again after as long."""
FIRST_RETRY: Final = timedelta(seconds=15)
RETRY_AT_MOST: Final = timedelta(minutes=15)
_DOUBLINGS: Final = 10


def retry_wait(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts before, which were in vain too."""
    doubled: int = 2 ** min(attempts, _DOUBLINGS)
    return min(FIRST_RETRY * doubled, RETRY_AT_MOST)


class Dispatcher:
    """Brings due messages to their recipients, one round at a time. One thread at a time may use it."""

    def __init__(
        self, outbox: Outbox, sender: AlertSender, shelf: PolicyShelf, clock: Callable[[], datetime]
    ) -> None:
        """Hold the ports; `clock` tells what is due and when something was sent."""
        self._outbox = outbox
        self._sender = sender
        self._shelf = shelf
        self._clock = clock
        self._silent: dict[str, str] = {}
        """Recipients that did not answer in this round, and what was wrong."""

    def round(self) -> int:
        """Send what is due and return how many messages went out. Raises Unavailable."""
        self._silent = {}
        leased_at = self._clock()
        out = 0
        for group in _groups(self._outbox.lease(leased_at, leased_at + LEASE)):
            if self._clock() - leased_at > LEASE / 2:
                self._outbox.postpone(_ids(group), self._clock())
                continue
            try:
                out += self._dispatch(group)
            except Misconfigured as error:
                log.error("dispatch.failed", what=str(error))  # noqa: TRY400 - in our own words
                self._outbox.postpone(_ids(group), self._clock() + RETRY_AT_MOST, "policy is broken")
        return out

    def _dispatch(self, group: Sequence[Delivery]) -> int:
        """Send the messages of one kind to one recipient: each by itself, or in a storm together."""
        now, recipient, kind = self._clock(), group[0].recipient, group[0].alert.kind
        storm = self._ladder(group[0]).storm
        told = self._outbox.told(recipient, kind, now - storm.within)
        is_calm = told.count + len(group) <= storm.more_than
        if is_calm or recipient == WEBHOOK or group[0].alert.is_news:
            return sum(self._send_one(delivery) for delivery in group)
        if told.last_digest_at is not None and now < told.last_digest_at + storm.within:
            self._outbox.postpone(_ids(group), told.last_digest_at + storm.within)
            return 0
        return self._send(group, self._shelf.alert_texts().together(group), in_digest=True)

    def _send_one(self, delivery: Delivery) -> int:
        message = self._shelf.alert_texts().single(delivery, self._clock(), self._shelf.reasons())
        return self._send([delivery], message)

    def _send(self, group: Sequence[Delivery], message: AlertMessage, *, in_digest: bool = False) -> int:
        """Send one message that tells of these deliveries, and note what became of it."""
        recipient = group[0].recipient
        try:
            self._bring(recipient, message)
        except Refused as error:
            for delivery in group:
                self._give_up(delivery, error.what)
            return 0
        except Unavailable as error:
            self._silent[recipient] = error.what
            self._try_later(group, error.what)
            return 0
        except Exception as error:  # noqa: BLE001 - a library's fault must not hold back the others
            log.error("alert.sender_failed", recipient=recipient, error=type(error).__name__)  # noqa: TRY400
            self._silent[recipient] = "sender failed"
            self._try_later(group, "sender failed")
            return 0
        now = self._clock()
        done = [Sent(delivery.id, self._repeat_at(delivery, now)) for delivery in group]
        self._outbox.sent(done, now, in_digest=in_digest)
        log.info("alert.sent", recipient=recipient, alert=message.kind.value, told=len(group))
        return 1

    def _bring(self, recipient: str, message: AlertMessage) -> None:
        """Send, unless the recipient did not answer a moment ago. Raises what the sender raises."""
        if recipient in self._silent:
            raise Unavailable("alerts", self._silent[recipient])
        self._sender.send(recipient, message)

    def _try_later(self, group: Sequence[Delivery], what: str) -> None:
        tried = max(delivery.attempts for delivery in group)
        self._outbox.postpone(_ids(group), self._clock() + retry_wait(tried), what)
        log.warning("alert.not_sent", recipient=group[0].recipient, told=len(group), what=what)

    def _give_up(self, delivery: Delivery, what: str) -> None:
        """Leave a message that can never arrive, and tell the fallback, unless that is what failed."""
        log.error("alert.gave_up", recipient=delivery.recipient, key=delivery.alert.key, what=what)
        detail = delivery.recipient.strip("@")
        alert = about(delivery.alert, AlertKind.UNDELIVERABLE, detail)
        ladder, today = self._ladder(delivery), wib_date(self._clock())
        recipients = route(alert, ladder, self._shelf.people(), today).recipients
        is_about_that = delivery.alert.kind is AlertKind.UNDELIVERABLE or delivery.recipient in recipients
        notice = None if is_about_that else Addressed(alert, recipients)
        self._outbox.give_up(delivery.id, what, notice)

    def _repeat_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        if delivery.recipient == WEBHOOK:
            return None
        return now + self._ladder(delivery).repeat_wait(delivery.number + 1)

    def _ladder(self, delivery: Delivery) -> LadderPolicy:
        return self._shelf.city(delivery.alert.city).ladder


async def dispatch_for_ever(dispatcher: Dispatcher, every: timedelta = EVERY) -> None:
    """Send round after round in a thread of its own. Ends only by cancellation, or an error of our code."""
    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="alerts")
    try:
        while True:
            try:
                await loop.run_in_executor(thread, dispatcher.round)
            except ReactivationError as error:
                log.warning("dispatch.failed", what=str(error))
            await asyncio.sleep(every.total_seconds())
    finally:
        thread.shutdown(wait=False, cancel_futures=True)  # a message that is under way is not waited for


def _groups(deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Yield messages by recipient and kind."""

    def of(delivery: Delivery) -> tuple[str, str]:
        return delivery.recipient, delivery.alert.kind.value

    for _, group in groupby(sorted(deliveries, key=of), of):
        yield list(group)


def _ids(group: Sequence[Delivery]) -> list[int]:
    return [delivery.id for delivery in group]

"""Sends the alerts that lie in the outbox: tries again, repeats, gathers a storm into a digest.

No case ever waits for it, and several workers may run one each.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

import structlog

from gateways.ports.alerts import AlertSender, Outbox
from gateways.ports.policies import PolicyShelf
from models.errors import Misconfigured, ReactivationError, Refused, Unavailable
from models.ladder import LadderPolicy
from models.messages import AlertKind
from models.outbox import WEBHOOK, Addressed, AlertMessage, Delivery, Reach, Sent
from models.routing import about, addressed, level_of
from models.wib import wib_date
from runtime.climber import Climber
from runtime.interceptor import failure_of

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


@dataclass(frozen=True)
class _Pause:
    """A recipient did not answer, and is not tried again before a time."""

    until: datetime
    tried: int
    what: str


class Dispatcher:
    """Brings due messages to their recipients, one round at a time. One thread at a time may use it."""

    def __init__(
        self,
        outbox: Outbox,
        sender: AlertSender,
        shelf: PolicyShelf,
        reach: Reach,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports; `clock` tells what is due and when something was sent."""
        self._outbox = outbox
        self._sender = sender
        self._shelf = shelf
        self._reach = reach
        self._clock = clock
        self._climber = None if reach.contacts is None else Climber(outbox, shelf, reach.contacts)
        self._pauses: dict[str, _Pause] = {}
        """Of recipients that did not answer the last time. It saves time only, and may be forgotten."""

    def round(self) -> int:
        """Send what is due, let climb what reached nobody, and return how many messages went out.

        Raises Unavailable.
        """
        leased_at = self._clock()
        out = 0
        leased = self._outbox.lease(leased_at, leased_at + LEASE, way=self._reach.way)
        for group in sorted(_groups(leased), key=self._turn):
            if self._clock() - leased_at > LEASE / 2:
                self._outbox.postpone(_ids(group), self._clock())
                continue
            try:
                out += self._dispatch(self._needed(group))
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not hold back the others
                log.error("dispatch.failed", what=failure_of(error).message)  # noqa: TRY400 - our own words
                trouble = "policy is broken" if isinstance(error, Misconfigured) else "program fault"
                self._outbox.postpone(_ids(group), self._clock() + RETRY_AT_MOST, trouble)
        if self._climber is not None:
            self._climber.round(self._clock())
        return out

    def _turn(self, group: Sequence[Delivery]) -> tuple[bool, int, int]:
        """Tell whose turn it is: who did not answer the last time comes late, for that takes long.

        Among those, who is told in place of others comes after them: perhaps they answer again.
        """
        pause = self._pauses.get(group[0].recipient)
        climb = min(delivery.climb for delivery in group)
        return (False, climb, 0) if pause is None else (True, climb, pause.tried)

    def _needed(self, group: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return the messages that are wanted now.

        Somebody else may have heard meanwhile; a reminder of what is not so waits until its next turn.
        """
        for delivery in group:
            if delivery.is_moot:
                wait = self._ladder(delivery).repeat_wait(delivery.number)
                self._outbox.postpone([delivery.id], self._clock() + wait)
        wanted = [delivery for delivery in group if not delivery.is_moot]
        if not any(delivery.climb for delivery in wanted):
            return wanted
        spared = self._outbox.spare(_ids(wanted))
        return [delivery for delivery in wanted if delivery.id not in spared]

    def _dispatch(self, group: Sequence[Delivery]) -> int:
        """Send the messages of one kind to one recipient: each by itself, or in a storm together."""
        if not group:
            return 0
        now, recipient, kind = self._clock(), group[0].recipient, group[0].alert.kind
        ladder = self._ladder(group[0])
        storm = ladder.storm
        told = self._outbox.told(recipient, kind, now - storm.within)
        is_calm = len(told.about.union(one.about for one in group)) <= storm.more_than
        if is_calm or recipient == WEBHOOK or group[0].alert.is_news:
            return sum(self._send_one(delivery) for delivery in group)
        if told.last_digest_at is not None:
            next_digest_at = told.last_digest_at + min(storm.within, *_bearable(ladder, group))
            if now < next_digest_at:
                self._outbox.postpone(_ids(group), next_digest_at)
                return 0
        return self._send(group, self._shelf.alert_texts().together(group), in_digest=True)

    def _send_one(self, delivery: Delivery) -> int:
        message = self._shelf.alert_texts().single(delivery, self._clock(), self._shelf.reasons())
        return self._send([delivery], message)

    def _send(self, group: Sequence[Delivery], message: AlertMessage, *, in_digest: bool = False) -> int:
        """Send one message that tells of these deliveries, and note what became of it."""
        recipient = group[0].recipient
        if self._has_left(recipient):
            self._give_up(group, "left the office")  # what arrives there is heard by nobody of ours
            return 0
        pause = self._pauses.get(recipient)
        if pause is not None and self._clock() < pause.until:
            self._try_later(group, pause)
            return 0
        try:
            self._sender.send(recipient, message)
        except Refused as error:
            self._give_up(group, error.what)
            return 0
        except Unavailable as error:
            self._try_later(group, self._pause(group, error.what, error.ask_again_in))
            return 0
        except Exception as error:  # noqa: BLE001 - a library's fault must not hold back the others
            log.error("alert.sender_failed", recipient=recipient, error=type(error).__name__)  # noqa: TRY400
            self._try_later(group, self._pause(group, "sender failed"))
            return 0
        self._pauses.pop(recipient, None)
        now = self._clock()
        done = [Sent(delivery.id, self._repeat_at(delivery, now)) for delivery in group]
        self._outbox.sent(done, now, in_digest=in_digest)
        log.info("alert.sent", recipient=recipient, alert=message.kind.value, told=len(group))
        return 1

    def _has_left(self, recipient: str) -> bool:
        """Tell whether somebody is known not to work for the office any more."""
        if recipient == WEBHOOK:
            return False
        try:
            return self._shelf.people().find(recipient) is None
        except Misconfigured:
            return False

    def _pause(self, group: Sequence[Delivery], what: str, asked: timedelta | None = None) -> _Pause:
        """Leave a recipient alone for a while that doubles each time he does not answer.

        For longer where he asked for it, within our bound: it is a stranger's word, and people wait.
        """
        recipient = group[0].recipient
        before = self._pauses.get(recipient)
        tried = max(0 if before is None else before.tried, *(delivery.attempts for delivery in group))
        wait = max(retry_wait(tried), min(asked or timedelta(0), RETRY_AT_MOST))
        pause = self._pauses[recipient] = _Pause(self._clock() + wait, tried + 1, what)
        return pause

    def _try_later(self, group: Sequence[Delivery], pause: _Pause) -> None:
        self._outbox.postpone(_ids(group), pause.until, pause.what)
        log.warning("alert.not_sent", recipient=group[0].recipient, told=len(group), what=pause.what)

    def _give_up(self, group: Sequence[Delivery], what: str) -> None:
        """Leave messages that can never arrive, and tell of it: a notice, which climbs as any alert does."""
        recipient = group[0].recipient
        for delivery in group:
            log.error("alert.gave_up", recipient=recipient, key=delivery.alert.key, what=what)
        notices = [notice for delivery in group if (notice := self._notice(delivery)) is not None]
        self._outbox.give_up(_ids(group), what, notices)

    def _notice(self, delivery: Delivery) -> Addressed | None:
        """Return the alert that tells that somebody cannot be reached.

        None for one who was told in place of others, of whom there may be many, and for a notice itself.
        """
        if delivery.climb or delivery.alert.kind is AlertKind.UNDELIVERABLE:
            return None
        alert = about(delivery.alert, AlertKind.UNDELIVERABLE, delivery.recipient.strip("@"))
        people, today = self._shelf.people(), wib_date(self._clock())
        return addressed(alert, self._ladder(delivery), people, today)[0]

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


def _bearable(ladder: LadderPolicy, group: Sequence[Delivery]) -> Iterator[timedelta]:
    """Yield how long what nobody has heard of may wait: as long as for a message that does not arrive."""
    for one in group:
        if one.is_unheard:
            yield ladder.undelivered_wait(level_of(one.alert) + one.climb, is_urgent=one.is_urgent)


def _ids(group: Sequence[Delivery]) -> list[int]:
    return [delivery.id for delivery in group]

"""Keeps the audit chain: seals what was written, anchors the head outside, verifies all of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import structlog

from gateways.ports.audit import Anchors, Audit
from models.audit import Anchor, Fault, Generation
from models.errors import ReactivationError
from runtime.interceptor import failure_of
from workflows import options

log = structlog.get_logger()

_ANCHORS: Final = "anchors"


def seal_all(audit: Audit, clock: Callable[[], datetime]) -> int:
    """Seal what waits now, and return how many rows that were."""
    rows = 0
    while sealed := audit.seal(clock()):
        rows += sealed
    return rows


def anchor(audit: Audit, anchors: Anchors, now: datetime, *, once_a_day: bool = False) -> Anchor | None:
    """Write the chain's head outside the database; None when it is empty, or the day has its anchor."""
    head = audit.head()
    if head is None:
        return None
    present = Anchor(head.number, head.hash, now)
    return present if anchors.append(present, once_a_day=once_a_day) else None


def faults(audit: Audit, last: int, anchors: Anchors | None, told: Callable[[int], None]) -> Iterator[Fault]:
    """Find every row that is not as it was sealed or as sealed rows say, and anchors that are not held.

    An anchor of what was lost when the ledger was put back is no fault; see `lost_anchors`.
    """
    yield from audit.faults(last, told)
    yield from audit.differences()
    if anchors is not None:
        yield from _anchor_faults(audit, anchors)


def lost_anchors(audit: Audit, anchors: Anchors | None) -> int:
    """Return how many anchors are of entries that were lost when the ledger was put back."""
    if anchors is None:
        return 0
    lives = audit.generations()
    return sum(found is not None and _is_lost(found, lives) for _, found in anchors.read())


def _is_lost(found: Anchor, lives: Sequence[Generation]) -> bool:
    return any(found.at < life.began_at and found.number > life.entries for life in lives)


def _anchor_faults(audit: Audit, anchors: Anchors) -> Iterator[Fault]:
    lives = audit.generations()
    for line, found in anchors.read():
        key = f"line {line}"
        if found is None:
            yield Fault(_ANCHORS, key, "is no anchor")
            continue
        if _is_lost(found, lives):
            continue
        present = audit.hashes([found.number]).get(found.number)
        if present is None:
            yield Fault(_ANCHORS, key, f"entry {found.number} is gone: the chain was cut off")
        elif present != found.hash:
            yield Fault(_ANCHORS, key, f"entry {found.number} is another: the chain was written anew")


async def seal_for_ever(
    audit: Audit,
    anchors: Anchors | None,
    clock: Callable[[], datetime],
    bear_witness: Callable[[], Awaitable[None]],
) -> None:
    """Seal again and again, and anchor once a day. Ends only by cancellation, or an error of our code.

    `bear_witness` notes outside the ledger what was sealed.
    """
    is_news = True
    while True:
        try:
            while rows := await asyncio.to_thread(audit.seal, clock()):
                is_news = True
                log.debug("audit.sealed", rows=rows)
            if is_news:
                await bear_witness()
                is_news = False
            if anchors is not None:
                made = await asyncio.to_thread(anchor, audit, anchors, clock(), once_a_day=True)
                if made is not None:
                    log.info("audit.anchored", entry=made.number)
        except ReactivationError as error:
            log.warning("audit.not_kept", what=failure_of(error).message)
        await asyncio.sleep(options.SEAL_EVERY.total_seconds())

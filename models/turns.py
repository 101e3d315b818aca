"""Whose time passes: the segments of a case's time, and which of them count against the office."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.case import WaitingOn
from models.payload import Payload


class Owner(StrEnum):
    """Whose time passes."""

    APPLICANT = "applicant"
    DINSOS = "dinsos"
    KEMENSOS = "kemensos"
    BPJS = "bpjs"
    OUTAGE = "outage"


OWNER: Final = {
    WaitingOn.OFFICER: Owner.DINSOS,
    WaitingOn.SIGNER: Owner.DINSOS,
    WaitingOn.SUPERVISOR: Owner.DINSOS,
    WaitingOn.NOBODY: Owner.DINSOS,
    WaitingOn.APPLICANT: Owner.APPLICANT,
    WaitingOn.SIKS_NG: Owner.KEMENSOS,
    WaitingOn.KEMENSOS: Owner.KEMENSOS,
    WaitingOn.BPJS: Owner.BPJS,
}
"""Whose time it is while the case waits for them. SIKS-NG is run by Kemensos."""


class PauseRule(Payload):
    """What of an owner's time does not count against the office."""

    at_most: timedelta | None = None
    """Longest part of one wait that pauses the clock; it runs on afterwards. None: as long as the wait."""
    times: int | None = None
    """How many waits pause the clock; later ones do not. None: every one."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a case's time. Each begins where the one before ends: together they are all of it."""

    start: datetime
    end: datetime | None
    owner: Owner
    reason: str
    """Why it was this owner's time: a step, or a reason code."""
    opened_by: str
    closed_by: str | None = None

    def length(self, until: datetime) -> timedelta:
        """Return how long it has lasted by a time."""
        end = until if self.end is None else min(self.end, until)
        return max(end - self.start, timedelta(0))


Stretch = tuple[datetime, datetime | None]
"""Time that counts, from one moment to another; None is without end."""


class Turns:
    """Every stretch of a case's time so far, with the rules by which some of them pause its clock."""

    def __init__(self, pauses: Mapping[Owner, PauseRule]) -> None:
        """`pauses` says whose time does not count."""
        self._pauses = dict(pauses)
        self._segments: list[Segment] = []

    def turn(self, owner: Owner, at: datetime, *, reason: str, by: str) -> None:
        """Let another's time begin; it begins no earlier than the time before it did."""
        if self._segments:
            last = self._segments[-1]
            at = max(at, last.start)
            self._segments[-1] = replace(last, end=at, closed_by=by)
        self._segments.append(Segment(start=at, end=None, owner=owner, reason=reason, opened_by=by))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Every stretch of the case's time so far; the last one is open."""
        return tuple(self._segments)

    def totals(self, until: datetime) -> dict[Owner, timedelta]:
        """Return the wall time of each owner; together it is all of the case's time."""
        totals: dict[Owner, timedelta] = {}
        for segment in self._segments:
            totals[segment.owner] = totals.get(segment.owner, timedelta(0)) + segment.length(until)
        return totals

    def counting(self, since: datetime, unpaused_from: datetime | None = None) -> Iterator[Stretch]:
        """Yield what counts of the time since a moment, in its order; the last stretch may have no end.

        From `unpaused_from` on everything counts, whoever's time it is.
        """
        for start, end in self._paused(since):
            if unpaused_from is None:
                yield start, end
            elif start < unpaused_from:
                yield start, unpaused_from if end is None else min(end, unpaused_from)
        if unpaused_from is not None:
            yield unpaused_from, None

    def _paused(self, since: datetime) -> Iterator[Stretch]:
        """Yield what counts of the time since a moment, by the rules of the pauses."""
        if not self._segments or since < self._segments[0].start:
            yield since, self._segments[0].start if self._segments else None
        waits: dict[Owner, int] = {}
        for segment in self._segments:
            if segment.end is not None and segment.end <= since:
                continue
            waits[segment.owner] = waits.get(segment.owner, 0) + 1
            start = self._counts_from(segment, since, waits[segment.owner])
            if start is not None and (segment.end is None or start < segment.end):
                yield start, segment.end

    def _counts_from(self, segment: Segment, since: datetime, wait: int) -> datetime | None:
        """Return from when on a segment counts, it being its owner's so-manieth; None when it never does."""
        start = max(segment.start, since)
        rule = self._pauses.get(segment.owner)
        if rule is None or (rule.times is not None and wait > rule.times):
            return start
        return None if rule.at_most is None else start + rule.at_most

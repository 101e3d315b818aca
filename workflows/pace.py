"""How long a case waits after a round of asking that ended in vain: ever longer, while nothing changes.

A round costs history, and Temporal ends a case whose history is too long. The first day is as eager as an
emergency needs it; after it each pause is twice the one before, up to a bound.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workflows import options


@dataclass(frozen=True)
class _Rounds:
    since: datetime
    pause: timedelta


class Pace:
    """Counts each trouble by itself, so that two which take turns become slower as well."""

    def __init__(self) -> None:
        """Begin without a round."""
        self._rounds: dict[str, _Rounds] = {}
        self.is_anew = False
        """Whether `begin_anew` was called since the last round ended."""

    def slow(
        self, trouble: str, first: timedelta, now: datetime, at_most: timedelta = options.PAUSE_AT_MOST
    ) -> timedelta:
        """Note that a round ended in a trouble; return how long to wait: `first` for a day, then longer."""
        self.is_anew = False
        rounds = self._rounds.get(trouble) or _Rounds(now, first)
        if now - rounds.since >= options.EAGER_FOR:
            rounds = replace(rounds, pause=min(2 * rounds.pause, at_most))
        self._rounds[trouble] = rounds
        return rounds.pause

    def last(self, trouble: str, first: timedelta) -> timedelta:
        """Return the last pause for a trouble; `first` when no round ended in it."""
        rounds = self._rounds.get(trouble)
        return first if rounds is None else rounds.pause

    def begin_anew(self) -> None:
        """Ask eagerly again: a person acted, the step is another, or the system is back."""
        self._rounds = {}
        self.is_anew = True

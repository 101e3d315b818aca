"""How often somebody may knock: token buckets for each address, for everybody, and for strangers."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_REMEMBERED: Final = 10_000
"""Addresses of which is known how often they knocked."""
_OF_A_HOUSEHOLD: Final = 64
"""An IPv6 caller has all addresses of such a prefix."""


@dataclass(frozen=True)
class Rate:
    """So many calls a second in the long run, and so many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Rates:
    """What the door for pushed answers lets in."""

    address: Rate = Rate(20, 100)
    everybody: Rate = Rate(50, 200)
    strangers: Rate = Rate(1, 60)
    """Calls that nobody we know has signed: the ledger keeps no more of them than this."""


class Bucket:
    """Holds tokens; each call takes one, and time brings them back."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        """`clock` tells seconds that only go on."""
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock()

    def take(self) -> float:
        """Take a token and return 0, or the seconds until there is one."""
        now = self._clock()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate.per_second
        self._tokens -= 1
        return 0


class Limits:
    """Who may knock now. For one event loop; memory is bounded."""

    def __init__(self, rates: Rates, clock: Callable[[], float]) -> None:
        """`clock` tells seconds that only go on."""
        self._rates = rates
        self._clock = clock
        self._everybody = Bucket(rates.everybody, clock)
        self._strangers = Bucket(rates.strangers, clock)
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def knock(self, address: str) -> float:
        """Return 0 when a call from this address may come in, otherwise the seconds to wait."""
        household = _household(address)
        bucket = self._of.get(household) or Bucket(self._rates.address, self._clock)
        self._of[household] = bucket
        self._of.move_to_end(household)
        if len(self._of) > _REMEMBERED:
            self._of.popitem(last=False)
        return bucket.take() or self._everybody.take()

    def stranger(self) -> float:
        """Return 0 when a call that nobody signed may be kept, otherwise the seconds to wait."""
        return self._strangers.take()


def _household(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:  # noqa: PLR2004
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _OF_A_HOUSEHOLD), strict=False))

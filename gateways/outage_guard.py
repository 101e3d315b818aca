"""Stands before an outside system: while it is down, nobody calls it.

Satisfies `gateways.ports.outages.Guard`.
"""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from gateways.ports.institutions import Bpjs, Participant
from gateways.ports.outages import Guard, Outages, Probe
from models.errors import SystemDown, Unavailable
from models.outage import System
from models.roles import MACHINE

log = structlog.get_logger()

_FRESH_SECONDS: Final = 1.0
"""How long a worker goes by what it last read of outages."""


class OutageGuard:
    """One for each system and worker; what it finds out is in the ledger, for all workers."""

    def __init__(
        self,
        system: System,
        outages: Outages,
        probe: Probe,
        *,
        clock: Callable[[], datetime],
        every: timedelta,
    ) -> None:
        """`every` is the least time between two probes of the system, whoever makes them."""
        self._system, self._outages, self._probe = system, outages, probe
        self._clock, self._every = clock, every
        self._read_at, self._seen_down = float("-inf"), False

    def require_up(self) -> None:
        """Raise SystemDown while an outage of the system is open. Asks nobody outside."""
        now = time.monotonic()
        if now - self._read_at > _FRESH_SECONDS:
            self._read()
        if self._seen_down:
            raise SystemDown(self._system)

    def is_down(self) -> bool:
        """Tell, after a call in vain, whether the system as a whole is down; an outage is open then.

        One call that fails may be the fault of one case: only a probe that fails too opens an outage.
        """
        self._read()
        if not self._seen_down and self._probe_fails():
            now = self._clock()
            self._outages.open(self._system, MACHINE, since=now, note=None, now=now)
            log.warning("outage.opened", system=self._system.value, by=MACHINE)
            self._read()
        return self._seen_down

    def _read(self) -> None:
        self._seen_down = any(outage.system is self._system for outage in self._outages.present())
        self._read_at = time.monotonic()

    def _probe_fails(self) -> bool:
        if not self._outages.may_probe(self._system, self._clock(), self._every):
            return False
        try:
            self._probe.probe()
        except Unavailable:
            return True
        return False


class GuardedBpjs:
    """BPJS for those who can do without its answer: they do not wait for it while it is down."""

    def __init__(self, bpjs: Bpjs, guard: Guard) -> None:
        """`guard` is that of BPJS."""
        self._bpjs, self._guard = bpjs, guard

    def participant(self, nik: str, *, on: date) -> Participant | None:
        """Ask BPJS. Raises SystemDown while an outage is open, otherwise as BPJS itself."""
        self._guard.require_up()
        try:
            return self._bpjs.participant(nik, on=on)
        except Unavailable:
            self._guard.is_down()
            raise

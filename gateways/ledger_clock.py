"""The time that every process of an office shares: the clock of the ledger's own server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple

from sqlalchemy import Engine, func, select

from gateways.ledger_access import Away, LedgerAccess, unreachable, utc_now
from models.errors import ReactivationError

TOLD_BEYOND: Final = timedelta(minutes=1)
"""How far two clocks may differ before anybody is told."""
_ASKED_EVERY: Final = timedelta(minutes=10)
_NOW = select(func.clock_timestamp())


class _Asked(NamedTuple):
    """What the server said, and what this machine's two clocks showed at that moment."""

    server: datetime
    wall: datetime
    steady: timedelta


class LedgerClock:
    """Tells the ledger server's time: asks for it now and then, and counts on by a clock that nobody sets.

    A ledger in a SQLite file has no server: there it is the time of the machine on which the file lies.
    """

    def __init__(
        self,
        engine: Engine,
        away: Away | None = None,
        *,
        tell: Callable[[timedelta], None] = lambda _ahead: None,
        wall: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        """`away` makes the error for a server that never answered yet; EngineUnreachable unless given.

        `tell` is called with how far this machine is ahead when that is first found to be more than a minute;
        `wall` is its clock, and `steady` counts seconds whatever that is set to.
        """
        self._access = LedgerAccess(engine, away or unreachable(engine))
        self._has_server = engine.dialect.name != "sqlite"
        self._tell, self._wall, self._steady = tell, wall, steady
        self._asked: _Asked | None = None
        self._is_told = False

    def __call__(self) -> datetime:
        """Return the time, aware, in UTC."""
        if not self._has_server:
            return self._wall()
        asked = self._fresh()
        return asked.server + (self._counted() - asked.steady)

    @property
    def ahead(self) -> timedelta:
        """How far this machine's clock is ahead of the ledger's; negative when it is behind."""
        return self._wall() - self() if self._has_server else timedelta(0)

    def _counted(self) -> timedelta:
        return timedelta(seconds=self._steady())

    def _fresh(self) -> _Asked:
        """Return what the server said lately, or at least once when it does not answer now."""
        asked = self._asked
        if asked is not None and not self._is_old(asked):
            return asked
        try:
            return self._ask()
        except ReactivationError:
            if asked is None:
                raise
            return asked

    def _is_old(self, asked: _Asked) -> bool:
        """Tell whether to ask again; a machine that slept did not count on meanwhile."""
        counted = self._counted() - asked.steady
        slept_or_set = abs((self._wall() - asked.wall) - counted) > TOLD_BEYOND
        return counted > _ASKED_EVERY or slept_or_set

    def _ask(self) -> _Asked:
        before = self._counted()
        with self._access.read() as connection:
            server: datetime = connection.execute(_NOW).scalar_one().astimezone(UTC)
        after = self._counted()
        asked = self._asked = _Asked(server, self._wall(), after)
        ahead = asked.wall - server - (after - before) / 2
        if abs(ahead) > TOLD_BEYOND and not self._is_told:
            self._is_told = True
            self._tell(ahead)
        return asked

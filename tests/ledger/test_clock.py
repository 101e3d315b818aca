"""The time that all processes of an office share."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from gateways.ledger_access import unavailable, utc_now
from gateways.ledger_clock import LedgerClock
from gateways.ledger_schema import open_engine
from models.errors import EngineUnreachable, Unavailable

A_MOMENT = timedelta(seconds=5)
AHEAD = timedelta(days=32)


class Machine:
    """A machine whose wall clock was set wrong, and whose steady clock a test turns."""

    def __init__(self) -> None:
        self.wrong, self.slept, self.seconds = AHEAD, timedelta(0), 100.0
        self.told: list[timedelta] = []

    def wall(self) -> datetime:
        return utc_now() + self.wrong + timedelta(seconds=self.seconds) + self.slept

    def clock(self, engine: Engine) -> LedgerClock:
        return LedgerClock(engine, wall=self.wall, steady=lambda: self.seconds, tell=self.told.append)


@pytest.fixture
def on_a_server(engine: Engine) -> Engine:
    """Give the ledger that has a server."""
    if engine.dialect.name == "sqlite":
        pytest.skip("a file has no server: its machine's clock is the ledger's")
    return engine


def test_a_ledger_in_a_file_goes_by_the_clock_of_its_machine(engine: Engine) -> None:
    """Nobody else writes to it."""
    if engine.dialect.name != "sqlite":
        pytest.skip("a server has a clock of its own")
    machine = Machine()
    clock = machine.clock(engine)
    assert abs(clock() - machine.wall()) < A_MOMENT
    assert (clock.ahead, machine.told) == (timedelta(0), [])


def test_the_servers_time_counts_whatever_the_machine_shows(on_a_server: Engine) -> None:
    """The difference is told, once."""
    machine = Machine()
    clock = machine.clock(on_a_server)
    assert abs(clock() - utc_now()) < A_MOMENT
    assert clock().tzinfo is UTC
    assert abs(clock.ahead - AHEAD - timedelta(seconds=100)) < A_MOMENT
    machine.slept = timedelta(hours=1)
    clock()
    (told,) = machine.told
    assert abs(told - AHEAD - timedelta(seconds=100)) < A_MOMENT


def test_a_machine_that_is_a_moment_off_is_not_told(on_a_server: Engine) -> None:
    """A minute is nothing to call an administrator for."""
    machine = Machine()
    machine.wrong = timedelta(seconds=-100 - 50)
    assert abs(machine.clock(on_a_server)() - utc_now()) < A_MOMENT
    assert machine.told == []


def test_between_two_questions_time_is_counted_on(on_a_server: Engine) -> None:
    """Setting the machine's clock meanwhile changes nothing; nor does its sleep, which no counter counts."""
    machine = Machine()
    clock = machine.clock(on_a_server)
    clock()
    machine.seconds += 300
    assert abs(clock() - utc_now() - timedelta(seconds=300)) < A_MOMENT, "counted, not asked"
    machine.seconds += 301
    assert abs(clock() - utc_now()) < A_MOMENT, "asked again after ten minutes"
    machine.seconds += 300
    machine.slept = timedelta(hours=8)
    assert abs(clock() - utc_now()) < A_MOMENT, "asked again after a night"


def test_a_server_that_went_away_is_counted_on_and_one_that_never_answered_is_told() -> None:
    """Before its first answer there is no time that counts."""
    nowhere = open_engine("postgresql+psycopg://nobody@127.0.0.1:1/ledger")
    with pytest.raises(EngineUnreachable):
        Machine().clock(nowhere)()
    with pytest.raises(Unavailable):
        LedgerClock(nowhere, unavailable)()


def test_a_clock_goes_on_while_its_server_is_away(
    on_a_server: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it counted since the last answer is near enough."""
    machine = Machine()
    clock = machine.clock(on_a_server)
    before = clock()
    on_a_server.dispose()
    monkeypatch.setattr(on_a_server, "pool", open_engine("postgresql+psycopg://nobody@127.0.0.1:1/no").pool)
    machine.seconds += 3600
    assert abs(clock() - before - timedelta(hours=1)) < A_MOMENT

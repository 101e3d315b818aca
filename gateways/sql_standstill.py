"""Cases that may be stuck, in SQL. Satisfies `gateways.ports.watch.Standstills`."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, or_, select

from gateways import ledger_rows
from gateways.ledger_access import LedgerAccess, unreachable
from models.case import CaseHealth, CaseState, Track
from models.standstill import StuckPolicy
from models.tables import cases


class SqlStandstills:
    """Reads SQLite or PostgreSQL. Raises EngineUnreachable when the database is away."""

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    def unwell(self, rules: Mapping[str, StuckPolicy], now: datetime) -> list[CaseState]:
        """Return the open cases of these cities that are not well by their rules, or say so themselves."""
        query = (
            select(cases)
            .where(cases.c.closed_at.is_(None), cases.c.started_at.is_not(None))
            .where(or_(*(_by(city, rule, now) for city, rule in rules.items())))
            .order_by(cases.c.since, cases.c.case_number)
        )
        with self._access.read() as connection:
            return [ledger_rows.case_state(row) for row in connection.execute(query).mappings()]


def _by(city: str, rules: StuckPolicy, now: datetime) -> ColumnElement[bool]:
    """Return the condition of a city."""
    too_long = (
        and_(cases.c.track == track, cases.c.waiting_on == waiting_on, cases.c.since <= now - patience)
        for track in Track
        for waiting_on, patience in rules.rule_of(track).waiting.items()
    )
    unwell = or_(cases.c.health != CaseHealth.OK, cases.c.attempt > rules.attempts, *too_long)
    return and_(cases.c.city == city, unwell)

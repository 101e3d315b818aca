"""The record of every case in SQL, as intake and operators use it.

Satisfies `gateways.ports.ledger.Registry`.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Engine, String, bindparam, select

from gateways import ledger_rows, lineage_rows, sealed_rows
from gateways.ledger_access import PAPERS, LedgerAccess, lock_case, no_such_case, unreachable, utc_now
from gateways.paging import cut, page
from gateways.ports.vault import Vault
from gateways.registration import STARTED, keep_papers, register_all
from models.alert_tables import alerts
from models.case import CaseRef, CaseState, SlaState, Step
from models.dossier import NewCase, Paper, Registered
from models.errors import WrongState
from models.messages import Alert, CaseEvent
from models.page import Page
from models.tables import case_events, cases

_AT_A_TIME = 500
_REGISTERED = 1
"""Number of the event that intake writes."""
_NUMBER = bindparam("case_number", type_=String())
_UNSTARTED = (
    select(cases)
    .where(
        cases.c.started_at.is_(None),
        cases.c.closed_at.is_(None),
        cases.c.registered_at < bindparam("before"),
    )
    .order_by(cases.c.registered_at, cases.c.case_number)
    .limit(bindparam("most"))
)
_STARTED_AT = select(cases.c.started_at).where(cases.c.case_number == _NUMBER)
_CASE = select(cases).where(cases.c.case_number == _NUMBER)
_UNBEGUN = select(cases.c.case_number).where(
    cases.c.case_number.in_(bindparam("numbers", expanding=True)),
    cases.c.run.is_(None),
    cases.c.last_seq <= _REGISTERED,
    cases.c.closed_at.is_(None),
)
_NEXT_DUE_FIRST = (
    cases.c.closed_at.is_not(None),
    cases.c.due_at.asc().nulls_last(),
    cases.c.received_at,
    cases.c.case_number,
)
_HISTORY = (
    select(case_events)
    .where(case_events.c.case_number == _NUMBER)
    .order_by(case_events.c.epoch, case_events.c.seq)
)
_ALERTS = (
    select(alerts)
    .where(alerts.c.case_number == _NUMBER)
    .order_by(alerts.c.raised_at, alerts.c.level, alerts.c.key)
)


class SqlRegistry:
    """The registry in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys; `clock` tells the wall time."""
        self._access = LedgerAccess(engine, unreachable(engine))
        self._vault = vault
        self._clock = clock

    def register(self, new: NewCase) -> Registered:
        """Write person, papers and case in one transaction, or return the person's open case.

        Cases are numbered `PBI-<city>-<year>-<sequence>` without gaps; the year is of `received_at` in WIB.
        Two calls for the same person wait for each other, so the second finds the first one's case.
        """
        with self._access.write() as connection:
            registered = register_all(connection, self._vault, [new], self._clock())[0]
            past = lineage_rows.past(connection)
        self._vault.witness(past)
        return registered

    def unstarted(self, registered_before: datetime, limit: int = 500) -> list[CaseRef]:
        """Return open cases registered before this time and not known to be started, the oldest first."""
        with self._access.read() as connection:
            found = connection.execute(_UNSTARTED, {"before": registered_before, "most": limit})
            rows = found.mappings().all()
        return [ledger_rows.case_ref(row) for row in rows]

    def mark_started(self, case_number: str) -> None:
        """Note that the case's workflow exists; the first note stays. Raises NotFound."""
        with self._access.write() as connection:
            done = connection.execute(STARTED, {"number": case_number, "now": self._clock()})
            if done.rowcount == 0:
                raise no_such_case(case_number)

    def is_started(self, case_number: str) -> bool:
        """Tell whether the case's workflow is known to have been started. Raises NotFound."""
        with self._access.read() as connection:
            row = connection.execute(_STARTED_AT, {"case_number": case_number}).one_or_none()
        if row is None:
            raise no_such_case(case_number)
        return row.started_at is not None

    def case(self, case_number: str) -> CaseState:
        """Return the state of a case. Raises NotFound."""
        with self._access.read() as connection:
            row = connection.execute(_CASE, {"case_number": case_number}).mappings().one_or_none()
        if row is None:
            raise no_such_case(case_number)
        return ledger_rows.case_state(row)

    def cases(
        self,
        *,
        city: str | None = None,
        step: Step | None = None,
        sla: SlaState | None = None,
        limit: int = 50,
    ) -> Page[CaseState]:
        """Return at most `limit` cases that match: open before closed, then by due time, none last."""
        wanted = {cases.c.city: city, cases.c.step: step, cases.c.sla_state: sla}
        query = (
            select(cases)
            .where(*(column == value for column, value in wanted.items() if value is not None))
            .order_by(*_NEXT_DUE_FIRST)
        )
        with self._access.read() as connection:
            return page(connection.execute(cut(query, limit)).mappings().all(), ledger_rows.case_state)

    def unbegun(self, case_numbers: Collection[str]) -> frozenset[str]:
        """Return which of these cases are registered, and no workflow has told anything of them."""
        wanted, found = list(case_numbers), set[str]()
        with self._access.read() as connection:
            for start in range(0, len(wanted), _AT_A_TIME):
                some = {"numbers": wanted[start : start + _AT_A_TIME]}
                found.update(connection.execute(_UNBEGUN, some).scalars())
        return frozenset(found)

    def history(self, case_number: str) -> list[CaseEvent]:
        """Return the events of a case in order; none for a case that is not there."""
        with self._access.read() as connection:
            rows = connection.execute(_HISTORY, {"case_number": case_number}).mappings().all()
        return [ledger_rows.case_event(row) for row in rows]

    def alerts(self, case_number: str) -> list[Alert]:
        """Return the alerts of a case in the order they were raised."""
        with self._access.read() as connection:
            rows = connection.execute(_ALERTS, {"case_number": case_number}).mappings().all()
        return [ledger_rows.alert(row) for row in rows]

    def papers(self, case_number: str) -> list[Paper]:
        """Return the papers of a case in the order in which they came. Raises NotFound."""
        self.case(case_number)
        with self._access.read() as connection:
            rows = connection.execute(PAPERS, {"case_number": case_number}).mappings().all()
            key = sealed_rows.key_of_case(connection, self._vault, case_number)
        return [ledger_rows.paper(key, row) for row in rows]

    def add_papers(self, case_number: str, papers: Sequence[Paper]) -> int:
        """Add papers to an open case and return how many were new. Raises NotFound or WrongState."""
        with self._access.write() as connection:
            lock_case(connection, case_number)
            row = connection.execute(_CASE, {"case_number": case_number}).mappings().one()
            if row["closed_at"] is not None:
                raise WrongState(f"{case_number} is over: {row['outcome']}")
            key = sealed_rows.key_of_case(connection, self._vault, case_number)
            named = [(case_number, key, paper) for paper in papers]
            return keep_papers(connection, self._vault, named, self._clock())

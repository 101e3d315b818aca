"""The record of every case in SQL, as intake and operators use it. Satisfies `gateways.ports.Registry`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, String, bindparam, func, insert, select, update

from gateways import ledger_rows
from gateways.ledger_access import (
    PAPERS,
    LedgerAccess,
    Upsert,
    lock_case,
    next_number,
    no_such_case,
    unreachable,
    utc_now,
)
from models.case import CaseRef, CaseState, SlaState, Step
from models.dossier import NewCase, Paper, Registered
from models.errors import WrongState
from models.messages import Alert, CaseEvent, EventKind
from models.tables import (
    CaseRow,
    DocumentRow,
    EventRow,
    alerts,
    case_events,
    cases,
    documents,
    people,
)

_WIB = ZoneInfo("Asia/Jakarta")
_NUMBER = bindparam("case_number", type_=String())

# Sets the NIK to itself: that takes the row's lock and returns its id, whether or not the row is new.
_LOCK_PERSON = Upsert(
    people,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["nik"], set_={"nik": insert.excluded.nik}
    ).returning(people.c.id),
)
_OPEN_CASE = select(cases).where(cases.c.person_id == bindparam("person_id"), cases.c.closed_at.is_(None))
_RENEW_PERSON = update(people).where(people.c.id == bindparam("person_id"))
_OPEN = insert(cases)
_APPEND = insert(case_events)
_KEEP_PAPERS = Upsert(documents, lambda insert: insert.on_conflict_do_nothing().returning(documents.c.sha256))
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
_STARTED = (
    update(cases)
    .where(cases.c.case_number == bindparam("number"))
    .values(started_at=func.coalesce(cases.c.started_at, bindparam("now")))
)
_CASE = select(cases).where(cases.c.case_number == _NUMBER)
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

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `clock` tells the wall time of registering and starting."""
        self._access = LedgerAccess(engine, lambda: unreachable(engine))
        self._clock = clock

    def register(self, new: NewCase) -> Registered:
        """Write person, papers and case in one transaction, or return the person's open case.

        Cases are numbered `PBI-<city>-<year>-<sequence>` without gaps; the year is of `received_at` in WIB.
        Two calls for the same person wait for each other, so the second finds the first one's case.
        """
        person = asdict(new.person)
        with self._access.write() as connection:
            person_id = connection.execute(_LOCK_PERSON.on(connection), person).scalar_one()
            row = connection.execute(_OPEN_CASE, {"person_id": person_id}).mappings().one_or_none()
            if row is not None:
                is_started = row["started_at"] is not None
                return Registered(ledger_rows.case_ref(row), is_new=False, is_started=is_started)
            connection.execute(_RENEW_PERSON, {"person_id": person_id, **person})
            case = self._open(connection, person_id, new)
        return Registered(case, is_new=True, is_started=False)

    def unstarted(self, registered_before: datetime, limit: int = 500) -> list[CaseRef]:
        """Return open cases registered before this time and not known to be started, the oldest first."""
        with self._access.read() as connection:
            found = connection.execute(_UNSTARTED, {"before": registered_before, "most": limit})
            rows = found.mappings().all()
        return [ledger_rows.case_ref(row) for row in rows]

    def mark_started(self, case_number: str) -> None:
        """Note that the case's workflow exists; the first note stays. Raises NotFound."""
        with self._access.write() as connection:
            done = connection.execute(_STARTED, {"number": case_number, "now": self._clock()})
            if done.rowcount == 0:
                raise no_such_case(case_number)

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
    ) -> list[CaseState]:
        """Return at most `limit` cases that match: open before closed, then by due time, none last."""
        wanted = {cases.c.city: city, cases.c.step: step, cases.c.sla_state: sla}
        query = (
            select(cases)
            .where(*(column == value for column, value in wanted.items() if value is not None))
            .order_by(*_NEXT_DUE_FIRST)
            .limit(limit)
        )
        with self._access.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [ledger_rows.case_state(row) for row in rows]

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
        return [ledger_rows.paper(row) for row in rows]

    def add_papers(self, case_number: str, papers: Sequence[Paper]) -> int:
        """Add papers to an open case and return how many were new. Raises NotFound or WrongState."""
        with self._access.write() as connection:
            lock_case(connection, case_number)
            row = connection.execute(_CASE, {"case_number": case_number}).mappings().one()
            if row["closed_at"] is not None:
                raise WrongState(f"{case_number} is over: {row['outcome']}")
            return _keep(connection, case_number, papers, self._clock())

    def _open(self, connection: Connection, person_id: int, new: NewCase) -> CaseRef:
        year = new.received_at.astimezone(_WIB).year
        sequence = next_number(connection, f"case:{new.city}:{year}")
        case = CaseRef(
            case_number=f"PBI-{new.city}-{year}-{sequence:06d}",
            city=new.city,
            track=new.track,
            kecamatan=new.kecamatan,
            received_at=new.received_at,
            from_list=new.from_list,
        )
        now = self._clock()
        state = CaseState(case=case, since=new.received_at)
        row = CaseRow(
            **case.model_dump(),
            **state.model_dump(exclude={"case"}),
            person_id=person_id,
            registered_at=now,
            need_kind=new.need.kind,
            facility=new.need.facility,
            letter_number=new.need.letter_number,
            letter_date=new.need.letter_date,
            deactivated_on=new.deactivated_on,
            last_seq=1,
        )
        connection.execute(_OPEN, row.model_dump())
        facts: dict[str, str | int] = {"track": new.track}
        if new.by is not None:
            facts["by"] = new.by
        registered = EventRow(
            case_number=case.case_number,
            epoch=1,
            seq=1,
            kind=EventKind.CASE_REGISTERED,
            at=new.received_at,
            recorded_at=now,
            facts=facts,
        )
        connection.execute(_APPEND, registered.model_dump())
        _keep(connection, case.case_number, new.papers, now)
        return case


def _keep(connection: Connection, case_number: str, papers: Sequence[Paper], now: datetime) -> int:
    """Write papers that are not there yet; return how many were new."""
    rows = [DocumentRow(case_number=case_number, added_at=now, **asdict(paper)) for paper in papers]
    if not rows:
        return 0
    return len(connection.execute(_KEEP_PAPERS.on(connection), [row.model_dump() for row in rows]).all())

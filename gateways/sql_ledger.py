"""The record of every case in SQL, as activities use it. Satisfies `gateways.ports.Ledger`."""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from sqlalchemy import Connection, Engine, Integer, String, bindparam, delete, insert, select, update

from gateways import ledger_rows
from gateways.ledger_access import PAPERS, LedgerAccess, Upsert, lock_case, next_number, no_such_case, utc_now
from models.dossier import Dossier
from models.errors import BadReply, Refused, Unavailable
from models.messages import Alert, CaseEvent, EventKind, Record
from models.tables import (
    DeskItemRow,
    DeskResult,
    alerts,
    case_events,
    cases,
    desk_items,
    people,
    recommendations,
    submissions,
    submissions_begun,
)

_NUMBER = bindparam("case_number", type_=String())
_ATTEMPT = bindparam("attempt", type_=Integer())
_DESK_KINDS = frozenset({EventKind.STEP_STUCK, EventKind.STEP_RETRIED, EventKind.CASE_CLOSED})

_DOSSIER = (
    select(cases, *(column for column in people.c if column.name != "id"))
    .join(people, cases.c.person_id == people.c.id)
    .where(cases.c.case_number == _NUMBER)
)
_APPEND = Upsert(case_events, lambda insert: insert.on_conflict_do_nothing().returning(case_events.c.seq))
_PROJECT = update(cases).where(cases.c.case_number == bindparam("number"))
_DESK_EVENTS = (
    select(case_events)
    .where(case_events.c.case_number == _NUMBER, case_events.c.kind.in_(sorted(_DESK_KINDS)))
    .order_by(case_events.c.seq)
)
_CLEAR_DESK = delete(desk_items).where(desk_items.c.case_number == _NUMBER)
_FILL_DESK = insert(desk_items)
_RECOMMENDED = select(recommendations.c.number).where(
    recommendations.c.case_number == _NUMBER, recommendations.c.attempt == _ATTEMPT
)
_RECOMMEND = insert(recommendations)
_LATEST_RECOMMENDATION = (
    select(recommendations.c.number)
    .where(recommendations.c.case_number == _NUMBER)
    .order_by(recommendations.c.attempt.desc())
    .limit(1)
)
_SUBMIT = Upsert(submissions, lambda insert: insert.on_conflict_do_nothing())
_BEGIN = Upsert(submissions_begun, lambda insert: insert.on_conflict_do_nothing())
_BEGUN = select(submissions_begun.c.attempt).where(
    submissions_begun.c.case_number == _NUMBER, submissions_begun.c.attempt == _ATTEMPT
)
_OWNER = select(submissions.c.case_number).where(submissions.c.reference == bindparam("reference"))
_LATEST_REFERENCE = (
    select(submissions.c.reference)
    .where(submissions.c.case_number == _NUMBER)
    .order_by(submissions.c.attempt.desc())
    .limit(1)
)
_ALERT = Upsert(alerts, lambda insert: insert.on_conflict_do_nothing().returning(alerts.c.key))


class SqlLedger:
    """The ledger in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `clock` tells the wall time at which an event is recorded."""
        self._access = LedgerAccess(engine, lambda: Unavailable("ledger", "database does not answer"))
        self._clock = clock

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        with self._access.read() as connection:
            row = connection.execute(_DOSSIER, {"case_number": case_number}).mappings().one_or_none()
            if row is None:
                raise no_such_case(case_number)
            papers = connection.execute(PAPERS, {"case_number": case_number}).mappings().all()
        return Dossier(
            case=ledger_rows.case_ref(row),
            person=ledger_rows.person(row),
            need=ledger_rows.need(row),
            deactivated_on=row["deactivated_on"],
            papers=tuple(map(ledger_rows.paper, papers)),
        )

    def record(self, record: Record) -> list[CaseEvent]:
        """Append the events and project the state; return the events that were not there before.

        Batches may repeat, overlap and come out of order. Raises NotFound.
        """
        case_number = record.state.case.case_number
        with self._access.write() as connection:
            last_seq = lock_case(connection, case_number)["last_seq"]
            new = self._append(connection, case_number, record.events)
            newest = max((event.seq for event in new), default=0)
            if newest > last_seq:
                projection = record.state.model_dump(exclude={"case"})
                connection.execute(_PROJECT, {"number": case_number, "last_seq": newest, **projection})
            if any(event.kind in _DESK_KINDS for event in new):
                _redraw_desk(connection, case_number)
        return new

    def recommend(self, case_number: str, attempt: int, issued_on: date) -> str:
        """Return the number of this attempt's recommendation, `REK-<city>-<year>-<sequence>`.

        Issues one if there is none yet, dated `issued_on`, a day in WIB. Raises NotFound.
        """
        key = {"case_number": case_number, "attempt": attempt}
        with self._access.write() as connection:
            city = lock_case(connection, case_number)["city"]
            number: str | None = connection.execute(_RECOMMENDED, key).scalar_one_or_none()
            if number is None:
                sequence = next_number(connection, f"recommendation:{city}:{issued_on.year}")
                number = f"REK-{city}-{issued_on.year}-{sequence:06d}"
                connection.execute(_RECOMMEND, {**key, "number": number, "issued_on": issued_on})
        return number

    def recommendation_number(self, case_number: str) -> str | None:
        """Return the number of the latest attempt's recommendation; None when there is none."""
        with self._access.read() as connection:
            number: str | None = connection.execute(
                _LATEST_RECOMMENDATION, {"case_number": case_number}
            ).scalar_one_or_none()
        return number

    def begin_submission(self, case_number: str, attempt: int) -> None:
        """Note that an attempt is about to reach SIKS-NG; again changes nothing. Raises NotFound."""
        with self._access.write() as connection:
            lock_case(connection, case_number)
            connection.execute(_BEGIN.on(connection), {"case_number": case_number, "attempt": attempt})

    def submission_begun(self, case_number: str, attempt: int) -> bool:
        """Tell whether an attempt may have reached SIKS-NG."""
        with self._access.read() as connection:
            found = connection.execute(_BEGUN, {"case_number": case_number, "attempt": attempt})
            return found.one_or_none() is not None

    def save_submission(self, case_number: str, attempt: int, reference: str, submitted_at: datetime) -> None:
        """Keep the SIKS-NG reference of an attempt; the first one of an attempt stays.

        Raises NotFound, and Refused when the reference belongs to another case.
        """
        row = {
            "case_number": case_number,
            "attempt": attempt,
            "reference": reference,
            "submitted_at": submitted_at,
        }
        with self._access.write() as connection:
            lock_case(connection, case_number)
            connection.execute(_SUBMIT.on(connection), row)
            owner = connection.execute(_OWNER, {"reference": reference}).scalar_one_or_none()
            if owner not in (None, case_number):
                raise Refused("siks_ng", "reference belongs to another case")

    def submission_reference(self, case_number: str) -> str | None:
        """Return the SIKS-NG reference of the latest attempt; None when there is none."""
        with self._access.read() as connection:
            reference: str | None = connection.execute(
                _LATEST_REFERENCE, {"case_number": case_number}
            ).scalar_one_or_none()
        return reference

    def save_alert(self, alert: Alert) -> bool:
        """Keep an alert; False when one with this key was there already. Raises NotFound."""
        with self._access.write() as connection:
            lock_case(connection, alert.case_number)
            kept = connection.execute(_ALERT.on(connection), alert.model_dump()).one_or_none()
        return kept is not None

    def _append(
        self, connection: Connection, case_number: str, events: tuple[CaseEvent, ...]
    ) -> list[CaseEvent]:
        if not events:
            return []
        own = {"case_number": case_number, "recorded_at": self._clock()}
        rows = [{**own, **event.model_dump()} for event in events]
        appended = set(connection.execute(_APPEND.on(connection), rows).scalars())
        return [event for event in events if event.seq in appended]


def _redraw_desk(connection: Connection, case_number: str) -> None:
    """Make the desk items anew from the events, so that the order in which those came does not matter."""
    key = {"case_number": case_number}
    events = map(ledger_rows.case_event, connection.execute(_DESK_EVENTS, key).mappings().all())
    connection.execute(_CLEAR_DESK, key)
    items = [item.model_dump() for item in _desk_items(case_number, events)]
    if items:
        connection.execute(_FILL_DESK, items)


def _desk_items(case_number: str, events: Iterable[CaseEvent]) -> list[DeskItemRow]:
    """Fold events, in order, into desk items: stuck opens one, retried and closed end the open ones."""
    items: list[DeskItemRow] = []
    for event in events:
        if event.kind is EventKind.STEP_STUCK:
            items.append(_desk_item(case_number, event))
            continue
        result = DeskResult.DONE if event.kind is EventKind.STEP_RETRIED else DeskResult.VOIDED
        for item in items:
            if item.closed_at is None:
                item.closed_at, item.result = event.at, result
    return items


def _desk_item(case_number: str, stuck: CaseEvent) -> DeskItemRow:
    if stuck.step is None or stuck.attempt is None:
        raise BadReply("ledger", f"{EventKind.STEP_STUCK} must name its step and attempt")
    trouble = stuck.facts.get("trouble")
    return DeskItemRow(
        case_number=case_number,
        opened_seq=stuck.seq,
        step=stuck.step,
        attempt=stuck.attempt,
        reason=stuck.reason or (None if trouble is None else str(trouble)),
        opened_at=stuck.at,
    )

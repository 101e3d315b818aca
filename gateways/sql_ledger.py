"""The record of every case in SQL, as activities use it. Satisfies `gateways.ports.Ledger`."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    RowMapping,
    String,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from gateways import desk_rows, dossier_query, letter_rows, outbox_rows, submission_rows
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, Upsert, lock_case, utc_now
from gateways.ports import Vault
from gateways.sealed_rows import key_of_case
from models.desk import IssuedLetter, NewLetter, PortalReceipt
from models.dossier import Dossier
from models.errors import Refused, Unavailable
from models.messages import CaseEvent, EventKind, Record
from models.roles import MACHINE
from models.tables import case_events, case_runs, cases, submissions, submissions_begun

_NUMBER = bindparam("case_number", type_=String())
_ATTEMPT = bindparam("attempt", type_=Integer())

_APPEND = Upsert(case_events, lambda insert: insert.on_conflict_do_nothing().returning(case_events.c.seq))
_PROJECT = update(cases).where(
    cases.c.case_number == bindparam("number"),
    or_(  # told again by a worker that was frozen meanwhile, a state may be older than the one that is there
        cases.c.last_seq < bindparam("upto", type_=Integer()),
        and_(
            cases.c.since <= bindparam("not_before", type_=cases.c.since.type),
            cases.c.escalation_level <= bindparam("not_below", type_=Integer()),
        ),
    ),
)
_EPOCH_OF = select(case_runs.c.epoch).where(
    case_runs.c.case_number == _NUMBER, case_runs.c.run == bindparam("run", type_=String())
)
_NEW_RUN = insert(case_runs)
_TURN_TO_RUN = (
    update(cases)
    .where(cases.c.case_number == bindparam("number"))
    .values(run=bindparam("new_run"), epoch=bindparam("new_epoch"), last_seq=bindparam("from_seq"))
)
_SUBMIT = Upsert(submissions, lambda insert: insert.on_conflict_do_nothing())
_BEGIN = Upsert(submissions_begun, lambda insert: insert.on_conflict_do_nothing())
_BEGUN = select(submissions_begun.c.attempt).where(
    submissions_begun.c.case_number == _NUMBER, submissions_begun.c.attempt == _ATTEMPT
)
_OWNER = select(submissions.c.case_number).where(
    submissions.c.reference_index == bindparam("index"), submissions.c.voided_at.is_(None)
)
_LATEST_SUBMISSION = (
    select(submissions)
    .where(submissions.c.case_number == _NUMBER, submissions.c.voided_at.is_(None))
    .order_by(submissions.c.attempt.desc())
    .limit(1)
)


class SqlLedger:
    """The ledger in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys; `clock` tells the wall time."""
        self._access = LedgerAccess(engine, lambda: Unavailable("ledger", "database does not answer"))
        self._vault = vault
        self._clock = clock

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        with self._access.read() as connection:
            return dossier_query.dossier(connection, self._vault, case_number)

    def record(self, record: Record) -> list[CaseEvent]:
        """Append the events and project the state; return the events that were not there before.

        Batches may repeat, overlap and come out of order. Told again under the same numbers, after Temporal
        lost what it was told, the events stay and the state is the later one. A run that is new to a case
        that had another began by a reset: its events are numbered in an epoch of their own. Raises NotFound.
        """
        case_number = record.state.case.case_number
        with self._access.write() as connection:
            case = lock_case(connection, case_number)
            epoch, last_seq = self._epoch(connection, case_number, case, record.run)
            new = self._append(connection, case_number, epoch, record.events)
            newest = max((record.upto, *(event.seq for event in record.events)))
            if last_seq is not None and newest >= last_seq:
                projection = record.state.model_dump(exclude={"case"})
                projection |= {"track": record.state.case.track, "last_seq": newest}
                order = {
                    "upto": newest,
                    "not_before": record.state.since,
                    "not_below": record.state.escalation_level,
                }
                connection.execute(_PROJECT, {"number": case_number, **order, **projection})
            if new and last_seq is not None:
                desk_rows.follow(connection, case_number, epoch, new, last_seq)
                if any(event.kind is EventKind.CASE_CLOSED for event in new):
                    outbox_rows.close(connection, case_number, self._clock())
        return new

    def letter(self, case_number: str) -> IssuedLetter | None:
        """Return the case's letter that is not void; None when there is none."""
        with self._access.read() as connection:
            return letter_rows.valid(connection, self._vault, case_number)

    def issue_letter(self, case_number: str, attempt: int, new: NewLetter) -> IssuedLetter:
        """Return the case's valid letter if it says the same of the person; otherwise issue another.

        Raises NotFound.
        """
        with self._access.write() as connection:
            city = lock_case(connection, case_number)["city"]
            present = letter_rows.valid(connection, self._vault, case_number)
            if present is not None and present.subject_digest == new.subject_digest:
                return present
            key = key_of_case(connection, self._vault, case_number)
            return letter_rows.issue(connection, key, (case_number, attempt), city, new, self._clock())

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
        receipt = PortalReceipt(reference, submitted_at, None)
        with self._access.write() as connection:
            lock_case(connection, case_number)
            key = key_of_case(connection, self._vault, case_number)
            row = submission_rows.row_of(self._vault, key, case_number, attempt, receipt, MACHINE)
            connection.execute(_SUBMIT.on(connection), row)
            owner = connection.execute(_OWNER, {"index": row["reference_index"]}).scalar_one_or_none()
            if owner not in (None, case_number):
                raise Refused("siks_ng", "reference belongs to another case")

    def submission_reference(self, case_number: str) -> str | None:
        """Return the SIKS-NG reference of the latest attempt that is not void; None when there is none."""
        with self._access.read() as connection:
            row = (
                connection.execute(_LATEST_SUBMISSION, {"case_number": case_number}).mappings().one_or_none()
            )
            if row is None:
                return None
            return submission_rows.reference(key_of_case(connection, self._vault, case_number), row)

    def _epoch(
        self, connection: Connection, case_number: str, case: RowMapping, run: str
    ) -> tuple[int, int | None]:
        """Return the epoch in which a run tells its events, and the newest of them.

        The latter is None for a run that was left by a reset: what it still tells is kept, and changes
        neither state nor desk.
        """
        if run == case["run"]:
            return case["epoch"], case["last_seq"]
        of_run = {"case_number": case_number, "run": run}
        known: int | None = connection.execute(_EPOCH_OF, of_run).scalar_one_or_none()
        if known is not None:
            return known, None
        is_reset = case["run"] is not None
        epoch = case["epoch"] + is_reset
        last_seq = 0 if is_reset else case["last_seq"]
        connection.execute(_NEW_RUN, {**of_run, "epoch": epoch})
        turned = {"number": case_number, "new_run": run, "new_epoch": epoch, "from_seq": last_seq}
        connection.execute(_TURN_TO_RUN, turned)
        if is_reset:
            now = self._clock()
            desk_rows.close_mending(connection, case_number, now)
            reset = CaseEvent(seq=0, kind=EventKind.CASE_RESET, at=now, facts={"epoch": epoch})
            self._append(connection, case_number, epoch, (reset,))
        return epoch, last_seq

    def _append(
        self, connection: Connection, case_number: str, epoch: int, events: tuple[CaseEvent, ...]
    ) -> list[CaseEvent]:
        if not events:
            return []
        now = self._clock()
        own = {"case_number": case_number, "epoch": epoch, "recorded_at": now}
        rows = [{**own, **event.model_dump()} for event in events]
        appended = set(connection.execute(_APPEND.on(connection), rows).scalars())
        announce(connection, "case_events", [(case_number, epoch, seq) for seq in sorted(appended)], now)
        return [event for event in events if event.seq in appended]

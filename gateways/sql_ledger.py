"""The record of every case in SQL, as activities use it. Satisfies `gateways.ports.ledger.Ledger`."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import (
    Engine,
    String,
    bindparam,
    select,
    update,
)

from gateways import (
    desk_rows,
    dossier_query,
    epochs,
    letter_rows,
    lineage_rows,
    outbox_rows,
    submission_rows,
)
from gateways.ledger_access import LedgerAccess, Upsert, lock_case, unavailable, utc_now
from gateways.ports.vault import Vault
from gateways.sealed_rows import key_of_case
from models.case import Birth
from models.desk import IssuedLetter, NewLetter, PortalReceipt
from models.desk_tables import submissions, submissions_begun
from models.dossier import Dossier, Person, Upload
from models.errors import NotFound, NumbersHeld, ReferenceTaken, Unavailable, WrongState
from models.messages import CaseEvent, EventKind, Record
from models.policy import DocumentKind
from models.roles import MACHINE
from models.tables import cases, documents, people

_NUMBER = bindparam("case_number", type_=String())

_KINDS = select(documents.c.kind).where(documents.c.case_number == _NUMBER)
_BIRTH = select(cases.c.birth).where(cases.c.case_number == _NUMBER)
_PROJECT = update(cases).where(cases.c.case_number == bindparam("number"))
_BEGIN = Upsert(submissions_begun, lambda insert: insert.on_conflict_do_nothing())
_LATEST_SUBMISSION = (
    select(submissions, people.c.key_id)
    .join(cases, cases.c.case_number == submissions.c.case_number)
    .join(people, people.c.id == cases.c.person_id)
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
        self._access = LedgerAccess(engine, unavailable)
        self._vault = vault
        self._clock = clock

    def require_same(self, case_number: str, birth: Birth | None) -> None:
        """Raise NotFound when the case of this number bears another birth mark: it is another case."""
        with self._access.read() as connection:
            found = connection.execute(_BIRTH, {"case_number": case_number}).one_or_none()
        if found is not None and found.birth != birth:
            raise NotFound(f"{case_number} is another case in the ledger: nothing is done for it by this one")

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        with self._access.read() as connection:
            return dossier_query.dossier(connection, self._vault, case_number)

    def person(self, case_number: str) -> Person:
        """Return whom a case is about. Raises NotFound."""
        with self._access.read() as connection:
            return dossier_query.person(connection, self._vault, case_number)

    def paper_kinds(self, case_number: str) -> frozenset[DocumentKind]:
        """Return which kinds of papers a case has; none for a case that is not there."""
        with self._access.read() as connection:
            kinds = connection.execute(_KINDS, {"case_number": case_number}).scalars()
            return frozenset(map(DocumentKind, kinds))

    def record(self, record: Record) -> list[CaseEvent]:
        """Append the events and project the state; return the events that were not there before.

        The same may be told again, and what a frozen worker tells too late changes nothing. What Temporal
        lost may be told otherwise: then, and after a reset, the story is begun anew in another epoch.
        Raises NotFound.
        """
        case_number, now = record.state.case.case_number, self._clock()
        with self._access.write() as connection:
            written = epochs.write(connection, lock_case(connection, case_number), record, now)
            if written.story is not None:
                projection = record.state.model_dump(exclude={"case"})
                projection |= {"track": record.state.case.track, "last_seq": record.upto}
                projection |= {"told_task": record.task, "told_at": record.at}
                projection |= {"run": record.run, "epoch": written.epoch}
                connection.execute(_PROJECT, {"number": case_number, **projection})
            if written.story:
                outbox_rows.settle(connection, record.state, now)
                desk_rows.follow(connection, case_number, written.epoch, written.story)
                if any(event.kind is EventKind.CASE_CLOSED for event in written.story):
                    outbox_rows.close(connection, case_number, now)
        return list(written.new)

    def letter(self, case_number: str) -> IssuedLetter | None:
        """Return the case's letter that no other replaced; None when there is none."""
        with self._access.read() as connection:
            return letter_rows.present(connection, self._vault, case_number)

    def issue_letter(self, case_number: str, attempt: int, new: NewLetter) -> IssuedLetter:
        """Return the case's letter if it says the same of the person; otherwise issue another.

        Raises NotFound, and Unavailable while numbers are held.
        """
        with self._access.write() as connection:
            city = lock_case(connection, case_number)["city"]
            present = letter_rows.present(connection, self._vault, case_number)
            if present is not None and present.subject_digest == new.subject_digest:
                return present
            key = key_of_case(connection, self._vault, case_number)
            try:
                letter = letter_rows.issue(connection, key, (case_number, attempt), city, new, self._clock())
            except NumbersHeld:
                raise Unavailable("ledger", "no number is given out until `starter.py restored`") from None
            past = lineage_rows.past(connection)
        self._vault.witness(past)
        return letter

    def begin_submission(self, case_number: str, attempt: int) -> None:
        """Note that an attempt is about to reach SIKS-NG; again changes nothing.

        Raises NotFound, and WrongState for a case that is over: a Temporal put back may run it again.
        """
        with self._access.write() as connection:
            if lock_case(connection, case_number)["closed_at"] is not None:
                raise WrongState(f"{case_number} is over: nothing is handed in for it")
            connection.execute(_BEGIN.on(connection), {"case_number": case_number, "attempt": attempt})

    def upload(self, case_number: str, attempt: int) -> Upload:
        """Return under which attempt an upload is done; another one when the case was begun anew."""
        with self._access.read() as connection:
            return submission_rows.upload(connection, case_number, attempt)

    def save_submission(self, case_number: str, attempt: int, reference: str, submitted_at: datetime) -> None:
        """Keep the SIKS-NG reference of an attempt; the first one of an attempt stays.

        Raises NotFound, and ReferenceTaken when it belongs to another case.
        """
        receipt = PortalReceipt(reference, submitted_at, None)
        with self._access.write() as connection:
            lock_case(connection, case_number)
            of_attempt, now = (case_number, attempt), self._clock()
            owner = submission_rows.write(connection, self._vault, of_attempt, receipt, MACHINE, now)
            if owner is not None and owner[0] != case_number:
                raise ReferenceTaken(case_number, owner[0])

    def submission_reference(self, case_number: str) -> str | None:
        """Return the SIKS-NG reference of the latest attempt that is not void; None when there is none."""
        with self._access.read() as connection:
            row = (
                connection.execute(_LATEST_SUBMISSION, {"case_number": case_number}).mappings().one_or_none()
            )
        return None if row is None else submission_rows.reference(self._vault.key(row["key_id"]), row)

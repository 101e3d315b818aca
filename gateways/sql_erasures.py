"""Erasing people and holding them, in SQL. Satisfies `gateways.ports.audit.Erasures`."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, Integer, String, bindparam, cast, insert, literal, select, update

from gateways import erasure_query, note_rows
from gateways.audit_forms import announce
from gateways.erasure_query import IN_FORCE
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ports.papers import PaperFiles
from gateways.ports.vault import Vault
from gateways.registration import forget_niks, keep_others_out
from models.desk_tables import submissions
from models.erasure import Cutoffs, Deed, Due, Subject
from models.erasure_tables import erasures, legal_holds
from models.errors import WrongState
from models.roles import Role
from models.tables import cases

_AT_A_TIME: Final = 500
_ENTER = insert(erasures).returning(erasures.c.id)
_THEIR_CASES = select(cases.c.case_number).where(cases.c.person_id == bindparam("person", type_=Integer()))
_of_attempt = submissions.c.case_number.concat("-").concat(cast(submissions.c.attempt, String))
_FORGET_REFERENCES = (
    update(submissions)
    .where(submissions.c.case_number.in_(_THEIR_CASES))
    .values(reference_index=literal("erased-").concat(_of_attempt))
)
_HOLD = insert(legal_holds).returning(legal_holds.c.id)
_RELEASE = (
    update(legal_holds)
    .where(legal_holds.c.person_id == bindparam("of_person"), IN_FORCE)
    .values(released_at=bindparam("ended"), released_by=bindparam("by"), released_role=bindparam("as_"))
    .returning(legal_holds.c.id)
)


class SqlErasures:
    """Erasures in SQLite or PostgreSQL. Thread-safe; safe to repeat after any interruption.

    Raises EngineUnreachable when ledger or key store is away, BadReply when the ledger refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault, papers: PaperFiles) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys, `papers` the files."""
        self._access = LedgerAccess(engine, unreachable(engine))
        self._vault = vault
        self._papers = papers

    def subject(self, case_number: str) -> Subject:
        """Return what there is to erase of the person of a case, and what forbids it. Raises NotFound."""
        with self._access.read() as connection:
            person, _ = erasure_query.who(connection, case_number)
            return erasure_query.subject(connection, person)

    def erase(self, case_number: str, deed: Deed) -> Subject:
        """Destroy the key of the person of a case, and the papers that are nobody else's; return what was.

        The key goes before the deed is committed: a crash between the two leaves an unreadable person who
        is not entered as erased yet, never the reverse. Erasing again finishes that, and enters nothing
        twice. Raises NotFound, or WrongState for a person with an open case or under a legal hold.
        """
        with self._access.write() as connection:
            keep_others_out(connection)
            person, key_id = erasure_query.who(connection, case_number, lock=True)
            subject = erasure_query.subject(connection, person)
            if subject.erased_at is None:
                subject.require_erasable()
                _enter(connection, person, case_number, deed)
                forget_niks(connection, [key_id])
            self._vault.destroy(key_id, deed.at)
        for name in subject.own_papers:
            self._papers.remove(name)
        return subject

    def erased(self, case_numbers: Collection[str]) -> dict[str, datetime]:
        """Return when the people of cases were erased, by case; those who were not are left out."""
        wanted = list(case_numbers)
        found: dict[str, datetime] = {}
        with self._access.read() as connection:
            for start in range(0, len(wanted), _AT_A_TIME):
                found |= erasure_query.erased(connection, wanted[start : start + _AT_A_TIME])
        return found

    def due(self, cutoffs: Cutoffs) -> list[Due]:
        """Return who is not held, and whose cases all ended before their own city's time."""
        with self._access.read() as connection:
            return erasure_query.due(connection, cutoffs)

    def hold(self, case_number: str, actor: str, role: Role, reason: str, at: datetime) -> None:
        """Keep the person of a case from being erased. Raises NotFound, WrongState or Erased."""
        with self._access.write() as connection:
            person, key_id = erasure_query.who(connection, case_number, lock=True)
            key = self._vault.key(key_id)
            if erasure_query.subject(connection, person).hold is not None:
                raise WrongState(f"the person of {case_number} is under a legal hold already")
            row = {
                "person_id": person,
                "case_number": case_number,
                "actor": actor,
                "role": role,
                "at": at,
                "released_at": None,
                "released_by": None,
                "released_role": None,
            }
            number = connection.execute(_HOLD, row).scalar_one()
            announce(connection, "legal_holds", [(number,)], at)
            note_rows.keep(connection, key, case_number, f"hold-{number}", author=actor, text=reason, at=at)

    def release(self, case_number: str, actor: str, role: Role, reason: str, at: datetime) -> None:
        """End the legal hold on the person of a case. Raises NotFound, or WrongState when there is none."""
        with self._access.write() as connection:
            person, key_id = erasure_query.who(connection, case_number, lock=True)
            ending = {"of_person": person, "ended": at, "by": actor, "as_": role}
            number = connection.execute(_RELEASE, ending).scalar_one_or_none()
            if number is None:
                raise WrongState(f"the person of {case_number} is under no legal hold")
            key, note = self._vault.key(key_id), f"release-{number}"
            announce(connection, "hold_releases", [(number,)], at)
            note_rows.keep(connection, key, case_number, note, author=actor, text=reason, at=at)


def _enter(connection: Connection, person: int, case_number: str, deed: Deed) -> None:
    row = {"person_id": person, "case_number": case_number, **vars(deed)}
    number = connection.execute(_ENTER, row).scalar_one()
    announce(connection, "erasures", [(number,)], deed.at)
    connection.execute(_FORGET_REFERENCES, {"person": person})

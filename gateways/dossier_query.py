"""Everything that the ledger holds on a case, in one reading."""

from sqlalchemy import Connection, String, bindparam, exists, or_, select

from gateways import ledger_rows, sealed_rows
from gateways.ledger_access import PAPERS, no_such_case
from gateways.ports.vault import Vault
from models.desk_tables import letters, submissions, submissions_begun
from models.dossier import Dossier, Person
from models.tables import cases, people

_IS_OF_CASE = cases.c.case_number == bindparam("case_number", type_=String())
_DOSSIER = (
    select(
        cases,
        people.c.key_id,
        people.c.sealed.label("sealed_person"),
        letters.c.number.label("letter_number"),
        or_(
            exists().where(submissions_begun.c.case_number == cases.c.case_number),
            exists().where(submissions.c.case_number == cases.c.case_number),
        ).label("is_submitted"),
    )
    .join(people, cases.c.person_id == people.c.id)
    .outerjoin(letters, (letters.c.case_number == cases.c.case_number) & letters.c.voided_at.is_(None))
    .where(_IS_OF_CASE)
)
_PERSON = (
    select(people.c.key_id, people.c.sealed).join(cases, cases.c.person_id == people.c.id).where(_IS_OF_CASE)
)


def person(connection: Connection, vault: Vault, case_number: str) -> Person:
    """Return whom a case is about. Raises NotFound or Erased."""
    row = connection.execute(_PERSON, {"case_number": case_number}).mappings().one_or_none()
    if row is None:
        raise no_such_case(case_number)
    return sealed_rows.person(vault.key(row["key_id"]), row["sealed"])


def dossier(connection: Connection, vault: Vault, case_number: str) -> Dossier:
    """Return everything held on a case. Raises NotFound or Erased."""
    row = connection.execute(_DOSSIER, {"case_number": case_number}).mappings().one_or_none()
    if row is None:
        raise no_such_case(case_number)
    key = vault.key(row["key_id"])
    need, deactivated_on = sealed_rows.need(key, row)
    rows = connection.execute(PAPERS, {"case_number": case_number}).mappings().all()
    papers = [ledger_rows.paper(key, row) for row in rows]
    return Dossier(
        case=ledger_rows.case_ref(row),
        person=sealed_rows.person(key, row["sealed_person"]),
        need=need,
        deactivated_on=deactivated_on,
        papers=tuple(papers),
        accepted=frozenset(
            paper.sha256 for paper, row in zip(papers, rows, strict=True) if row["checked_at"] is not None
        ),
        letter_number=row["letter_number"],
        is_submitted=bool(row["is_submitted"]),
    )

"""Everything that the ledger holds on a case, in one reading."""

from sqlalchemy import Connection, String, bindparam, select

from gateways import ledger_rows
from gateways.ledger_access import PAPERS, no_such_case
from models.dossier import Dossier
from models.tables import cases, people

_DOSSIER = (
    select(cases, *(column for column in people.c if column.name != "id"))
    .join(people, cases.c.person_id == people.c.id)
    .where(cases.c.case_number == bindparam("case_number", type_=String()))
)


def dossier(connection: Connection, case_number: str) -> Dossier:
    """Return everything held on a case. Raises NotFound."""
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
        accepted=frozenset(paper["sha256"] for paper in papers if paper["checked_at"] is not None),
    )

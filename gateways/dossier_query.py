"""Everything that the ledger holds on a case, in one reading."""

from sqlalchemy import Connection, String, bindparam, select

from gateways import ledger_rows, sealed_rows
from gateways.ledger_access import PAPERS, no_such_case
from gateways.ports.vault import Vault
from models.dossier import Dossier
from models.tables import cases, people

_DOSSIER = (
    select(cases, people.c.key_id, people.c.sealed.label("sealed_person"))
    .join(people, cases.c.person_id == people.c.id)
    .where(cases.c.case_number == bindparam("case_number", type_=String()))
)


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
    )

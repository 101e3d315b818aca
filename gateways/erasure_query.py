"""What there is to erase of a person, what forbids it, and whose time has come."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    Connection,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    bindparam,
    func,
    select,
    union_all,
)

from gateways import ledger_rows
from gateways.ledger_access import no_such_case
from models.desk_tables import letters, notes, submissions
from models.erasure import Cutoffs, Due, Hold, Subject
from models.erasure_tables import erasures, legal_holds
from models.tables import cases, documents, people

_PERSON = bindparam("person", type_=Integer())
_WHO = (
    select(people.c.id, people.c.key_id)
    .join(cases, cases.c.person_id == people.c.id)
    .where(cases.c.case_number == bindparam("case_number", type_=String()))
)
_CASES = select(cases).where(cases.c.person_id == _PERSON).order_by(cases.c.case_number)
_files = union_all(
    select(documents.c.name, documents.c.case_number),
    select(letters.c.pdf_name, letters.c.case_number),
    select(submissions.c.proof_name, submissions.c.case_number),
).subquery("files")
_of_cases = _files.join(cases, cases.c.case_number == _files.c.case_number)
_PAPERS = (
    select(_files.c.name)
    .select_from(_of_cases)
    .where(cases.c.person_id == _PERSON, _files.c.name.is_not(None))
    .distinct()
)
_ERASED_PEOPLE = select(erasures.c.person_id)
_OF_OTHERS = (
    select(_files.c.name)
    .select_from(_of_cases)
    .where(
        _files.c.name.in_(bindparam("names", expanding=True)),
        cases.c.person_id != _PERSON,
        cases.c.person_id.not_in(_ERASED_PEOPLE),
    )
    .distinct()
)


def _number_of(table: Table) -> Select[int]:
    joined = table.join(cases, table.c.case_number == cases.c.case_number)
    return select(func.count()).select_from(joined).where(cases.c.person_id == _PERSON)


_LETTERS, _NOTES = _number_of(letters), _number_of(notes)
IN_FORCE = legal_holds.c.released_at.is_(None)
"""Whether a hold was not released yet."""
_HOLD = select(legal_holds).where(legal_holds.c.person_id == _PERSON, IN_FORCE)
_ERASED = select(erasures.c.at).where(erasures.c.person_id == _PERSON)
_ERASED_CASES = (
    select(cases.c.case_number, erasures.c.at)
    .join(erasures, erasures.c.person_id == cases.c.person_id)
    .where(cases.c.case_number.in_(bindparam("numbers", expanding=True)))
)
_ended = cases.alias("ended")
_MAYBE_DUE = (
    select(cases)
    .where(
        cases.c.person_id.in_(
            select(_ended.c.person_id).where(
                _ended.c.city == bindparam("of_city"), _ended.c.closed_at < bindparam("before")
            )
        ),
        cases.c.person_id.not_in(_ERASED_PEOPLE),
        cases.c.person_id.not_in(select(legal_holds.c.person_id).where(IN_FORCE)),
    )
    .order_by(cases.c.case_number)
)


def who(connection: Connection, case_number: str, *, lock: bool = False) -> tuple[int, str]:
    """Return the person of a case: row and key. With `lock` nobody else changes the row. Raises NotFound."""
    query = _WHO.with_for_update(of=people) if lock else _WHO
    row = connection.execute(query, {"case_number": case_number}).one_or_none()
    if row is None:
        raise no_such_case(case_number)
    return row.id, row.key_id


def subject(connection: Connection, person: int) -> Subject:
    """Return what there is to erase of a person, and what forbids it."""
    of_person = {"person": person}
    held = connection.execute(_HOLD, of_person).one_or_none()
    rows = connection.execute(_CASES, of_person).mappings().all()
    papers = set(connection.execute(_PAPERS, of_person).scalars())
    shared = set(connection.execute(_OF_OTHERS, {**of_person, "names": list(papers)}).scalars())
    return Subject(
        cases=tuple(map(ledger_rows.case_ref, rows)),
        open_cases=tuple(row["case_number"] for row in rows if row["closed_at"] is None),
        own_papers=frozenset(papers - shared),
        shared_papers=len(shared),
        letters=connection.execute(_LETTERS, of_person).scalar_one(),
        notes=connection.execute(_NOTES, of_person).scalar_one(),
        hold=None if held is None else Hold(held.case_number, held.actor, held.at),
        erased_at=connection.execute(_ERASED, of_person).scalar_one_or_none(),
    )


def erased(connection: Connection, case_numbers: Iterable[str]) -> dict[str, datetime]:
    """Return when the people of cases were erased, by case number; those who were not are left out."""
    rows = connection.execute(_ERASED_CASES, {"numbers": list(case_numbers)}).all()
    return {row.case_number: row.at for row in rows}


def due(connection: Connection, cutoffs: Cutoffs) -> list[Due]:
    """Return who is not held, and whose cases all ended before their own city's time."""
    of_people: dict[int, dict[str, RowMapping]] = defaultdict(dict)
    for city, before in cutoffs.items():
        found = connection.execute(_MAYBE_DUE, {"of_city": city, "before": before}).mappings()
        for row in found:
            of_people[row["person_id"]][row["case_number"]] = row
    return [
        Due(tuple(map(ledger_rows.case_ref, rows.values())), max(row["closed_at"] for row in rows.values()))
        for rows in of_people.values()
        if all(_is_over_for_long(row, cutoffs) for row in rows.values())
    ]


def _is_over_for_long(row: RowMapping, cutoffs: Cutoffs) -> bool:
    before = cutoffs.get(row["city"])
    return before is not None and row["closed_at"] is not None and row["closed_at"] < before

"""What is personal in the ledger: how it is sealed into rows, and read out of them again.

Each place is bound to the row that it stands in: a sealed value that is copied to another row does not open.
"""

import json
from dataclasses import asdict
from datetime import date

from sqlalchemy import Connection, RowMapping, String, bindparam, select

from gateways.ledger_access import no_such_case
from gateways.ports.vault import PersonKey, Vault
from models.dossier import Need, Person
from models.identity import Sex
from models.policy import NeedKind
from models.tables import cases, people

NIK, REFERENCE, PAPER = "nik", "reference", "paper"
"""Kinds of values that are looked up by their keyed hash."""
PERSON = "people"
_KEY_OF_CASE = (
    select(people.c.key_id)
    .join(cases, cases.c.person_id == people.c.id)
    .where(cases.c.case_number == bindparam("of_case", type_=String()))
)


def key_of_case(connection: Connection, vault: Vault, case_number: str) -> PersonKey:
    """Return the key of the person a case is about. Raises NotFound or Erased."""
    key_id = connection.execute(_KEY_OF_CASE, {"of_case": case_number}).scalar_one_or_none()
    if key_id is None:
        raise no_such_case(case_number)
    return vault.key(key_id)


def need_of(case_number: str) -> str:
    """Return the place of a case's need."""
    return f"cases/{case_number}"


def paper_of(case_number: str, name: str) -> str:
    """Return the place of a paper's hash."""
    return f"documents/{case_number}/{name}"


def note_of(command_id: str) -> str:
    """Return the place of the words that belong to a command."""
    return f"notes/{command_id}"


def asked_of(command_id: str) -> str:
    """Return the place of what a command was given for."""
    return f"commands/{command_id}"


def seal_person(key: PersonKey, person: Person) -> bytes:
    """Seal who a person is."""
    return key.seal(PERSON, _told(asdict(person)))


def _told(facts: dict[str, object]) -> str:
    return json.dumps(facts, default=date.isoformat, ensure_ascii=False)


def person(key: PersonKey, sealed: bytes) -> Person:
    """Return who a person is."""
    told = json.loads(key.unseal(PERSON, sealed))
    return Person(**told | {"birth_date": date.fromisoformat(told["birth_date"]), "sex": Sex(told["sex"])})


def seal_need(key: PersonKey, case_number: str, need: Need, deactivated_on: date) -> bytes:
    """Seal why a person needs care, and since when the person is not covered."""
    told = asdict(need) | {"deactivated_on": deactivated_on}
    return key.seal(need_of(case_number), _told(told))


def need(key: PersonKey, row: RowMapping) -> tuple[Need, date]:
    """Return why a person needs care, and since when the person is not covered, out of a row of `cases`."""
    told = json.loads(key.unseal(need_of(row["case_number"]), row["sealed"]))
    return (
        Need(
            kind=NeedKind(told["kind"]),
            facility=told["facility"],
            letter_number=told["letter_number"],
            letter_date=date.fromisoformat(told["letter_date"]),
        ),
        date.fromisoformat(told["deactivated_on"]),
    )

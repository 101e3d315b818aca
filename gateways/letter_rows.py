"""Letters in the ledger: numbers without gaps, one valid letter for each case."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from gateways.ledger_access import next_number
from models.desk import IssuedLetter, NewLetter
from models.tables import letters

_CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without letters and digits that are taken for each other."""
_CODE_LENGTH = 10

_VALID = select(letters).where(
    letters.c.case_number == bindparam("case_number"), letters.c.voided_at.is_(None)
)
_VOID = (
    update(letters)
    .where(letters.c.case_number == bindparam("of_case"), letters.c.voided_at.is_(None))
    .values(voided_at=bindparam("at"), voided_by=bindparam("by"))
)
_ISSUE = insert(letters)


def read(row: RowMapping | Mapping[str, Any]) -> IssuedLetter:
    """Read a row of `letters`."""
    return IssuedLetter(
        number=row["number"],
        case_number=row["case_number"],
        attempt=row["attempt"],
        issued_on=row["issued_on"],
        signer=row["signer"],
        subject_digest=row["subject_digest"],
        verification_code=row["verification_code"],
        pdf_sha256=row["pdf_sha256"],
        voided_at=row["voided_at"],
    )


def valid(connection: Connection, case_number: str) -> IssuedLetter | None:
    """Return the case's letter that is not void; None when there is none."""
    row = connection.execute(_VALID, {"case_number": case_number}).mappings().one_or_none()
    return None if row is None else read(row)


def issue(
    connection: Connection, of_attempt: tuple[str, int], city: str, new: NewLetter, now: datetime
) -> IssuedLetter:
    """Void the case's letter, if any, and write another under the city's next number of the year.

    `of_attempt` is case number and attempt. The caller holds the case's lock. A transaction that fails
    gives the number back.
    """
    case_number, attempt = of_attempt
    connection.execute(_VOID, {"of_case": case_number, "at": now, "by": new.signer})
    year = new.issued_on.year
    sequence = next_number(connection, f"letter:{city}:{year}")
    row = {
        "number": new.number_of(sequence, new.issued_on),
        "case_number": case_number,
        "attempt": attempt,
        "city": city,
        "year": year,
        "sequence": sequence,
        "issued_on": new.issued_on,
        "signer": new.signer,
        "subject_digest": new.subject_digest,
        "verification_code": "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH)),
        "pdf_sha256": None,
        "voided_at": None,
        "voided_by": None,
    }
    connection.execute(_ISSUE, row)
    return read(row)

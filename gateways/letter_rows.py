"""Letters in the ledger: numbers without gaps, one letter of each case that no other replaced.

That one is valid while its case is open and when the person was reactivated: how a case ended stands in one
place, the case, so that a letter cannot say otherwise, also when the case is begun anew (ADR 35).
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from gateways.audit_forms import announce
from gateways.ledger_access import next_number
from gateways.ports.vault import PersonKey, Vault
from gateways.sealed_rows import PAPER, key_of_case
from models.case import Outcome
from models.desk import IssuedLetter, NewLetter
from models.desk_tables import letters
from models.letters import void_because
from models.tables import cases

_CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without letters and digits that are taken for each other."""
_CODE_LENGTH = 10

LETTERS = select(letters, cases.c.outcome, cases.c.closed_at).join(
    cases, cases.c.case_number == letters.c.case_number
)
"""Letters, with how their cases ended."""
_PRESENT = LETTERS.where(letters.c.case_number == bindparam("case_number"), letters.c.voided_at.is_(None))
_REPLACE = (
    update(letters)
    .where(letters.c.case_number == bindparam("of_case"), letters.c.voided_at.is_(None))
    .values(voided_at=bindparam("at"), voided_by=bindparam("by"))
    .returning(letters.c.city, letters.c.year, letters.c.sequence)
)
_ISSUE = insert(letters)
_SAVE_PDF = (
    update(letters)
    .where(letters.c.verification_code == bindparam("of_code"), letters.c.pdf.is_(None))
    .values(pdf=bindparam("sealed"), pdf_name=bindparam("name"))
)


def read(key: PersonKey | None, row: RowMapping | Mapping[str, Any]) -> IssuedLetter:
    """Read a row of `LETTERS`; without the person's key, what is not personal in it."""

    def opened(what: str) -> str | None:
        is_there = key is not None and row[what] is not None
        return key.unseal(_place(what, row["verification_code"]), row[what]) if key and is_there else None

    outcome = None if row["outcome"] is None else Outcome(row["outcome"])
    because = void_because(outcome, is_replaced=row["voided_at"] is not None)
    return IssuedLetter(
        number=row["number"],
        case_number=row["case_number"],
        attempt=row["attempt"],
        issued_on=row["issued_on"],
        signer=row["signer"],
        subject_digest=opened("subject") or "",
        verification_code=row["verification_code"],
        pdf_sha256=opened("pdf"),
        voided_at=row["voided_at"] or (row["closed_at"] if because else None),
        void_because=because,
    )


def _place(what: str, code: str) -> str:
    return f"letters/{code}/{what}"


def present(connection: Connection, vault: Vault, case_number: str) -> IssuedLetter | None:
    """Return the case's letter that no other replaced, valid or not; None when there is none."""
    row = connection.execute(_PRESENT, {"case_number": case_number}).mappings().one_or_none()
    return None if row is None else read(key_of_case(connection, vault, case_number), row)


def issue(  # noqa: PLR0913, PLR0917 - what a letter is made of
    connection: Connection,
    key: PersonKey,
    of_attempt: tuple[str, int],
    city: str,
    new: NewLetter,
    now: datetime,
) -> IssuedLetter:
    """Replace the case's letter, if any, by another under the city's next number of the year.

    `of_attempt` is case number and attempt. The caller holds the case's lock. A transaction that fails
    gives the number back.
    """
    case_number, attempt = of_attempt
    replacing = {"of_case": case_number, "at": now, "by": new.signer}
    replaced = [tuple(row) for row in connection.execute(_REPLACE, replacing)]
    announce(connection, "letter_voids", replaced, now)
    year = new.issued_on.year
    sequence = next_number(connection, f"letter:{city}:{year}")
    code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    row = {
        "number": new.number_of(sequence, new.issued_on),
        "case_number": case_number,
        "attempt": attempt,
        "city": city,
        "year": year,
        "sequence": sequence,
        "issued_on": new.issued_on,
        "signer": new.signer,
        "subject": key.seal(_place("subject", code), new.subject_digest),
        "verification_code": code,
        "pdf": None,
        "pdf_name": None,
        "voided_at": None,
        "voided_by": None,
    }
    connection.execute(_ISSUE, row)
    announce(connection, "letters", [(city, year, sequence)], now)
    return read(key, {**row, "outcome": None, "closed_at": None})


def keep_pdf(connection: Connection, vault: Vault, letter: RowMapping, sha256: str, now: datetime) -> None:
    """Keep which document a letter is; the first one stays."""
    code = letter["verification_code"]
    key = key_of_case(connection, vault, letter["case_number"])
    sealed, name = key.seal(_place("pdf", code), sha256), vault.index(PAPER, sha256)
    if connection.execute(_SAVE_PDF, {"of_code": code, "sealed": sealed, "name": name}).rowcount > 0:
        announce(connection, "letter_prints", [(letter["city"], letter["year"], letter["sequence"])], now)

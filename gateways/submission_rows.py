"""Submissions to SIKS-NG in the ledger: by machine or with a receipt of the portal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, RowMapping, String, bindparam, literal, select, update

from gateways.audit_forms import announce
from gateways.ledger_access import Upsert
from gateways.ports.vault import PersonKey, Vault
from gateways.sealed_rows import PAPER, REFERENCE, key_of_case
from models.case import Step
from models.desk import PortalReceipt
from models.desk_tables import commands, submissions, submissions_begun
from models.dossier import Upload
from models.errors import WrongState
from models.references import folded
from models.roles import MACHINE

_NUMBER = bindparam("case_number", type_=String())
_ATTEMPT = bindparam("attempt", type_=Integer())
_OF_ATTEMPT = (submissions.c.case_number == _NUMBER, submissions.c.attempt == _ATTEMPT)
_THERE = select(submissions).where(*_OF_ATTEMPT)
_OWNER = select(submissions.c.case_number, submissions.c.attempt).where(
    submissions.c.reference_index == bindparam("index"), submissions.c.voided_at.is_(None)
)
_KEEP = Upsert(
    submissions, lambda insert: insert.on_conflict_do_nothing().returning(submissions.c.case_number)
)
"""Waits for whoever is writing the same reference at the same time, and then writes nothing."""
_FROM = select(
    submissions.c.attempt,
    submissions.c.voided_at,
    submissions.c.reference_index,
    submissions.c.submitted_by,
).where(submissions.c.case_number == _NUMBER, submissions.c.attempt >= _ATTEMPT)
_ON_ITS_WAY = select(commands.c.command_id).where(
    commands.c.case_number == _NUMBER,
    commands.c.step == Step.SIKS_NG_UPLOAD,
    commands.c.attempt == _ATTEMPT,
    commands.c.result.is_(None),
)
"""An answer about the upload that the case has not taken yet: its receipt is not void."""
_VOID = (
    update(submissions)
    .where(
        submissions.c.case_number == bindparam("of_case"),
        submissions.c.attempt == bindparam("of_attempt"),
        submissions.c.voided_at.is_(None),
    )
    .values(voided_at=bindparam("at"), voided_by=bindparam("by"))
)
_BEGUN = (
    select(submissions_begun.c.attempt, literal(None).label("voided_at"))
    .where(submissions_begun.c.case_number == _NUMBER, submissions_begun.c.attempt >= _ATTEMPT)
    .union_all(
        select(submissions.c.attempt, submissions.c.voided_at).where(
            submissions.c.case_number == _NUMBER, submissions.c.attempt >= _ATTEMPT
        )
    )
)


def _row_of(
    vault: Vault, key: PersonKey, of_attempt: tuple[str, int], receipt: PortalReceipt, by: str
) -> dict[str, object]:
    """Return a row of `submissions`."""
    case_number, attempt = of_attempt
    proof = receipt.proof_sha256
    return {
        "case_number": case_number,
        "attempt": attempt,
        "reference_index": vault.index(REFERENCE, folded(receipt.reference)),
        "reference": key.seal(_place(case_number, attempt, "reference"), receipt.reference),
        "submitted_at": receipt.submitted_at,
        "submitted_by": by,
        "proof": key.seal(_place(case_number, attempt, "proof"), proof) if proof else None,
        "proof_name": vault.index(PAPER, proof) if proof else None,
    }


def reference(key: PersonKey, row: RowMapping | Mapping[str, Any]) -> str:
    """Return what SIKS-NG calls a submission, out of its row."""
    return key.unseal(_place(row["case_number"], row["attempt"], "reference"), row["reference"])


def _place(case_number: str, attempt: int, what: str) -> str:
    return f"submissions/{case_number}/{attempt}/{what}"


def write(  # noqa: PLR0913, PLR0917 - a row's columns
    connection: Connection,
    vault: Vault,
    of_attempt: tuple[str, int],
    receipt: PortalReceipt,
    by: str,
    now: datetime,
) -> tuple[str, int] | None:
    """Write a submission, and return None; otherwise whose its reference is already: then nothing is written.

    An attempt that has a submission keeps it; `of_attempt` is case number and attempt, as is the owner.
    """
    key = key_of_case(connection, vault, of_attempt[0])
    row = _row_of(vault, key, of_attempt, receipt, by)
    if connection.execute(_KEEP.on(connection), row).one_or_none() is not None:
        announce(connection, "submissions", [of_attempt], now)
        return None
    return _owner(connection, str(row["reference_index"]))


def keep(  # noqa: PLR0913, PLR0917 - a row's columns
    connection: Connection,
    vault: Vault,
    of_attempt: tuple[str, int],
    receipt: PortalReceipt,
    by: str,
    now: datetime,
) -> None:
    """Keep a receipt, unless it is there. Raises WrongState when its reference or its attempt is taken.

    It is there after an answer that changed nothing: somebody worked on while an older ledger stood beside a
    newer Temporal, and the case was begun anew since. Another reference takes its place then, as the case's
    next attempt: that receipt becomes void.
    """
    case_number, attempt = of_attempt
    asked = {"case_number": case_number, "attempt": attempt}
    rows = connection.execute(_FROM, asked).all()
    index = vault.index(REFERENCE, folded(receipt.reference))
    valid = [row for row in rows if row.voided_at is None]
    if any(row.reference_index == index for row in valid):
        return
    is_on_its_way = valid and connection.execute(_ON_ITS_WAY, asked).first() is not None
    if is_on_its_way or any(row.submitted_by == MACHINE for row in valid):
        raise WrongState(
            f"{case_number}, attempt {attempt}, has a submission already: enter its reference, as the portal"
            " has it"
        )
    for row in valid:
        void(connection, case_number, row.attempt, by, now)
    if rows:
        of_attempt = (case_number, max(row.attempt for row in rows) + 1)
    if (owner := write(connection, vault, of_attempt, receipt, by, now)) is None:
        return
    raise WrongState(f"this reference belongs to {owner[0]} already: compare it with the portal")


def void(connection: Connection, case_number: str, attempt: int, by: str, now: datetime) -> None:
    """Make a submission void; its reference is free again. Raises WrongState when there is none."""
    newest = _valid(connection, (case_number, attempt))
    if newest is None:
        raise WrongState(f"{case_number}, attempt {attempt}, has no receipt that could be void")
    connection.execute(_VOID, {"of_case": case_number, "of_attempt": newest, "by": by, "at": now})
    announce(connection, "submission_voids", [(case_number, newest)], now)


def receipt(connection: Connection, vault: Vault, case_number: str, attempt: int) -> PortalReceipt | None:
    """Return what proves an attempt's upload by hand; None when there is none or it is void."""
    newest = _valid(connection, (case_number, attempt))
    if newest is None:
        return None
    row = connection.execute(_THERE, {"case_number": case_number, "attempt": newest}).mappings().one()
    key = key_of_case(connection, vault, case_number)
    place = _place(case_number, newest, "proof")
    proof = None if row["proof"] is None else key.unseal(place, row["proof"])
    return PortalReceipt(reference(key, row), row["submitted_at"], proof)


def _valid(connection: Connection, of_attempt: tuple[str, int]) -> int | None:
    """Return the attempt whose submission counts for this one; None when there is none.

    A case that was begun anew counts from one again, while its submissions go on.
    """
    case_number, attempt = of_attempt
    asked = {"case_number": case_number, "attempt": attempt}
    there = [row.attempt for row in connection.execute(_FROM, asked) if row.voided_at is None]
    return attempt if attempt in there else max(there, default=None)


def _owner(connection: Connection, index: str) -> tuple[str, int] | None:
    """Return the case and the attempt that a reference belongs to, by its index; None when it is free."""
    row = connection.execute(_OWNER, {"index": index}).one_or_none()
    return None if row is None else (row.case_number, row.attempt)


def is_begun(connection: Connection, case_number: str, attempt: int) -> bool:
    """Tell whether an attempt, or a later one of a run before, may have reached SIKS-NG."""
    begun, void = _begun(connection, case_number, attempt)
    return bool(begun - void)


def upload(connection: Connection, case_number: str, attempt: int) -> Upload:
    """Return under which attempt an upload is done: a case that was begun anew counts from one again.

    It goes on with the newest that may have reached SIKS-NG, or beyond that when its receipt became void.
    """
    begun, void = _begun(connection, case_number, attempt)
    newest = max(begun | void, default=attempt)
    return Upload(newest + 1, is_begun=False) if newest in void else Upload(newest, is_begun=newest in begun)


def _begun(connection: Connection, case_number: str, attempt: int) -> tuple[set[int], set[int]]:
    """Return which attempts from this one on were begun, and of which the receipt became void."""
    rows = connection.execute(_BEGUN, {"case_number": case_number, "attempt": attempt}).all()
    return {row.attempt for row in rows}, {row.attempt for row in rows if row.voided_at is not None}

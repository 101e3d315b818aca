"""What a command was given for is kept as a keyed digest, and references are looked up as they are compared.

So a repeated command is told from another one under the same id, and `sng-2` from nothing but `SNG-2`.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import context, op

from models.errors import Misconfigured
from models.references import folded

revision = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None

_AT_A_TIME = 500
_SUBMISSIONS = """
SELECT s.case_number, s.attempt, s.reference, s.reference_index, s.voided_at, p.key_id
FROM submissions s JOIN cases c ON c.case_number = s.case_number JOIN people p ON p.id = c.person_id
WHERE s.reference IS NOT NULL
ORDER BY s.submitted_at, s.case_number, s.attempt
"""
_INDEX = "UPDATE submissions SET reference_index = :index WHERE case_number = :case_number AND attempt = :attempt"
log = structlog.get_logger()


def upgrade() -> None:
    """Add the column; of a command that is there case, kind, step and officer must do. Look-ups are made anew."""
    op.add_column("commands", sa.Column("asked", sa.String))
    rows = op.get_bind().execute(sa.text(_SUBMISSIONS)).mappings().all()
    vault = context.config.attributes.get("vault")
    if rows and vault is None:
        raise Misconfigured("a ledger that holds references is migrated by `starter.py migrate` alone")
    changes = list(_changes(vault, rows))
    for start in range(0, len(changes), _AT_A_TIME):
        op.get_bind().execute(sa.text(_INDEX), changes[start : start + _AT_A_TIME])


def downgrade() -> None:
    """Refuse: another command would be taken for a repeat again."""
    raise NotImplementedError("what commands were given for is not thrown away: restore a backup instead")


def _changes(vault: Any, rows: Any) -> Iterator[dict[str, Any]]:
    """Return the new look-up of every reference that can still be read.

    Two valid ones that were told apart and are one now are a finding, and no reason to stop: the later one
    keeps its old look-up, and the log names both cases.
    """
    owners = {row["reference_index"]: row["case_number"] for row in rows if row["voided_at"] is None}
    for start in range(0, len(rows), _AT_A_TIME):
        some = rows[start : start + _AT_A_TIME]
        erased = vault.destroyed({row["key_id"] for row in some})
        keys = vault.keys({row["key_id"] for row in some} - set(erased))
        for row in some:
            if row["key_id"] not in keys:
                continue
            place = f"submissions/{row['case_number']}/{row['attempt']}/reference"
            index = vault.index("reference", folded(keys[row["key_id"]].unseal(place, row["reference"])))
            if index == row["reference_index"]:
                continue
            if row["voided_at"] is None:
                if index in owners:
                    both = {"case_number": row["case_number"], "other": owners[index]}
                    log.warning("submission.reference_of_two", **both)
                    continue
                owners[index] = row["case_number"]
                del owners[row["reference_index"]]
            yield {"index": index, "case_number": row["case_number"], "attempt": row["attempt"]}

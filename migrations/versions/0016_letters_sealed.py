"""Letters and submissions are sealed in the audit chain; work that is taken over says from whom.

Workers of an earlier version write letters without announcing them: stop them before, as for every migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision: str | None = "0015"
branch_labels: str | None = None
depends_on: str | None = None

_LETTER = "city || '/' || year || '/' || sequence"
_SUBMISSION = "case_number || '/' || attempt"
_THERE_ALREADY = (
    ("letters", "letters", _LETTER, "1 = 1", "city, year, sequence"),
    ("letter_prints", "letters", _LETTER, "pdf IS NOT NULL", "city, year, sequence"),
    ("letter_voids", "letters", _LETTER, "voided_at IS NOT NULL", "city, year, sequence"),
    ("submissions", "submissions", _SUBMISSION, "1 = 1", "case_number, attempt"),
    ("submission_voids", "submissions", _SUBMISSION, "voided_at IS NOT NULL", "case_number, attempt"),
)
"""Form, table, key, which rows, in which order: what the ledger holds is sealed as it is found."""


def upgrade() -> None:
    """Announce every letter and submission that is there, and add the column."""
    for form, table, key, is_written, order in _THERE_ALREADY:
        op.execute(
            f"INSERT INTO audit_pending (form, key, at) SELECT '{form}', {key}, CURRENT_TIMESTAMP "  # noqa: S608
            f"FROM {table} WHERE {is_written} ORDER BY {order}"
        )
    op.add_column("desk_items", sa.Column("taken_from", sa.String))


def downgrade() -> None:
    """Refuse: entries of the chain would seal what no form describes."""
    raise NotImplementedError("the audit trail is not thrown away: restore a backup instead")

"""Audit: who saw what, and a chain over what was done."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

_THERE_ALREADY = (
    ("case_events", "case_events", "case_number || '/' || epoch || '/' || seq", "1 = 1", "case_number, epoch, seq"),
    ("commands", "commands", "command_id", "1 = 1", "given_at, command_id"),
    ("command_results", "commands", "command_id", "result IS NOT NULL", "settled_at, command_id"),
    ("refusals", "refusals", "CAST(id AS VARCHAR)", "1 = 1", "id"),
    ("notes", "notes", "command_id", "1 = 1", "at, command_id"),
    ("alerts", "alerts", "key", "1 = 1", "raised_at, key"),
    ("alert_acks", "alerts", "key", "acknowledged_at IS NOT NULL", "acknowledged_at, key"),
    ("bulk_operations", "bulk_operations", "id", "1 = 1", "given_at, id"),
    ("imports", "imports", "CAST(id AS VARCHAR)", "1 = 1", "id"),
    ("received_events", "received_events", "CAST(id AS VARCHAR)", "1 = 1", "id"),
)
"""Form, table, key, which rows, in which order: what the ledger holds is sealed as it is found."""


def upgrade() -> None:
    """Add the tables, and announce every row that is there."""
    op.create_table(
        "accesses",
        sa.Column("id", sa.Integer, nullable=False),
        _time("at"),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("door", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("case_number", sa.String),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_accesses"),
        sa.ForeignKeyConstraint(["case_number"], ["cases.case_number"], name="fk_accesses_case_number"),
    )
    op.create_index("ix_accesses_at", "accesses", ["at"])
    op.create_index("ix_accesses_case_number", "accesses", ["case_number"])
    op.create_table(
        "audit_pending",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("form", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_pending"),
    )
    op.create_table(
        "audit_chain",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("form", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        _time("sealed_at"),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_chain"),
        sa.UniqueConstraint("form", "key", name="uq_audit_chain_form_key"),
    )
    for form, table, key, is_written, order in _THERE_ALREADY:
        op.execute(
            f"INSERT INTO audit_pending (form, key, at) SELECT '{form}', {key}, CURRENT_TIMESTAMP "  # noqa: S608
            f"FROM {table} WHERE {is_written} ORDER BY {order}"
        )


def downgrade() -> None:
    """Refuse: the trail would be lost."""
    raise NotImplementedError("the audit trail is not thrown away: restore a backup instead")


def _time(name: str) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)

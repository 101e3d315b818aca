"""Bulk operations: orders for many cases, and what became of each."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "bulk_operations",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("where", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        _time("given_at", nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("to", sa.String),
        sa.Column("by_seconds", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_operations"),
    )
    op.create_table(
        "bulk_items",
        sa.Column("bulk_id", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("seen", sa.JSON, nullable=False),
        sa.Column("result", sa.String),
        sa.Column("detail", sa.String),
        _time("at"),
        sa.PrimaryKeyConstraint("bulk_id", "number", name="pk_bulk_items"),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_operations.id"], name="fk_bulk_items_bulk_id"),
        sa.ForeignKeyConstraint(["case_number"], ["cases.case_number"], name="fk_bulk_items_case_number"),
    )
    op.create_index("ix_bulk_items_case_number", "bulk_items", ["case_number"])
    is_left = sa.text("result IS NULL")
    op.create_index(
        "ix_bulk_items_left",
        "bulk_items",
        ["bulk_id", "number"],
        sqlite_where=is_left,
        postgresql_where=is_left,
    )


def downgrade() -> None:
    """Refuse: who did what to which cases, and why, would be lost."""
    raise NotImplementedError("what people ordered is not thrown away: restore a backup instead")


def _time(name: str, *, nullable: bool = True) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

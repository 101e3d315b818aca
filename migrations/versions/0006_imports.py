"""Bulk intake: lists that were taken, and what became of their rows."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the tables, and find a person's cases without reading all."""
    op.create_index("ix_cases_person_id", "cases", ["person_id"])
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("city", sa.String, nullable=False),
        sa.Column("file_sha256", sa.String, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("begun_by", sa.String, nullable=False),
        _time("begun_at", nullable=False),
        sa.Column("rejected", sa.Integer),
        _time("ended_at"),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        sa.UniqueConstraint("key", name="uq_imports_key"),
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("is_new", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("import_id", "row", name="pk_import_rows"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_import_rows_import_id"),
        sa.ForeignKeyConstraint(["case_number"], ["cases.case_number"], name="fk_import_rows_case_number"),
    )
    op.create_index("ix_import_rows_case_number", "import_rows", ["case_number"])


def downgrade() -> None:
    """Refuse: which list a case came from would be lost."""
    raise NotImplementedError("where cases came from is not thrown away: restore a backup instead")


def _time(name: str, *, nullable: bool = True) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

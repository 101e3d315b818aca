"""Erasure of people, and legal holds against it."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "erasures",
        *_about("erasures"),
        sa.Column("role", sa.String),
        sa.Column("cause", sa.String, nullable=False),
        _time("at", nullable=False),
        sa.UniqueConstraint("person_id", name="uq_erasures_person_id"),
    )
    op.create_table(
        "legal_holds",
        *_about("legal_holds"),
        sa.Column("role", sa.String, nullable=False),
        _time("at", nullable=False),
        _time("released_at", nullable=True),
        sa.Column("released_by", sa.String),
        sa.Column("released_role", sa.String),
    )
    in_force = sa.text("released_at IS NULL")
    op.create_index(
        "uq_legal_holds_in_force",
        "legal_holds",
        ["person_id"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )


def downgrade() -> None:
    """Refuse: who was erased, and who must not be, would be lost."""
    raise NotImplementedError("erasures and holds are not thrown away: restore a backup instead")


def _about(table: str) -> "tuple[sa.Column[int] | sa.Column[str] | sa.Constraint, ...]":
    return (
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=f"fk_{table}_person_id"),
        sa.ForeignKeyConstraint(["case_number"], ["cases.case_number"], name=f"fk_{table}_case_number"),
    )


def _time(name: str, *, nullable: bool) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

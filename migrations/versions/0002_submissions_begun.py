"""Remember that a submission to SIKS-NG was begun, before anybody knows how it went."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "submissions_begun",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("case_number", "attempt", name="pk_submissions_begun"),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.case_number"], name="fk_submissions_begun_case_number_cases"
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("submissions_begun")

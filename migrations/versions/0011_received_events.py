"""Events that outside systems push: which came in, and what became of each."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "received_events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String),
        sa.Column("digest", sa.String),
        sa.Column("result", sa.String, nullable=False),
        sa.Column("case_number", sa.String),
        sa.Column("said", sa.String),
        sa.Column("is_repeated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_received_events"),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.case_number"], name="fk_received_events_case_number"
        ),
    )
    op.create_index("ix_received_events_at", "received_events", ["at"])
    op.create_index("ix_received_events_digest", "received_events", ["digest"])


def downgrade() -> None:
    """Refuse: who knocked at the door would be lost."""
    raise NotImplementedError("what came in is not thrown away: restore a backup instead")

"""The ledger's own identity, and a birth mark for each case."""

import sqlalchemy as sa
from alembic import op

from models.lineage import new_ledger_id

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Give the ledger an id. Cases that are there began without a birth mark, and go on without one."""
    lineage = op.create_table(
        "lineage",
        sa.Column("ledger", sa.String, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("keys_tick", sa.Integer, nullable=False),
        sa.Column("temporal_tick", sa.Integer, nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True)),
        sa.Column("held_because", sa.String),
        sa.PrimaryKeyConstraint("ledger", name="pk_lineage"),
    )
    op.create_table(
        "generations",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.String, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_generations"),
    )
    op.bulk_insert(lineage, [{"ledger": new_ledger_id(), "generation": 1, "keys_tick": 0, "temporal_tick": 0}])
    op.add_column("cases", sa.Column("birth", sa.String))


def downgrade() -> None:
    """Refuse: nobody could tell any more whose a workflow is."""
    raise NotImplementedError("birth marks are not thrown away: restore a backup instead")

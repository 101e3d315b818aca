"""Where in a run's history a case's projection was told, so that what is told too late changes nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns; what is there was told at an unknown place, before anything that comes."""
    op.add_column("cases", sa.Column("told_task", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("cases", sa.Column("told_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Refuse: a worker that was frozen meanwhile would be believed."""
    raise NotImplementedError("the order of what was told is not thrown away: restore a backup instead")

"""What a command was given for, as a keyed digest, so that its repeat is told from another command."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; of a command that is there case, kind, step and officer must do."""
    op.add_column("commands", sa.Column("asked", sa.String))


def downgrade() -> None:
    """Refuse: another command would be taken for a repeat again."""
    raise NotImplementedError("what commands were given for is not thrown away: restore a backup instead")

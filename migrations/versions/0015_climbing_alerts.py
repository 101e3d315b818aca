"""Alerts that nobody hears climb: when each does, and who is told in place of others."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision: str | None = "0014"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns. What is open and reached no person yet climbs from now on."""
    op.add_column("alerts", sa.Column("climb_at", sa.DateTime(timezone=True)))
    op.add_column(
        "alert_deliveries", sa.Column("climb", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    op.execute(
        "UPDATE alerts SET climb_at = raised_at WHERE state = 'open' AND key IN"
        " (SELECT alert_key FROM alert_deliveries WHERE recipient <> '@webhook')"
        " AND key NOT IN (SELECT alert_key FROM alert_deliveries"
        " WHERE recipient <> '@webhook' AND state IN ('sent', 'in_digest'))"
    )
    is_unheard = sa.text("climb_at IS NOT NULL")
    op.create_index(
        "ix_alerts_climb_at", "alerts", ["climb_at"], sqlite_where=is_unheard, postgresql_where=is_unheard
    )


def downgrade() -> None:
    """Refuse: an alert that nobody heard of would be silent again."""
    raise NotImplementedError("who was told in place of others is not thrown away: restore a backup instead")

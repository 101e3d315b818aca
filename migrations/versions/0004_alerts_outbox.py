"""Alerts through an outbox: open, acknowledged, closed; and every message to every recipient."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the columns and the table. Alerts from before told nobody and stay so; those of closed cases close."""
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("levels", sa.JSON, nullable=False, server_default="[]"))
        alerts.add_column(sa.Column("state", sa.String, nullable=False, server_default="open"))
        alerts.add_column(_time("acknowledged_at"))
        alerts.add_column(sa.Column("acknowledged_by", sa.String))
        alerts.add_column(_time("closed_at"))
    op.execute(
        "UPDATE alerts SET state = 'closed', closed_at = (SELECT closed_at FROM cases"
        " WHERE cases.case_number = alerts.case_number) WHERE case_number IN"
        " (SELECT case_number FROM cases WHERE closed_at IS NOT NULL)"
    )
    op.create_index("ix_alerts_state_raised_at", "alerts", ["state", "raised_at"])
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("alert_key", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        _time("next_at", nullable=False),
        _time("leased_until"),
        _time("sent_at"),
        sa.Column("trouble", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_alert_deliveries"),
        sa.ForeignKeyConstraint(["alert_key"], ["alerts.key"], name="fk_alert_deliveries_alert_key"),
        sa.UniqueConstraint(
            "alert_key", "recipient", "number", name="uq_alert_deliveries_alert_key_recipient_number"
        ),
    )
    is_pending = sa.text("state = 'pending'")
    op.create_index(
        "ix_alert_deliveries_pending",
        "alert_deliveries",
        ["next_at"],
        sqlite_where=is_pending,
        postgresql_where=is_pending,
    )
    op.create_index("ix_alert_deliveries_recipient_sent_at", "alert_deliveries", ["recipient", "sent_at"])


def downgrade() -> None:
    """Refuse: who was told, and who acknowledged, would be lost."""
    raise NotImplementedError("what people were told is not thrown away: restore a backup instead")


def _time(name: str, *, nullable: bool = True) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

"""The engine watches itself: alerts about a city, outages, probes, heartbeats, the calendars clocks count by."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Let an alert be about a city and a command be the machine's, and add the tables."""
    # SQLite makes a table anew to alter it, which it refuses while others refer to its rows.
    op.execute("CREATE TEMPORARY TABLE kept_deliveries AS SELECT * FROM alert_deliveries")
    op.execute("DELETE FROM alert_deliveries")
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("city", sa.String, nullable=False, server_default=""))
        alerts.add_column(sa.Column("words", sa.String))
        for name in ("case_number", "step", "kecamatan"):
            alerts.alter_column(name, existing_type=sa.String(), nullable=True)
    op.execute("UPDATE alerts SET city = substr(case_number, 5, 4)")
    op.execute("INSERT INTO alert_deliveries SELECT * FROM kept_deliveries")
    op.execute("DROP TABLE kept_deliveries")
    with op.batch_alter_table("commands") as commands:
        commands.alter_column("role", existing_type=sa.String(), nullable=True)
    op.add_column(
        "cases", sa.Column("from_list", sa.Boolean, nullable=False, server_default=sa.text("false"))
    )
    is_unwell = sa.text("health != 'ok'")
    op.create_index(
        "ix_cases_unwell", "cases", ["health"], sqlite_where=is_unwell, postgresql_where=is_unwell
    )
    op.create_table(
        "outages",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("system", sa.String, nullable=False),
        _time("since", nullable=False),
        _time("opened_at", nullable=False),
        sa.Column("opened_by", sa.String, nullable=False),
        sa.Column("note", sa.String),
        _time("until"),
        _time("closed_at"),
        sa.Column("closed_by", sa.String),
        sa.Column("probes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outages"),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_outages_open",
        "outages",
        ["system"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "probes",
        sa.Column("system", sa.String, nullable=False),
        _time("probed_at", nullable=False),
        sa.PrimaryKeyConstraint("system", name="pk_probes"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String, nullable=False),
        _time("beat_at", nullable=False),
        sa.Column("every_seconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeats"),
    )
    op.create_table(
        "calendar_marks",
        sa.Column("city", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        _time("noted_at", nullable=False),
        sa.PrimaryKeyConstraint("city", name="pk_calendar_marks"),
    )


def downgrade() -> None:
    """Refuse: outages that people declared would be lost."""
    raise NotImplementedError("what people declared is not thrown away: restore a backup instead")


def _time(name: str, *, nullable: bool = True) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

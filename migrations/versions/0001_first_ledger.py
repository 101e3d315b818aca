"""The first ledger: people, cases, papers, history, desk, letters, alerts, notes and counters."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("nik", sa.String, nullable=False),
        sa.Column("kk", sa.String, nullable=False),
        sa.Column("card_number", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("birth_date", sa.Date, nullable=False),
        sa.Column("sex", sa.String, nullable=False),
        sa.Column("phone", sa.String),
        sa.Column("kelurahan", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("nik", name="uq_people_nik"),
    )
    op.create_table(
        "cases",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("city", sa.String, nullable=False),
        sa.Column("track", sa.String, nullable=False),
        sa.Column("kecamatan", sa.String, nullable=False),
        _time("received_at", nullable=False),
        _time("registered_at", nullable=False),
        sa.Column("need_kind", sa.String, nullable=False),
        sa.Column("facility", sa.String, nullable=False),
        sa.Column("letter_number", sa.String, nullable=False),
        sa.Column("letter_date", sa.Date, nullable=False),
        sa.Column("deactivated_on", sa.Date, nullable=False),
        _time("started_at"),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("waiting_on", sa.String, nullable=False),
        _time("since", nullable=False),
        sa.Column("health", sa.String, nullable=False),
        sa.Column("trouble", sa.String),
        sa.Column("sla_state", sa.String, nullable=False),
        _time("due_at"),
        _time("detected_at"),
        sa.Column("escalation_level", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String),
        _time("closed_at"),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("case_number", name="pk_cases"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_cases_person_id"),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_cases_open_person",
        "cases",
        ["person_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    is_unstarted = sa.text("started_at IS NULL AND closed_at IS NULL")
    op.create_index(
        "ix_cases_unstarted",
        "cases",
        ["registered_at"],
        sqlite_where=is_unstarted,
        postgresql_where=is_unstarted,
    )
    op.create_index("ix_cases_listing", "cases", ["city", "step", "sla_state", "due_at"])
    op.create_table(
        "documents",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        _time("added_at", nullable=False),
        sa.PrimaryKeyConstraint("case_number", "kind", "sha256", name="pk_documents"),
        _of_case("documents"),
    )
    op.create_table(
        "case_events",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        _time("at", nullable=False),
        _time("recorded_at", nullable=False),
        sa.Column("step", sa.String),
        sa.Column("attempt", sa.Integer),
        sa.Column("reason", sa.String),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("case_number", "seq", name="pk_case_events"),
        _of_case("case_events"),
    )
    op.create_table(
        "desk_items",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("opened_seq", sa.Integer, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reason", sa.String),
        _time("opened_at", nullable=False),
        _time("closed_at"),
        sa.Column("result", sa.String),
        sa.PrimaryKeyConstraint("case_number", "opened_seq", name="pk_desk_items"),
        _of_case("desk_items"),
    )
    op.create_table(
        "recommendations",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("case_number", "attempt", name="pk_recommendations"),
        sa.UniqueConstraint("number", name="uq_recommendations_number"),
        _of_case("recommendations"),
    )
    op.create_table(
        "submissions",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        _time("submitted_at", nullable=False),
        sa.PrimaryKeyConstraint("case_number", "attempt", name="pk_submissions"),
        sa.UniqueConstraint("reference", name="uq_submissions_reference"),
        _of_case("submissions"),
    )
    op.create_table(
        "alerts",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("kecamatan", sa.String, nullable=False),
        _time("due_at"),
        _time("raised_at", nullable=False),
        sa.Column("detail", sa.String),
        sa.PrimaryKeyConstraint("key", name="pk_alerts"),
        _of_case("alerts"),
    )
    op.create_index("ix_alerts_case_number", "alerts", ["case_number"])
    op.create_table(
        "notes",
        sa.Column("command_id", sa.String, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        _time("at", nullable=False),
        sa.PrimaryKeyConstraint("command_id", name="pk_notes"),
        _of_case("notes"),
    )
    op.create_index("ix_notes_case_number", "notes", ["case_number"])
    op.create_table(
        "counters",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "counters",
        "notes",
        "alerts",
        "submissions",
        "recommendations",
        "desk_items",
        "case_events",
        "documents",
        "cases",
        "people",
    ):
        op.drop_table(table)


def _time(name: str, *, nullable: bool = True) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_case(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["case_number"], ["cases.case_number"], name=f"fk_{table}_case_number")

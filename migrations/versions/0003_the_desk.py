"""The desk: items with claims, commands before their delivery, receipts, letters, refusals, runs after a reset."""

import secrets
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def upgrade() -> None:
    """Add the tables and columns; carry letters, submissions and the open desk items over."""
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("run", sa.String))
        cases.add_column(sa.Column("epoch", sa.Integer, nullable=False, server_default="1"))
    with op.batch_alter_table("documents") as documents:
        documents.add_column(_time("checked_at"))
        documents.add_column(sa.Column("checked_by", sa.String))
    with op.batch_alter_table("case_events") as events:
        events.add_column(sa.Column("epoch", sa.Integer, nullable=False, server_default="1"))
        events.drop_constraint("pk_case_events", type_="primary")
        events.create_primary_key("pk_case_events", ["case_number", "epoch", "seq"])
    op.create_table(
        "case_runs",
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("case_number", "run", name="pk_case_runs"),
        _of_case("case_runs"),
    )
    _renew_desk_items()
    op.create_table(
        "commands",
        sa.Column("command_id", sa.String, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("step", sa.String),
        sa.Column("attempt", sa.Integer),
        sa.Column("item", sa.Integer),
        _time("given_at", nullable=False),
        sa.Column("result", sa.String),
        _time("settled_at"),
        sa.Column("said", sa.String),
        sa.PrimaryKeyConstraint("command_id", name="pk_commands"),
        _of_case("commands"),
    )
    undelivered = sa.text("result IS NULL")
    op.create_index(
        "ix_commands_undelivered",
        "commands",
        ["given_at"],
        sqlite_where=undelivered,
        postgresql_where=undelivered,
    )
    op.create_index("ix_commands_case_number", "commands", ["case_number"])
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer, nullable=False),
        _time("at", nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("case_number", sa.String),
        sa.Column("why", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refusals"),
    )
    _renew_letters()
    _renew_submissions()


def downgrade() -> None:
    """Refuse: answers that people gave would be lost."""
    raise NotImplementedError("the desk's work is not thrown away: restore a backup instead")


def _renew_desk_items() -> None:
    bind = op.get_bind()
    before = bind.execute(sa.text("SELECT * FROM desk_items ORDER BY opened_seq")).mappings().all()
    op.drop_table("desk_items")
    op.create_table(
        "desk_items",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        _time("opened_at", nullable=False),
        sa.Column("epoch", sa.Integer),
        sa.Column("opened_seq", sa.Integer),
        sa.Column("assignee", sa.String),
        _time("claimed_at"),
        _time("closed_at"),
        sa.Column("closed_by", sa.String),
        sa.Column("result", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_desk_items"),
        _of_case("desk_items"),
    )
    is_open = sa.text("closed_at IS NULL")
    for row in before:
        bind.execute(
            sa.text(
                "INSERT INTO desk_items (key, case_number, kind, step, attempt, role, reason, opened_at, epoch,"
                " opened_seq, closed_at, result) VALUES (:key, :case_number, 'mend', :step, :attempt,"
                " 'supervisor', :reason, :opened_at, 1, :opened_seq, :closed_at, :result)"
            ),
            {**row, "key": f"{row['case_number']}:mend:1:{row['opened_seq']}"},
        )
    op.create_index(
        "uq_desk_items_open_key",
        "desk_items",
        ["key"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_desk_items_case_number", "desk_items", ["case_number"])


def _renew_letters() -> None:
    op.create_table(
        "letters",
        sa.Column("number", sa.String, nullable=False),
        sa.Column("case_number", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("city", sa.String, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("signer", sa.String),
        sa.Column("subject_digest", sa.String, nullable=False),
        sa.Column("verification_code", sa.String, nullable=False),
        sa.Column("pdf_sha256", sa.String),
        _time("voided_at"),
        sa.Column("voided_by", sa.String),
        sa.PrimaryKeyConstraint("city", "year", "sequence", name="pk_letters"),
        sa.UniqueConstraint("verification_code", name="uq_letters_verification_code"),
        _of_case("letters"),
    )
    not_void = sa.text("voided_at IS NULL")
    bind = op.get_bind()
    rows = bind.execute(
        sa.text("SELECT case_number, attempt, number, issued_on FROM recommendations ORDER BY attempt")
    ).mappings()
    before = rows.all()
    newest = {row["case_number"]: row["attempt"] for row in before}
    for row in before:
        # REK-<city>-<year>-<sequence>
        _, city, year, sequence = row["number"].split("-")
        is_newest = newest[row["case_number"]] == row["attempt"]
        bind.execute(
            sa.text(
                "INSERT INTO letters (number, case_number, attempt, city, year, sequence, issued_on,"
                " subject_digest, verification_code, voided_at) VALUES (:number, :case_number, :attempt, :city,"
                " :year, :sequence, :issued_on, '', :code, :voided_at)"
            ),
            {
                **row,
                "city": city,
                "year": int(year),
                "sequence": int(sequence),
                "code": "".join(secrets.choice(_CODE_LETTERS) for _ in range(10)),
                "voided_at": None if is_newest else row["issued_on"],
            },
        )
    op.drop_table("recommendations")
    op.create_index(
        "uq_letters_valid",
        "letters",
        ["case_number"],
        unique=True,
        sqlite_where=not_void,
        postgresql_where=not_void,
    )
    op.execute("UPDATE counters SET name = replace(name, 'recommendation:', 'letter:')")


def _renew_submissions() -> None:
    with op.batch_alter_table("submissions") as submissions:
        submissions.add_column(
            sa.Column("submitted_by", sa.String, nullable=False, server_default="machine")
        )
        submissions.add_column(sa.Column("proof_sha256", sa.String))
        submissions.add_column(_time("voided_at"))
        submissions.add_column(sa.Column("voided_by", sa.String))
        submissions.drop_constraint("uq_submissions_reference", type_="unique")
    not_void = sa.text("voided_at IS NULL")
    op.create_index(
        "uq_submissions_reference",
        "submissions",
        ["reference"],
        unique=True,
        sqlite_where=not_void,
        postgresql_where=not_void,
    )


def _time(name: str, *, nullable: bool = True) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_case(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["case_number"], ["cases.case_number"], name=f"fk_{table}_case_number")

"""What is personal is sealed under a key of the person; look-ups go by a keyed hash.

All in one transaction: a migration that is cut short leaves the ledger as it was.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from models.errors import Misconfigured

revision = "0008"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

_AT_A_TIME = 500
_FACTS = ("nik", "kk", "card_number", "name", "birth_date", "sex", "phone", "kelurahan")
_NEED = ("need_kind", "facility", "letter_number", "letter_date", "deactivated_on")


def upgrade() -> None:
    """Add the sealed columns, seal what is there, and drop what was in the clear."""
    for table, old, new in (
        ("people", "nik", "nik_index"),
        ("documents", "sha256", "name"),
        ("submissions", "reference", "reference_index"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.add_column("people", sa.Column("key_id", sa.String, nullable=False, server_default=sa.text("''")))
    for table, name in (
        ("people", "sealed"),
        ("cases", "sealed"),
        ("documents", "sealed"),
        ("notes", "sealed"),
        ("letters", "subject"),
        ("letters", "pdf"),
        ("submissions", "reference"),
        ("submissions", "proof"),
    ):
        op.add_column(table, sa.Column(name, sa.LargeBinary))
    op.add_column("letters", sa.Column("pdf_name", sa.String))
    op.add_column("submissions", sa.Column("proof_name", sa.String))
    op.create_table(
        "key_stores",
        sa.Column("id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_stores"),
    )
    vault = context.config.attributes.get("vault")
    if _has_people():
        if vault is None:
            raise Misconfigured("a ledger that holds people is sealed by `starter.py migrate` alone")
        _seal(vault)
    if vault is not None:
        stores = sa.table("key_stores", sa.column("id"))
        op.get_bind().execute(sa.insert(stores), {"id": vault.store()})
    op.create_index("uq_people_key_id", "people", ["key_id"], unique=True)
    for table, names in (
        ("people", _FACTS[1:]),
        ("cases", _NEED),
        ("notes", ("text",)),
        ("letters", ("subject_digest", "pdf_sha256")),
        ("submissions", ("proof_sha256",)),
    ):
        for name in names:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")


def downgrade() -> None:
    """Refuse: what was sealed is not laid open by a command."""
    raise NotImplementedError("what was sealed is not laid open again: restore a backup instead")


def _has_people() -> bool:
    return op.get_bind().execute(sa.text("SELECT 1 FROM people LIMIT 1")).first() is not None


def _seal(vault: Any) -> None:
    people = op.get_bind().execute(sa.text("SELECT * FROM people")).mappings().all()
    keys: dict[int, Any] = {}
    for start in range(0, len(people), _AT_A_TIME):
        some = people[start : start + _AT_A_TIME]
        keys |= {row["id"]: key for row, key in zip(some, vault.make(len(some)), strict=True)}
    _write(
        "UPDATE people SET nik_index = :index, key_id = :key_id, sealed = :sealed WHERE id = :row",
        (_person(vault, keys[row["id"]], row) for row in people),
    )
    query = sa.text("SELECT * FROM cases")
    cases = op.get_bind().execute(query).mappings().all()
    of_case = {row["case_number"]: keys[row["person_id"]] for row in cases}
    _write(
        "UPDATE cases SET sealed = :sealed WHERE case_number = :row",
        (
            {
                "row": row["case_number"],
                "sealed": of_case[row["case_number"]].seal(f"cases/{row['case_number']}", _need(row)),
            }
            for row in cases
        ),
    )
    for table, statement, sealed in (
        (
            "documents",
            "UPDATE documents SET name = :name, sealed = :sealed"
            " WHERE case_number = :case_number AND kind = :kind AND name = :old",
            _paper,
        ),
        ("notes", "UPDATE notes SET sealed = :sealed WHERE command_id = :row", _note),
        (
            "letters",
            "UPDATE letters SET subject = :subject, pdf = :pdf, pdf_name = :pdf_name"
            " WHERE verification_code = :row",
            _letter,
        ),
        (
            "submissions",
            "UPDATE submissions SET reference_index = :index, reference = :reference, proof = :proof,"
            " proof_name = :proof_name WHERE case_number = :case_number AND attempt = :attempt",
            _submission,
        ),
    ):
        rows = op.get_bind().execute(sa.text(f"SELECT * FROM {table}")).mappings().all()
        _write(statement, [sealed(vault, of_case[row["case_number"]], row) for row in rows])


def _write(statement: str, rows: Any) -> None:
    wanted = list(rows)
    for start in range(0, len(wanted), _AT_A_TIME):
        op.get_bind().execute(sa.text(statement), wanted[start : start + _AT_A_TIME])


def _person(vault: Any, key: Any, row: Any) -> dict[str, Any]:
    facts = {name: row["nik_index" if name == "nik" else name] for name in _FACTS}
    sealed = key.seal("people", json.dumps(facts, default=str))
    return {"row": row["id"], "index": vault.index("nik", facts["nik"]), "key_id": key.id, "sealed": sealed}


def _need(row: Any) -> str:
    told = {"kind" if name == "need_kind" else name: row[name] for name in _NEED}
    return json.dumps(told, default=str)


def _paper(vault: Any, key: Any, row: Any) -> dict[str, Any]:
    sha256, name = row["name"], vault.index("paper", row["name"])
    sealed = key.seal(f"documents/{row['case_number']}/{name}", sha256)
    of_case = {"case_number": row["case_number"], "kind": row["kind"]}
    return {**of_case, "old": sha256, "name": name, "sealed": sealed}


def _note(_vault: Any, key: Any, row: Any) -> dict[str, Any]:
    return {"row": row["command_id"], "sealed": key.seal(f"notes/{row['command_id']}", row["text"])}


def _letter(vault: Any, key: Any, row: Any) -> dict[str, Any]:
    code, sha256 = row["verification_code"], row["pdf_sha256"]
    return {
        "row": code,
        "subject": key.seal(f"letters/{code}/subject", row["subject_digest"]),
        "pdf": key.seal(f"letters/{code}/pdf", sha256) if sha256 else None,
        "pdf_name": vault.index("paper", sha256) if sha256 else None,
    }


def _submission(vault: Any, key: Any, row: Any) -> dict[str, Any]:
    place = f"submissions/{row['case_number']}/{row['attempt']}"
    reference, proof = row["reference_index"], row["proof_sha256"]
    return {
        "case_number": row["case_number"],
        "attempt": row["attempt"],
        "index": vault.index("reference", reference),
        "reference": key.seal(f"{place}/reference", reference),
        "proof": key.seal(f"{place}/proof", proof) if proof else None,
        "proof_name": vault.index("paper", proof) if proof else None,
    }

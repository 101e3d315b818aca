"""The least that a PostgreSQL role needs to run the engine: no schema, and nothing that was written once."""

from typing import Final

from models import (  # noqa: F401 - their tables
    audit_tables,
    bulk_tables,
    erasure_tables,
    event_tables,
    import_tables,
    lineage_tables,
    watch_tables,
)
from models.errors import BadInput, Finding
from models.tables import LedgerTable

APPEND_ONLY: Final = frozenset(
    {
        "accesses",
        "audit_chain",
        "bulk_operations",
        "case_events",
        "case_runs",
        "erasures",
        "generations",
        "import_rows",
        "key_stores",
        "notes",
        "received_events",
        "refusals",
        "submissions_begun",
    }
)
"""Tables whose rows are never changed and never removed."""
SHRINKING: Final = frozenset({"alert_deliveries", "audit_pending"})
"""Tables of work to do: a row may go when it is done, or not wanted any more."""
_VERSION: Final = "alembic_version"
_LONGEST_NAME: Final = 63


def grants(role: str) -> list[str]:
    """Return the statements that give a role what the engine needs, and take everything else away.

    They are to be run by the owner of the tables, after each `migrate`. Raises BadInput.
    """
    if not role.isidentifier() or not role.isascii() or len(role) > _LONGEST_NAME:
        raise BadInput([Finding("--role", "is not a plain name", "use letters, digits and _")])
    to = f'"{role}"'
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {to};",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
        f"REVOKE CREATE ON SCHEMA public FROM {to};",
        f"GRANT USAGE ON SCHEMA public TO {to};",
        f"GRANT SELECT ON {_VERSION} TO {to};",
    ]
    for table in sorted(LedgerTable.metadata.tables):
        rights = ["SELECT", "INSERT"]
        if table not in APPEND_ONLY:
            rights.append("UPDATE")
        if table in SHRINKING:
            rights.append("DELETE")
        statements.append(f"GRANT {', '.join(rights)} ON {table} TO {to};")
    return [*statements, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {to};"]

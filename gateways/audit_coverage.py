"""Which columns of the ledger the audit vouches for, and which not: counted from the tables themselves."""

from collections.abc import Mapping
from typing import Final

from gateways.audit_forms import FORMS
from gateways.sql_comparison import COLUMNS
from models import (  # noqa: F401 - their tables
    alert_tables,
    audit_tables,
    bulk_tables,
    desk_tables,
    erasure_tables,
    event_tables,
    import_tables,
    lineage_tables,
    watch_tables,
)
from models.audit import Coverage
from models.tables import LedgerTable

_OWN: Final = frozenset({"audit_chain", "audit_pending"})
"""The audit's own tables: the chain proves itself, and what waits is told."""


def coverage() -> Coverage:
    """Return every column of the ledger but the audit's own, as sealed, compared, or neither."""
    tables = {name: table for name, table in LedgerTable.metadata.tables.items() if name not in _OWN}
    sealed = {name: {key.name for key in table.primary_key} for name, table in tables.items()}
    forms = {name: [form for form in FORMS.values() if form.table.name == name] for name in tables}
    for name, of_table in forms.items():
        sealed[name] = sealed[name].union(*(form.columns for form in of_table)) if of_table else set()
    compared = {
        name: {*columns, *(key.name for key in tables[name].primary_key)} for name, columns in COLUMNS.items()
    }
    neither = {
        name: {column.name for column in table.columns} - sealed[name] - compared.get(name, set())
        for name, table in tables.items()
    }
    return Coverage(_told(sealed), _told(compared), _told(neither))


def _told(columns: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(of_table)) for name, of_table in sorted(columns.items()) if of_table}

"""Runs migrations on the connection that `gateways.ledger_migrations` hands over; there is no alembic.ini."""

from alembic import context

from models import (  # noqa: F401 - their tables belong to the same metadata
    alert_tables,
    bulk_tables,
    desk_tables,
    erasure_tables,
    event_tables,
    import_tables,
    lineage_tables,
    watch_tables,
)
from models.tables import LedgerTable

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=LedgerTable.metadata,
)
with context.begin_transaction():
    context.run_migrations()

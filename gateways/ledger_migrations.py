"""Brings the ledger's tables to this version. Loads Alembic, which nothing else needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text

from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ledger_schema import revision
from gateways.ports.vault import Vault
from models.errors import Misconfigured

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_ONE_MIGRATION_AT_A_TIME = text("SELECT pg_advisory_xact_lock(8421367000419)")


def migrate(engine: Engine, vault: Vault | None = None) -> None:
    """Bring the tables to this version; a second process that calls it meanwhile waits and finds it done.

    What an older version kept in the clear is sealed with `vault` on the way: all of it or, when the process
    dies, nothing. Raises EngineUnreachable, and Misconfigured when the ledger is newer than this version.
    """
    with LedgerAccess(engine, unreachable(engine)).write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_ONE_MIGRATION_AT_A_TIME)
        config = alembic_config()
        config.attributes["connection"] = connection
        config.attributes["vault"] = vault
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise Misconfigured(
                f"ledger schema is at {revision(connection)}, which this version does not know: "
                "run the version that made it, or a newer one"
            ) from None


def alembic_config() -> Config:
    """Return Alembic's configuration; `attributes["connection"]` must hold the connection to run on."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config

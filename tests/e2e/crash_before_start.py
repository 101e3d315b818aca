"""Take an application and die, as by kill -9, between the ledger's write and the start of the workflow.

Run as `python -m tests.e2e.crash_before_start FILE SECONDS_AGO`: the ledger believes that it registered
the case so many seconds ago.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateways.folder_documents import FolderDocuments
from gateways.policy_folder import PolicyFolder
from gateways.sql_registry import SqlRegistry
from intake.intake import Intake
from models.case import CaseRef
from runtime import keys
from runtime.adapters import ledger_engine
from runtime.settings import load_settings


async def main(file: Path, ago: timedelta) -> None:
    """Submit with a start that never comes back."""
    settings = load_settings()
    engine = ledger_engine(settings)
    vault = keys.vault(settings, engine)
    registry = SqlRegistry(engine, vault, clock=lambda: datetime.now(UTC) - ago)
    shelf = PolicyFolder(settings.policies_dir)

    async def die(_case: CaseRef) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    await Intake(registry, FolderDocuments(settings.documents, vault), shelf, die).submit(
        file, now=datetime.now(UTC) - ago
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2]))))

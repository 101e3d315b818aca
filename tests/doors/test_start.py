"""A process that could tell nobody does not begin: worker, crew and watchdog alike."""

import asyncio
import os
import sys
from pathlib import Path

from runtime.settings import ROOT

FORMS = ((), ("--watchdog",), ("--processes", "2"))


async def test_contacts_that_others_may_read_are_refused_by_whatever_would_send(tmp_path: Path) -> None:
    """Exit code 2, in the same words; nothing was connected to, and no address is named."""
    file = tmp_path / "contacts.toml"
    file.write_text('tangsel-supervisor = ["json://rahasia@127.0.0.1:1/"]\n')
    file.chmod(0o644)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REAKTIVASI_")}
    environment |= {"REAKTIVASI_CONTACTS": str(file), "REAKTIVASI_LOCAL_DIR": str(tmp_path)}

    async def begun(*form: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "worker.py"), *form),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        return process.returncode, said.decode()

    ended = await asyncio.gather(*(begun(*form) for form in FORMS))

    assert ended == [(2, f"contacts: others may read {file}: chmod 600\n")] * len(FORMS)
    assert not (tmp_path / "ledger.db").exists()

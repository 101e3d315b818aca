"""The commands of docs/restore.md, typed one after the other on a running office."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateways.ledger_schema import close_engines
from models.case import Outcome
from runtime.settings import ROOT
from tests.e2e.office import Office
from tests.e2e.people import someone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RUNBOOK = ROOT / "docs" / "restore.md"
_BLOCK = re.compile(r"<!-- run(?:: (\d))? -->\n```console\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands that are typed together, and the exit code of each."""

    code: int
    commands: tuple[str, ...]


def blocks() -> Iterator[Block]:
    """Yield the blocks of the runbook that are to be run."""
    for code, text in _BLOCK.findall(RUNBOOK.read_text()):
        yield Block(int(code or 0), tuple(line.removeprefix("$ ") for line in text.splitlines()))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office of its own."""
    made = Office(tmp_path)
    await made.open()
    try:
        yield made
    finally:
        made.close()


async def test_the_runbook_puts_an_office_back(office: Office, tmp_path: Path) -> None:
    """A backup, more work, the ledger put back: at the end the office works on, and the audit is whole."""
    before = someone()
    kept = await office.submit(before)
    await office.until(kept, lambda state: state.outcome is Outcome.REACTIVATED)
    environment = {
        "OFFICE": str(office.stack.folder),
        "BACKUPS": str(tmp_path / "backups"),
        "USB": str(tmp_path / "usb"),
        "CASE": kept,
    }
    for place in ("BACKUPS", "USB"):
        Path(environment[place]).mkdir()  # no backup makes them
    backup, put_back, *rest = blocks()
    await _type(office, backup, environment)
    (folder,) = (tmp_path / "backups").iterdir()
    (keys,) = (tmp_path / "usb").iterdir()
    assert {file.name for file in folder.iterdir()} == {"ledger.db", "documents", "policies", "manifest.json"}
    assert {file.name for file in keys.iterdir()} == {"keys.db", "manifest.json"}
    lost = await office.submit(someone())
    await office.until(lost, lambda state: state.outcome is not None)

    office.stack.stop(lambda _line: None)  # as `starter.py down` does, for a stack of another process
    close_engines()
    await _type(office, put_back, environment | {"BACKUP": str(folder)})
    await office.open()
    for block in rest:
        await _type(office, block, environment)
    assert office.registry.case(kept).outcome is Outcome.REACTIVATED
    again = await office.submit(someone())
    assert int(again[-6:]) > int(lost[-6:])


async def _type(office: Office, block: Block, environment: dict[str, str]) -> None:
    for command in block.commands:
        if command == "starter.py down":
            continue
        ran = await _typed(office, command, environment)
        assert ran[0] == block.code, (command, ran)


async def _typed(office: Office, command: str, environment: dict[str, str]) -> tuple[int, str]:
    """Type a command into a shell whose `starter.py` is ours."""
    python = ROOT / ".venv" / "bin" / "python"
    script = f'starter.py() {{ "{python}" "{ROOT / "starter.py"}" "$@"; }}\n{command}'
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")},
            **environment,
            "REAKTIVASI_LOCAL_DIR": str(office.stack.folder),
            "REAKTIVASI_POLICIES_DIR": str(office.policies),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()

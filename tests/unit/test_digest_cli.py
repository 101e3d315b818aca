"""`starter.py digest` as officers run it."""

import asyncio
import json
import os
import sys
from pathlib import Path

from gateways.ledger_schema import migrate, open_engine
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_registry import SqlRegistry
from models.outbox import AlertState
from tests.ledger.builders import a_new_case

ROOT = Path(__file__).resolve().parents[2]


async def ran(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, what was printed, and what was printed to stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "starter.py"),
        *("digest", *arguments),
        env={**os.environ, "REAKTIVASI_LOCAL_DIR": str(folder), "TERM": "xterm-256color"},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_officers_look_and_supervisors_send(tmp_path: Path) -> None:
    """What is shown is what is sent, beside the digest of the morning; an unknown city and a role refused."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    case = SqlRegistry(engine).register(a_new_case()).case.case_number
    sent, data, auditor, unknown = await asyncio.gather(
        ran(tmp_path, "--city", "3674", "--send", "--as", "tangsel-kepala-bidang"),
        ran(tmp_path, "--city", "3674", "--json"),
        ran(tmp_path, "--city", "3674", "--send", "--as", "auditor"),
        ran(tmp_path, "--city", "9999"),
    )
    assert [code for code, *_ in (sent, data, auditor, unknown)] == [0, 0, 4, 2]
    assert "\x1b" not in "".join(sent[1:])
    assert "known are 3275 Kota Bekasi" in unknown[2]
    figures = json.loads(data[1])
    assert (figures["open"], figures["sent"], figures["oldest"]["document_check"][0]) == (1, None, case)

    book = SqlAlertBook(engine)
    (entry,) = book.entries()
    alert = entry.alert
    assert alert.key.startswith(f"digest:3674:{figures['day']}:")
    assert (entry.state, alert.levels) == (AlertState.CLOSED, (1, 2))
    assert alert.words is not None
    assert case in alert.words
    assert alert.words in sent[1]
    assert alert.key in sent[1]
    told = [one.recipient for one in book.deliveries_of(alert.key)]
    assert told == ["tangsel-supervisor", "lokal", "tangsel-kepala-bidang"]
    engine.dispose()

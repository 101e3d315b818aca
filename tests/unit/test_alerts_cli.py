"""`starter.py alerts` as officers run it."""

import asyncio
import json
import os
import sys
from pathlib import Path

from gateways.ledger_schema import migrate, open_engine
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.outbox import Addressed
from tests.ledger.builders import a_new_case, an_alert

ROOT = Path(__file__).resolve().parents[2]


async def ran(folder: Path, *arguments: str) -> tuple[int, str]:
    """Return exit code and everything that a command printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "starter.py"),
        *("alerts", *arguments),
        env={**os.environ, "REAKTIVASI_LOCAL_DIR": str(folder), "COLUMNS": "200"},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_officers_look_and_take_charge(tmp_path: Path) -> None:
    """Every command, role and area, bad input with its exit code."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    case = SqlRegistry(engine).register(a_new_case()).case
    number, key = case.case_number, f"{case.case_number}:sla:1:100"
    SqlOutbox(engine).put([Addressed(an_alert(case, key, minute=70), ("tangsel-supervisor", "lokal"))])

    shown, found, told, auditor, other, nik, span, unknown = await asyncio.gather(
        ran(tmp_path, "list"),
        ran(tmp_path, "list", "--city", "3674", "--unacknowledged-over", "30m", "--json"),
        ran(tmp_path, "deliveries", number),
        ran(tmp_path, "ack", number, "--as", "auditor"),
        ran(tmp_path, "ack", number, "--as", "bekasi-supervisor"),
        ran(tmp_path, "ack", "3674065203859001", "--as", "tangsel-supervisor"),
        ran(tmp_path, "list", "--unacknowledged-over", "sebentar"),
        ran(tmp_path, "ack", f"{number}:x", "--as", "tangsel-supervisor"),
    )
    assert [code for code, _ in (shown, found, told)] == [0, 0, 0]
    assert all(words in shown[1] for words in (key, "70 menit", "open"))
    assert [entry["key"] for entry in json.loads(found[1])] == [key]
    assert told[1].count("pending") == 2
    assert [code for code, _ in (auditor, other, nik, span, unknown)] == [4, 4, 2, 2, 3]
    assert "3674065203859001" not in nik[1]

    assert (await ran(tmp_path, "ack", key, "--as", "tangsel-kepala-bidang"))[1].startswith(f"{number}: 1 ")
    again, left, taken = await asyncio.gather(
        ran(tmp_path, "ack", number, "--as", "tangsel-kepala-bidang", "--json"),
        ran(tmp_path, "list", "--state", "open"),
        ran(tmp_path, "list", "--state", "acknowledged", "--json"),
    )
    assert json.loads(again[1]) == {"case_number": number, "acknowledged": []}
    assert left[1].strip() == "no alerts"
    assert json.loads(taken[1])[0]["acknowledged_by"] == "tangsel-kepala-bidang"
    engine.dispose()

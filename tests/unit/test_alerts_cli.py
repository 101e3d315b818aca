"""`starter.py alerts` as officers run it."""

import json
from pathlib import Path

from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.outbox import Addressed
from tests.ledger.builders import a_new_case, an_alert
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault


def test_officers_look_and_take_charge(tmp_path: Path) -> None:
    """Every command, role and area, bad input with its exit code."""
    engine = a_ledger(tmp_path)
    case = SqlRegistry(engine, a_vault()).register(a_new_case()).case
    number, key = case.case_number, f"{case.case_number}:sla:1:100"
    SqlOutbox(engine).put([Addressed(an_alert(case, key, minute=70), ("tangsel-supervisor", "lokal"))])

    shown, found, told, auditor, other, nik, span, unknown = (
        typed(tmp_path, "alerts", "list"),
        typed(tmp_path, "alerts", "list", "--city", "3674", "--unacknowledged-over", "30m", "--json"),
        typed(tmp_path, "alerts", "deliveries", number),
        typed(tmp_path, "alerts", "ack", number, "--as", "auditor"),
        typed(tmp_path, "alerts", "ack", number, "--as", "bekasi-supervisor"),
        typed(tmp_path, "alerts", "ack", "3674065203859001", "--as", "tangsel-supervisor"),
        typed(tmp_path, "alerts", "list", "--unacknowledged-over", "sebentar"),
        typed(tmp_path, "alerts", "ack", f"{number}:x", "--as", "tangsel-supervisor"),
    )
    assert [one.code for one in (shown, found, told)] == [0, 0, 0]
    assert all(words in shown.out for words in (key, "70 menit", "open"))
    assert [entry["key"] for entry in json.loads(found.out)["alerts"]] == [key]
    assert told.out.count("pending") == 2
    assert [one.code for one in (auditor, other, nik, span, unknown)] == [4, 4, 2, 2, 3]
    assert "3674065203859001" not in nik.out + nik.err

    assert (typed(tmp_path, "alerts", "ack", key, "--as", "tangsel-kepala-bidang")).out.startswith(
        f"{number}: 1 "
    )
    again, left, taken = (
        typed(tmp_path, "alerts", "ack", number, "--as", "tangsel-kepala-bidang", "--json"),
        typed(tmp_path, "alerts", "list", "--state", "open"),
        typed(tmp_path, "alerts", "list", "--state", "acknowledged", "--json"),
    )
    assert json.loads(again.out) == {"case_number": number, "acknowledged": []}
    assert left.out.strip() == "no alert matches"
    assert json.loads(taken.out)["alerts"][0]["acknowledged_by"] == "tangsel-kepala-bidang"
    engine.dispose()

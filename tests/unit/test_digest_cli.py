"""`starter.py digest` as officers run it."""

import json
from pathlib import Path

from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_registry import SqlRegistry
from models.outbox import AlertState
from tests.ledger.builders import a_new_case
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault


def test_officers_look_and_supervisors_send(tmp_path: Path) -> None:
    """What is shown is what is sent, beside the digest of the morning; an unknown city and a role refused."""
    engine = a_ledger(tmp_path)
    case = SqlRegistry(engine, a_vault()).register(a_new_case()).case.case_number
    sent, data, auditor, unknown = (
        typed(tmp_path, "digest", "--city", "3674", "--send", "--as", "tangsel-kepala-bidang"),
        typed(tmp_path, "digest", "--city", "3674", "--json"),
        typed(tmp_path, "digest", "--city", "3674", "--send", "--as", "auditor"),
        typed(tmp_path, "digest", "--city", "9999"),
    )
    assert [one.code for one in (sent, data, auditor, unknown)] == [0, 0, 4, 2]
    assert "\x1b" not in sent.out + sent.err
    assert "known are 3275 Kota Bekasi" in unknown.err
    figures = json.loads(data.out)
    assert (figures["open"], figures["sent"], figures["oldest"]["document_check"][0]) == (1, None, case)

    book = SqlAlertBook(engine)
    (entry,) = book.entries()
    alert = entry.alert
    assert alert.key.startswith(f"digest:3674:{figures['day']}:")
    assert (entry.state, alert.levels) == (AlertState.CLOSED, (1, 2))
    assert alert.words is not None
    assert case in alert.words
    assert alert.words in sent.out
    assert alert.key in sent.out
    told = [one.recipient for one in book.deliveries_of(alert.key)]
    assert told == ["tangsel-supervisor", "lokal", "tangsel-kepala-bidang"]
    engine.dispose()

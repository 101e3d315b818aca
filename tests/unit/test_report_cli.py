"""`starter.py report` as officers run it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.wib import wib_date
from tests.ledger.builders import a_closing, a_new_case
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault


def test_who_may_reads_the_report_and_others_are_told_why(tmp_path: Path) -> None:
    """On the terminal, as data and as files; nobody's other city, no other role."""
    engine = a_ledger(tmp_path)
    registry, now = SqlRegistry(engine, a_vault()), datetime.now(UTC)
    registry.register(a_new_case(received_at=now))
    done = registry.register(a_new_case()).case
    SqlLedger(engine, a_vault()).record(a_closing(done))  # in March 2026, before the usual days
    engine.dispose()
    (tmp_path / "march.csv").write_text("yesterday's")
    supervisor, today = ("--as", "tangsel-supervisor"), wib_date(now)
    march = ("--city", "3674", "--from", "2026-03-01", "--to", "2026-03-31")

    said, data, csv_, unsaid, verifier, city = (
        typed(tmp_path, "report", *supervisor, "--by", "kecamatan"),
        typed(
            tmp_path,
            "report",
            *supervisor,
            "--by",
            "owner",
            "--json",
            "--csv",
            "new.csv",
            "--html",
            "new.html",
            at=tmp_path,
        ),
        typed(tmp_path, "report", "--as", "auditor", *march, "--csv", "march.csv", "--force", at=tmp_path),
        typed(tmp_path, "report", "--as", "auditor"),
        typed(tmp_path, "report", "--as", "tangsel-verifikator-1"),
        typed(tmp_path, "report", *supervisor, "--city", "3275"),
    )

    assert [one.code for one in (said, data, csv_, unsaid, verifier, city)] == [0, 0, 0, 2, 4, 4]
    assert "\x1b" not in said.out
    first = today - timedelta(days=29)
    assert said.out.startswith(f"Kota Tangerang Selatan, {first} to {today}, as of {today}")
    (pamulang,) = [line.split() for line in said.out.splitlines() if "Pamulang" in line]
    assert pamulang == ["Pamulang", "1", "0", "0", "0", "0", "-", "1", "0", "-", "-"]

    told = json.loads(data.out)
    assert (told["city"], told["from"], told["to"]) == ("3674", str(first), str(today))
    assert (told["total"]["received"], told["groups"]["dinsos"]["open"], len(told["days"])) == (1, 1, 30)
    assert told["files"] == ["new.csv", "new.html"]
    assert [row["owner"] for row in rows(tmp_path / "new.csv")][-2:] == ["closed", "total"]
    page = (tmp_path / "new.html").read_text("utf-8")
    assert "<h1>Laporan reaktivasi PBI JK, Kota Tangerang Selatan</h1>" in page
    assert page.count("<h3>") == 7
    assert "Sudah selesai" in page

    assert csv_.out == "written: march.csv\n"
    (total,) = rows(tmp_path / "march.csv")
    assert (total["received"], total["reactivated"], total["on_time"], total["open"]) == ("1", "1", "1", "0")
    assert not list(tmp_path.glob("*.part"))

    assert "--city: must be named: you serve more than one (give one of 3275, 3674)" in unsaid.err
    assert "takes the role auditor, head_of_office, head_of_section, supervisor" in verifier.err
    assert "does not serve the city 3275" in city.err


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as a spreadsheet does."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))

"""An officer's machine whose clock was set wrong, beside a ledger on a server: real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateways.ledger_schema import open_engine
from gateways.policy_folder import PolicyFolder
from gateways.typst_letters import TypstLetters
from models.case import Step
from models.desk_tables import commands, desk_items, letters
from models.tables import cases
from models.wib import wib_date
from runtime.settings import ROOT
from tests.chaos.clock import Clock as WallClock
from tests.desk.bench import COUNTER, SIGNER, Bench, Clock
from tests.ledgers import a_server_ledger
from tests.vaults import settings_of_a_vault

AHEAD = timedelta(days=32)
A_MOMENT = timedelta(minutes=1)


@dataclass
class Machine:
    """A desk of an office, with the clock of its own."""

    bench: Bench
    environment: dict[str, str]

    def types(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        command = [sys.executable, str(ROOT / "starter.py"), *map(str, arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(
    postgres: Engine, migrated_database: str, tmp_path: Path, shelf: PolicyFolder, printer: TypstLetters
) -> Iterator[Machine]:
    """Give a machine that is a month ahead, and the office behind it on a server; Temporal is away."""
    wall = WallClock(tmp_path)
    if not wall.is_there:
        pytest.skip("there is no C compiler to set a process's clock with")
    wall.set(AHEAD.total_seconds())
    clock = Clock()
    clock.now = datetime.now(UTC)
    with a_server_ledger(postgres, migrated_database) as url:
        settings = {
            "REAKTIVASI_DATABASE_URL": url,
            "REAKTIVASI_DOCUMENTS_DIR": str(tmp_path / "documents"),
            "REAKTIVASI_LOCAL_DIR": str(tmp_path),
            "TEMPORAL_ADDRESS": "127.0.0.1:1",
            **settings_of_a_vault(),
        }
        engine = open_engine(url)
        yield Machine(
            Bench(engine, tmp_path, shelf, printer, clock), os.environ | settings | wall.environment
        )
        engine.dispose()


def test_an_application_is_received_by_the_ledgers_time(machine: Machine) -> None:
    """Its number is of this year, its hours begin now, and the machine's clock is told."""
    ran = machine.types("submit", ROOT / "examples" / "01-tangsel-emergency.json", "--as", COUNTER)
    assert ran.returncode == 0, ran.stderr
    now = datetime.now(UTC)
    with machine.bench.engine.begin() as connection:
        row = connection.execute(cases.select()).mappings().one()
    assert row["case_number"].split("-")[2] == str(wib_date(now).year)
    assert abs(row["received_at"] - now) < A_MOMENT
    assert abs(row["registered_at"] - now) < A_MOMENT
    assert "this machine's clock is 32 days, 0:00:0" in ran.stderr
    assert "ahead of the ledger's" in ran.stderr


def test_a_letter_is_signed_on_the_ledgers_day(machine: Machine) -> None:
    """So the case takes the answer, and the number is one of this year."""
    bench = machine.bench
    bench.clock.now -= timedelta(hours=1)
    case = bench.case(Step.RECOMMENDATION)
    ran = machine.types("answer", case.case_number, "recommendation", "--approve", "--as", SIGNER)
    assert (ran.returncode, "kept in the ledger" in ran.stdout) == (0, True), ran.stderr
    now = datetime.now(UTC)
    (letter,) = bench.rows(letters, case)
    assert (letter["year"], letter["issued_on"]) == (wib_date(now).year, wib_date(now))
    (given,) = bench.book.undelivered(case.case_number)
    assert abs(given.given_at - now) < A_MOMENT
    assert abs(given.message.occurred_at - now) < A_MOMENT  # type: ignore[union-attr]  # an answer


def test_a_time_that_only_the_machine_has_reached_spends_no_number(machine: Machine) -> None:
    """It lies in the future of the office: refused before anything is written."""
    bench = machine.bench
    bench.clock.now -= timedelta(hours=1)
    case = bench.case(Step.RECOMMENDATION)
    tomorrow = f"{wib_date(datetime.now(UTC) + timedelta(days=1))} 08:00"
    ran = machine.types(
        "answer", case.case_number, "recommendation", "--approve", "--at", tomorrow, "--as", SIGNER
    )
    assert (ran.returncode, "--at: lies in the future" in ran.stderr) == (2, True), ran.stderr
    assert bench.rows(letters, case) == bench.rows(commands, case) == bench.rows(desk_items, case) == []

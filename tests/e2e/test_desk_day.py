"""The demo of the desks, run as anybody runs it: twelve cases end rightly, and nothing personal gets out."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from examples import desk_script
from examples.desk_day import FOLDER
from runtime.settings import ROOT
from tests.e2e import leaks

SECONDS = 120
PERSONAL = ("ledger.db", "institutions.db", "documents")
"""Where personal data belongs."""
SECRET = ("nik", "kk", "card_number", "name", "phone")
SAID = (
    "tangsel-verifikator-1: data corrected, PBI-3674-2026-000001, kemensos_verification 1",
    "bekasi-supervisor: receipt void, PBI-3275-2026-000001, kemensos_verification 1",
    "four eyes: who corrected the data",
    "this work is of the role signer",
    "is in the hand of bekasi-verifikator-1",
    "this reference belongs to PBI-3",
    "the letter stands",
    "what the operator copies into SIKS-NG",
    "all 12 cases went as examples/desk_day.toml says",
)


@dataclass(frozen=True)
class Day:
    """What the demo left behind."""

    code: int
    said: str
    files: dict[str, bytes]
    ledger: bytes


@pytest.fixture(scope="module")
def day() -> Day:
    """The demo, run in a process of its own that knows nothing of this one's installation."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("REAKTIVASI_", "TEMPORAL_"))
    }
    command = [sys.executable, "-m", "examples.desk_day"]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    ledger = b"".join(path.read_bytes() for path in FOLDER.glob("ledger.db*"))
    return Day(ran.returncode, ran.stdout + ran.stderr, leaks.files(FOLDER, but=PERSONAL), ledger)


def test_the_day_goes_as_the_script_says(day: Day) -> None:
    """The demo judges itself: outcomes, letters, uploads, four eyes, refusals, and who did what."""
    assert day.code == 0, day.said
    assert [words for words in SAID if words not in day.said] == []
    assert "\x1b" not in day.said


def test_nothing_personal_of_the_twelve_can_be_read_anywhere(day: Day) -> None:
    """Temporal's database, the logs and the ledger's file were searched, also for a NIK that was mended.

    That the search finds what is there is shown by `test_privacy.py`.
    """
    secrets = _secrets()
    assert {"temporal.db", "logs/temporal.log", "logs/worker.log", "logs/simulators.log"} <= day.files.keys()
    assert b"PBI-3674-2026-000001" in day.ledger

    assert leaks.found(secrets, day.files | {"the ledger": day.ledger}) == []


def _secrets() -> dict[str, str]:
    """Return what must stay in the ledger, by what it is; of a phone without the 0 that a form may drop."""
    secrets = {}
    for case in desk_script.load().case:
        applicant = json.loads(case.path.read_text(encoding="utf-8"))["applicant"]
        changes = {field: value for turn in case.turn for field, value in turn.changes.items()}
        for field in SECRET:
            if (value := applicant[field]) is not None:
                what = f"{field} of {case.name}{' before' * (field in changes)}"
                secrets[what] = value.removeprefix("0") if field == "phone" else value
        secrets |= {f"mended {field} of {case.name}": value for field, value in changes.items()}
    return secrets

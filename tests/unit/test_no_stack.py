"""In a folder without a stack every door says so once, with one remedy, and leaves the folder as it is."""

import json
from pathlib import Path

import pytest

from tests.unit.typed import Typed, typed

CASE = "PBI-3674-2026-000001"
BOSS = ("--as", "tangsel-supervisor")
SAID = "no stack here: starter.py up"
NOWHERE = "sqlite:////nowhere/l.db"
NOBODYS = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")


@pytest.fixture(params=["missing", "empty"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which nothing was ever started; no setting names anything."""
    for name in (*NOBODYS, "REAKTIVASI_DATABASE_URL", "REAKTIVASI_DOCUMENTS_DIR"):
        monkeypatch.delenv(name, raising=False)
    made = tmp_path / "local"
    if request.param == "empty":
        made.mkdir()
    return made


def left(folder: Path) -> list[Path]:
    """Return what lies in the folder."""
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", CASE),
        ("submit", "examples/01-tangsel-emergency.json", *BOSS),
        ("answer", CASE, "document_check", "--approve", *BOSS),
        ("retry", CASE, *BOSS),
        ("extend", CASE, "--by", "PT4H", "--reason", "x", *BOSS),
        ("desk", "list", *BOSS),
        ("why", CASE),
        ("stuck",),
        ("sweep",),
        ("keys", "list"),
        ("report", *BOSS),
        ("audit", "verify"),
        ("bulk", "list", *BOSS),
        ("backup", "elsewhere", "--keys", "apart"),
        ("doctor", "--security"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_command_that_needs_a_ledger_says_that_there_is_no_stack(
    folder: Path, words: tuple[str, ...]
) -> None:
    """No database is blamed that nobody named, and none is made by looking."""
    ran = typed(folder, *words)
    assert (ran.code, ran.err.strip(), ran.out) == (5, SAID, "")
    assert left(folder) == []


def checks_of(ran: Typed) -> dict[str, dict[str, object]]:
    """Return what `doctor` saw, by the name of the check."""
    return {str(one["name"]): one for one in json.loads(ran.out)}


def test_doctor_names_the_one_fault_once(folder: Path) -> None:
    """What cannot be there is not checked: no second remedy, and nothing is ok that is not there."""
    ran = typed(folder, "doctor", "--json")
    told = checks_of(ran)
    assert ran.code == 5
    assert (told["ledger"]["saw"], told["ledger"]["mend"]) == (SAID, "`starter.py up`")
    failed = [one for one in told.values() if not one["is_ok"] and one is not told["ledger"]]
    assert {one["saw"] for one in failed} == {"not checked"}
    assert {one["mend"] for one in failed} == {"first mend ledger", "first mend keys", "first mend temporal"}
    assert not any(
        told[name]["is_ok"] for name in ("documents", "space", "keys", "temporal", "worker", "desk")
    )
    assert str(folder) not in ran.out
    assert left(folder) == []


def test_a_database_that_is_named_is_named_in_the_fault(folder: Path) -> None:
    """Somebody set it, and wants to know what is wrong with it. Temporal is a fault of its own then."""
    ran = typed(folder, "list", REAKTIVASI_DATABASE_URL=NOWHERE)
    assert ran.code == 5
    assert "/nowhere/l.db" in ran.err
    assert "check REAKTIVASI_DATABASE_URL" in " ".join(ran.err.split())
    told = checks_of(typed(folder, "doctor", "--json", REAKTIVASI_DATABASE_URL=NOWHERE))
    assert "REAKTIVASI_DATABASE_URL" in str(told["ledger"]["mend"])
    assert "no Temporal is named" in str(told["temporal"]["saw"])

"""What a new folder, an odd duration and a faulty list of people are told."""

import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime import adapters
from runtime.preparing import prepare
from runtime.settings import ROOT, Settings
from tests.ledger.builders import a_new_case
from tests.unit.typed import typed
from tests.vaults import RING


def _settings(folder: Path) -> Settings:
    return Settings(local_dir=folder, master_keys=SecretStr(RING.newest.line.strip()))


def test_a_new_ledger_is_not_said_to_be_rewritten(tmp_path: Path) -> None:
    """There was nothing before; the second time there is nothing to rewrite."""
    said: list[str] = []
    for _ in range(2):
        prepare(_settings(tmp_path), said.append)
    assert said == []


@pytest.mark.parametrize("by", ["P1Y", "P1M", "P1Y2M", "-P1Y", "P1MT4H"])
def test_years_and_months_are_named_as_what_has_no_fixed_length(tmp_path: Path, by: str) -> None:
    """Minutes and weeks have one; nothing is asked of ledger or Temporal."""
    prepare(_settings(tmp_path), lambda _line: None)
    refused = typed(
        tmp_path,
        "extend",
        "PBI-3674-2026-000001",
        f"--by={by}",
        "--reason",
        "x",
        "--as",
        "tangsel-supervisor",
    )
    assert (refused.code, "years and months have no fixed length" in refused.err) == (2, True), refused


def test_the_folder_of_policies_may_come_from_the_environment(tmp_path: Path) -> None:
    """`up --help` says so."""
    shown = typed(tmp_path, "up", "--help", REAKTIVASI_POLICIES_DIR=str(tmp_path))
    assert "REAKTIVASI_POLICIES_DIR" in shown.out


def test_a_faulty_list_of_people_stops_nobody_from_reading(tmp_path: Path) -> None:
    """Who left is not known then; who acts must be known."""
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    settings = _settings(tmp_path / "office").model_copy(update={"policies_dir": policies})
    settings.local_dir.mkdir()
    prepare(settings, lambda _line: None)
    number = adapters.office(settings).registry.register(a_new_case()).case.case_number
    (policies / "people.toml").write_text("person = 3\n")
    ours = {"REAKTIVASI_POLICIES_DIR": str(policies), "REAKTIVASI_MASTER_KEYS": RING.newest.line.strip()}
    for words in (("show", number), ("why", number), ("list",), ("stuck",), ("alerts", "list")):
        read = typed(settings.local_dir, *words, **ours)
        assert read.code == 0, (words, read)
    assert "people.toml" in typed(settings.local_dir, "why", number, **ours).err
    acted = typed(settings.local_dir, "withdraw", number, "--reason", "x", "--as", "lokal", **ours)
    assert (acted.code, "people.toml" in acted.err) == (2, True), acted

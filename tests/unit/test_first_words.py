"""What a new folder and an odd duration are told."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.preparing import prepare
from runtime.settings import Settings
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

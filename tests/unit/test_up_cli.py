"""What `starter.py up` starts a local stack with; no process is started here."""

from pathlib import Path

import pytest

from models.errors import WrongState
from runtime.settings import ROOT
from runtime.stack import Stack, StackOptions
from tests.unit.typed import typed

OURS = ROOT / "policies"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[StackOptions]:
    """Let no stack start, and keep what it would have been started with."""
    options: list[StackOptions] = []

    async def start(stack: Stack, _say: object) -> None:
        options.append(stack.options)
        raise WrongState("not here")

    monkeypatch.setattr(Stack, "start", start)
    monkeypatch.delenv("REAKTIVASI_POLICIES_DIR", raising=False)
    return options


def test_the_folder_of_policies_is_the_options_then_the_environments_then_ours(
    begun: list[StackOptions], tmp_path: Path
) -> None:
    """As for every other command: who set the variable once need not type it again."""
    theirs, typed_one = tmp_path / "theirs", tmp_path / "typed"
    typed(tmp_path, "up")
    typed(tmp_path, "up", REAKTIVASI_POLICIES_DIR="")
    typed(tmp_path, "up", REAKTIVASI_POLICIES_DIR=str(theirs))
    typed(tmp_path, "up", "--policies", str(typed_one), REAKTIVASI_POLICIES_DIR=str(theirs))
    assert [one.policies_dir for one in begun] == [OURS, OURS, theirs, typed_one]


def test_help_names_the_variable_beside_the_default(tmp_path: Path) -> None:
    """Otherwise the default that is shown is not what would be taken."""
    said = " ".join(typed(tmp_path, "up", "--help", COLUMNS="400").out.split())
    assert "[env var: REAKTIVASI_POLICIES_DIR]" in said
    assert f"[default: {OURS}]" in said

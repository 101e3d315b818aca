"""What `make test` says to somebody who changes a workflow while cases are open."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replay.editions import PATCH, edition, edition_of_messages, edition_that_retires
from tests.replay.versions import present_version, recorded_versions

_KEEPS = "test_every_version_keeps_its_histories_until_it_is_retired"


def check(tree: Path, *of: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a tree: those of histories and fingerprints, unless said otherwise."""
    names = (name.partition("::") for name in of or ("histories", "fingerprints"))
    tests = [f"tests/replay/test_{file}.py{sign}{test}" for file, sign, test in names]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests],
        cwd=tree,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_unguarded_change_fails_and_says_what_to_do(tmp_path: Path) -> None:
    """Old cases get stuck and new ones look otherwise: both are told, with the way out."""
    ran = check(edition(tmp_path / "tree", is_guarded=False))

    assert ran.returncode == 1
    assert "would get stuck on this code" in ran.stdout
    assert "+local_activity record" in ran.stdout
    assert "if workflow.patched(" in ran.stdout
    assert "make record" in ran.stdout
    assert "docs/changing-a-workflow.md" in ran.stdout


@pytest.mark.slow
def test_what_is_recorded_is_never_written_over(tmp_path: Path) -> None:
    """A version may be installed somewhere although it was never announced: the change begins another."""
    tree = edition(tmp_path / "tree", is_guarded=True)
    history = tree / "tests/replay/histories" / present_version() / "emergency.json"
    before = history.read_bytes()
    recorded = record(tree)
    assert recorded.returncode == 4, recorded.stdout
    assert f"version {present_version()} is recorded" in recorded.stderr
    assert "raise `version`" in recorded.stderr
    assert history.read_bytes() == before


@pytest.mark.slow
def test_a_message_of_another_shape_fails_and_says_what_to_do(tmp_path: Path) -> None:
    """A field with another name is read as nothing, in silence: each version that wrote it is named."""
    ran = check(edition_of_messages(tmp_path / "tree"), "messages")
    assert ran.returncode == 1
    assert f"Messages that version {present_version()} wrote" in ran.stdout
    assert "Messages that version 0.1-6eb4e84 wrote" in ran.stdout
    assert 'record gives: Recorded.untold.0: was "", is read as "nothing"' in ran.stdout
    assert "docs/changing-a-workflow.md" in ran.stdout


@pytest.mark.parametrize("is_said", [True, False])
def test_histories_of_a_version_go_only_with_its_name(tmp_path: Path, *, is_said: bool) -> None:
    """Retired as step 4 of the page says, the tests pass; forgotten or deleted by mistake, they fail."""
    gone = [name for name in recorded_versions() if name.startswith("0.1")]
    ran = check(edition_that_retires(tmp_path / "tree", *gone, is_said=is_said), "histories::" + _KEEPS)
    assert ran.returncode == (0 if is_said else 1), ran.stdout
    if not is_said:
        assert f"have no histories: {', '.join(sorted(gone))}" in ran.stdout
        assert "RETIRED" in ran.stdout


def record(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run `make record` of a tree."""
    return subprocess.run(
        [sys.executable, "-m", "tests.replay.record"], cwd=tree, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_guarded_change_passes_and_old_histories_replay(tmp_path: Path) -> None:
    """Then it is recorded as a part of the next version, and passes again."""
    tree = edition(tmp_path / "tree", is_guarded=True)
    ran = check(tree)
    assert ran.returncode == 0, ran.stdout

    present = present_version()
    coming = f"{present.split('.')[0]}.{int(present.split('.')[1]) + 1}"
    project = tree / "pyproject.toml"
    text, raised = re.subn(
        rf'^version = "{re.escape(present)}\.',
        f'version = "{coming}.',
        project.read_text(),
        flags=re.MULTILINE,
    )
    assert raised == 1
    project.write_text(text)
    recorded = record(tree)
    assert recorded.returncode == 0, recorded.stderr
    assert f'"patch {PATCH}"' in (tree / "tests/replay/fingerprints.toml").read_text()
    ran = check(tree)
    assert ran.returncode == 0, ran.stdout
    assert (tree / "tests/replay/histories" / present / "emergency.json").exists()
    assert (tree / "tests/replay/histories" / coming / "emergency.json").exists()

"""What `make test` says to somebody who changes a workflow while cases are open."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replay.editions import PATCH, edition
from tests.replay.versions import present_version


def check(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of histories and fingerprints of a tree."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "tests/replay/test_histories.py",
            "tests/replay/test_fingerprints.py",
        ],
        cwd=tree,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.slow
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
    recorded = subprocess.run(
        [sys.executable, "-m", "tests.replay.record"], cwd=tree, capture_output=True, text=True, check=False
    )
    assert recorded.returncode == 0, recorded.stderr
    assert f'"patch {PATCH}"' in (tree / "tests/replay/fingerprints.toml").read_text()
    ran = check(tree)
    assert ran.returncode == 0, ran.stdout
    assert (tree / "tests/replay/histories" / present / "emergency.json").exists()
    assert (tree / "tests/replay/histories" / coming / "emergency.json").exists()

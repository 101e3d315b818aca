"""The benchmark runs: whoever measures seldom must not find that it has long not worked."""

import subprocess
import sys

import pytest

from runtime.settings import ROOT


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_round_of_the_benchmark_comes_to_its_end() -> None:
    """Its cases are begun beside the engine's own way, and still nobody takes them for a stranger's."""
    command = [sys.executable, "-m", "benchmarks.cases_per_second", "--cases", "30", "--rounds", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-800:]
    assert "history events in a straight case" in ran.stdout

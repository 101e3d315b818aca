"""Twenty seeds of faults, three hundred cases each, on real processes. Run by `make test-slow`."""

import signal
import subprocess
import sys

import pytest

from runtime.settings import ROOT
from tests.chaos.__main__ import LAST_SEED
from tests.chaos.plan import CASES

WITHIN_SECONDS = 1100
ENDS_WITHIN_SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_SECONDS + 2 * ENDS_WITHIN_SECONDS)
@pytest.mark.parametrize("seed", range(LAST_SEED + 1))
def test_nothing_is_lost_and_nothing_happens_twice(seed: int) -> None:
    """Whatever strikes: one end or a reason to wait, each effect once, ledger, Temporal and alerts agree.

    What it prints holds the plan, what is wrong, and where the rest is kept.
    """
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(seed), "--cases", str(CASES)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        try:
            said, _ = run.communicate(timeout=WITHIN_SECONDS)
        except BaseException:
            run.send_signal(signal.SIGINT)  # it stops what it started
            run.wait(ENDS_WITHIN_SECONDS)
            raise
    assert run.returncode == 0, said

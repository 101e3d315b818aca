"""Which core a worker process keeps to, seen in processes of their own."""

import os
import subprocess
import sys

import pytest

from runtime.settings import ROOT

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == 1, reason="there is one core only"
)
_TELLS = """
import os, threading
from runtime.cores import stay_on_one
print(stay_on_one({place}))
seen = []
thread = threading.Thread(target=lambda: seen.append(sorted(os.sched_getaffinity(0))))
thread.start()
thread.join()
print(*seen[0])
"""


def _keeps_to(place: int | None) -> tuple[str, list[int]]:
    """Return what the process says, and the cores of a thread that it begins afterwards."""
    program = _TELLS.format(place=place)
    told = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True).splitlines()
    return told[0], [int(core) for core in told[1].split()]


def test_each_place_is_another_core_and_they_come_round() -> None:
    """Two workers of a crew do not share one; one more than there are begins again."""
    cores = sorted(os.sched_getaffinity(0))
    assert _keeps_to(0) == (str(cores[0]), [cores[0]])
    assert _keeps_to(1) == (str(cores[1]), [cores[1]])
    assert _keeps_to(len(cores)) == (str(cores[0]), [cores[0]])


def test_without_a_place_it_is_one_of_them_and_minus_one_is_all() -> None:
    """A single worker keeps to one too, unless it was told not to."""
    cores = sorted(os.sched_getaffinity(0))
    assert len(_keeps_to(None)[1]) == 1
    assert _keeps_to(-1) == ("None", cores)

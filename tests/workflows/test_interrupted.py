"""Temporal interrupts the thread of a cancelled activity: nothing of the process may break by that."""

import subprocess
import sys

from runtime.settings import ROOT

_FIRST_ROW_INTERRUPTED = """
import ctypes, sys, threading
from datetime import UTC, datetime
from temporalio.exceptions import CancelledError
from worker import activities_of
from models.alert_tables import DeliveryRow
from models.outbox import DeliveryState
from tests.workflows.conftest import Bench

activities_of(Bench(None, "cases").outside())
now = datetime(2026, 2, 9, tzinfo=UTC)

def row():
    told = dict(alert_key="k", recipient="r", number=0, attempts=0, next_at=now, climb=0)
    return DeliveryRow(state=DeliveryState.PENDING, leased_until=None, sent_at=None, trouble=None, **told)

def interrupt(frame, event, _):
    if frame.f_code.co_name == "_post_configure_properties":
        raise CancelledError

def first():
    sys.setprofile(interrupt)
    try:
        row()
    except Exception:
        pass

thread = threading.Thread(target=first)
thread.start()
thread.join()
row()
"""


def test_a_thread_that_is_interrupted_at_its_first_row_breaks_no_other() -> None:
    """SQLAlchemy learns its tables with the first row; interrupted in that, it would never take another."""
    ran = subprocess.run(
        [sys.executable, "-c", _FIRST_ROW_INTERRUPTED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-800:]

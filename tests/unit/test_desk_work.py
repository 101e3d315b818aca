"""The dialogue at the desk when it is ended from outside: real processes, and a terminal that is closed."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.ledger_schema import open_engine
from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_registry import SqlRegistry
from models.case import Step
from models.desk import DeskItem
from models.messages import StepAsk
from runtime.settings import ROOT
from tests.ledger.builders import a_new_case
from tests.ledgers import put_ledger
from tests.vaults import a_vault, settings_of_a_vault

OFFICER = "tangsel-verifikator-1"


@dataclass
class Desk:
    """A desk with one piece of work on it."""

    folder: Path

    def __post_init__(self) -> None:
        engine = open_engine(put_ledger(self.folder / "ledger.db"))
        case = SqlRegistry(engine, a_vault()).register(a_new_case()).case.case_number
        ask = StepAsk(case_number=case, step=Step.DOCUMENT_CHECK, attempt=1, poll_every=timedelta(minutes=1))
        SqlDesk(engine).open(ask)
        self.book = SqlDeskBook(engine, a_vault())

    @property
    def item(self) -> DeskItem:
        (item,) = self.book.items()
        return item

    def sit_down(self, keyboard: int, **more: object) -> subprocess.Popen[bytes]:
        """Begin the dialogue, and return when the work is in the officer's hand."""
        settings = {"REAKTIVASI_LOCAL_DIR": str(self.folder), "TEMPORAL_ADDRESS": "127.0.0.1:1"}
        begun = subprocess.Popen(  # type: ignore[call-overload]  # how the terminal is given
            [sys.executable, str(ROOT / "starter.py"), "desk", "work", "--as", OFFICER],
            env=os.environ | settings | settings_of_a_vault(),
            stdin=keyboard,
            **more,
        )
        until(lambda: self.item.assignee == OFFICER)
        return begun  # type: ignore[no-any-return]  # see above


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give such a desk."""
    return Desk(tmp_path)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)]
)
def test_who_is_called_away_gives_the_work_back(desk: Desk, number: signal.Signals) -> None:
    """The exit code tells which signal it was."""
    reads, keys = os.pipe()
    work = desk.sit_down(reads, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    work.send_signal(number)
    _, said = work.communicate(timeout=60)
    os.close(keys)
    os.close(reads)
    assert (desk.item.assignee, desk.item.is_open) == (None, True)
    assert (work.returncode, said) == (128 + number, b"")


def test_a_terminal_that_is_closed_gives_the_work_back(desk: Desk) -> None:
    """As when a window is closed, or a line is cut."""
    screen, terminal = pty.openpty()
    work = desk.sit_down(
        terminal, stdout=terminal, stderr=terminal, start_new_session=True, preexec_fn=_take_terminal
    )
    os.close(terminal)
    os.close(screen)
    work.wait(timeout=60)
    assert (desk.item.assignee, desk.item.is_open) == (None, True)


def _take_terminal() -> None:
    """Make the keyboard the terminal of the session, so that closing it is told."""
    import fcntl  # noqa: PLC0415 - in the child
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_after_a_kill_the_work_is_still_in_the_officers_hand(desk: Desk) -> None:
    """As `--help` says; `desk release` gives it back."""
    reads, keys = os.pipe()
    work = desk.sit_down(reads, stdout=subprocess.DEVNULL)
    work.kill()
    work.wait()
    os.close(keys)
    os.close(reads)
    assert desk.item.assignee == OFFICER

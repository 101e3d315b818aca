"""The processes of a local stack: started apart from the terminal, written down, found again, stopped."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from models.errors import EngineUnreachable, WrongState
from runtime.settings import ROOT

READY_WITHIN_SECONDS = 30.0
STOP_WITHIN_SECONDS = 20.0
CHECK_EVERY_SECONDS = 0.05


@dataclass
class Child:
    """One process of the stack: how to start it again, and where it writes."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log_file: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, apart from our terminal, so that Ctrl-C reaches only us."""
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own programs
                self.command,
                env=self.environment,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """With which code the process ended; None while it lives, or was never started."""
        return None if self.process is None else self.process.poll()

    @property
    def last_words(self) -> str:
        """The last line of its log."""
        return self.log_file.read_text(errors="replace").rstrip().rpartition("\n")[2]

    @property
    def pid(self) -> int:
        """The process id. Raises WrongState when it was never started."""
        if self.process is None:
            raise WrongState(f"{self.name} was not started")
        return self.process.pid

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """Ask the process to end and wait; kill it when it does not."""
        if self.process is None:
            return
        if self.is_running:
            self.process.send_signal(signal_number)
        try:
            self.process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def note_processes(folder: Path, children: Iterable[Child]) -> None:
    """Write down who runs, for `down` and for whoever finds what a killed stack left behind."""
    pids = (os.getpid(), *(child.pid for child in children if child.is_running))
    _pid_file(folder).write_text(json.dumps([(pid, psutil.Process(pid).create_time()) for pid in pids]))


def running_stack(folder: Path) -> int | None:
    """Return the process id of the stack that runs in a folder; None when there is none."""
    noted = _noted(folder)
    return noted[0].pid if noted and noted[0].process() else None


def stop_stack(folder: Path) -> bool:
    """Stop the stack that runs in a folder, or what a killed one left behind; False when there is nothing."""
    noted = _noted(folder)
    if not noted:
        return False
    living = [process for one in noted if (process := one.process())]
    if (main := noted[0].process()) is not None:
        main.terminate()  # it stops its children in order
    else:
        for process in living:
            process.terminate()
    _, left = psutil.wait_procs(living, timeout=3 * STOP_WITHIN_SECONDS)
    for process in left:
        process.kill()
    forget(folder)
    return True


def forget(folder: Path) -> None:
    """Remove what a stack wrote down about itself."""
    for name in ("stack.json", "stack.env"):
        (folder / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Noted:
    """A process that a stack wrote down: its number, and when it began, since numbers come again."""

    pid: int
    began: float

    def process(self) -> psutil.Process | None:
        """Return the process if it still is that one."""
        try:
            process = psutil.Process(self.pid)
            is_it = process.create_time() == self.began and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if is_it else None


def _pid_file(folder: Path) -> Path:
    return folder / "stack.json"


def _noted(folder: Path) -> list[_Noted]:
    """Return the processes of the stack in a folder, the stack itself first; none when nothing is noted."""
    try:
        return [_Noted(int(pid), float(began)) for pid, began in json.loads(_pid_file(folder).read_text())]
    except (OSError, ValueError, TypeError):
        return []


async def until(holds: Callable[[], bool], child: Child) -> None:
    """Wait for a condition while the process lives. Raises EngineUnreachable."""

    async def asked() -> bool:
        return holds()

    await until_async(asked, child)


async def until_async(holds: Callable[[], Awaitable[bool]], child: Child) -> None:
    """Wait for a condition that has to be asked for, while the process lives. Raises EngineUnreachable."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not await holds():
        if not child.is_running or time.monotonic() > deadline:
            raise EngineUnreachable(f"{child.name} did not come up: see {child.log_file}")
        await asyncio.sleep(CHECK_EVERY_SECONDS)

"""Commands in processes of their own that need not load the program first: a fork of one that has.

Loading is a second of CPU for each of a hundred commands. What happens at the loading itself, at a real pipe
or at a signal is tried by `Office.begin`, which begins Python anew. Run as `python -m tests.e2e.warm SOCKET`.
"""

import atexit
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

from runtime.settings import ROOT

_PACKAGES = ("cli", "desk", "gateways", "intake", "models", "runtime", "workflows")
_LONGEST_ORDER = 1 << 20


class Warm:
    """A process that has loaded everything, and begins commands for tests."""

    def __init__(self) -> None:
        """Begin it; it is ready once the first command was taken."""
        self._folder = tempfile.TemporaryDirectory()
        self._place = Path(self._folder.name, "warm")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self._place))
            listening.listen()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.warm", str(listening.fileno())],
                cwd=ROOT,
                stdin=subprocess.PIPE,  # it ends with whoever holds the other end
                pass_fds=[listening.fileno()],
            )

    def run(
        self, words: list[str], environment: dict[str, str], typed: str, within: float
    ) -> tuple[int, str, str]:
        """Run `starter.py` and return its exit code and what it printed. Raises TimeoutError."""
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX) as asking,
        ):
            stdin.write(typed.encode())
            stdin.seek(0)
            asking.settimeout(within)
            asking.connect(str(self._place))
            order = json.dumps([words, environment]).encode()
            socket.send_fds(asking, [order], [stdin.fileno(), out.fileno(), err.fileno()])
            asking.shutdown(socket.SHUT_WR)
            told = asking.makefile()
            pid = int(told.readline())
            try:
                code = int(told.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
            return code, _text(out), _text(err)

    def close(self) -> None:
        """End it."""
        self._process.communicate()
        self._folder.cleanup()


@cache
def warm() -> Warm:
    """Return the one of this test process."""
    one = Warm()
    atexit.register(one.close)
    return one


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def main() -> None:
    """Load everything, then begin a command for everybody who asks, until nobody is left who could."""
    import starter  # noqa: F401, PLC0415 - first here it is used

    for package in _PACKAGES:
        for module in pkgutil.iter_modules([str(ROOT / package)], f"{package}."):
            importlib.import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(fileno=int(sys.argv[1]))
    while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
        asked, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _serve(asked)
        asked.close()


def _serve(asked: socket.socket) -> None:
    """Begin the command that is asked for, tell its number and its exit code, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order, files, _, _ = socket.recv_fds(asked, _LONGEST_ORDER, 3)
    while part := asked.recv(_LONGEST_ORDER):
        order += part
    words, environment = json.loads(order)
    pid = os.fork()
    if pid == 0:
        asked.close()
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["starter.py", *words]
        runpy.run_path(str(ROOT / "starter.py"), run_name="__main__")
        sys.exit(0)
    asked.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    asked.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    main()

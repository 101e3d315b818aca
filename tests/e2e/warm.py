"""Commands in processes of their own that need not load the program first: a fork of one that has.

Loading is a second of CPU for each of a hundred commands. What happens at the loading itself, at a real pipe
or at a signal is tried by `Office.begin`, which begins Python anew.
"""

import os
import pkgutil
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import connection, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from runtime.settings import ROOT

_PACKAGES = ("cli", "desk", "gateways", "intake", "models", "runtime", "workflows")
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "starter",
        *(
            module.name
            for package in _PACKAGES
            for module in pkgutil.iter_modules([str(ROOT / package)], f"{package}.")
        ),
    ]
)
_LOCK = Lock()
"""Beginning one process also asks after the others, whose exit code can be read only once."""
_STDIN, _STDOUT, _STDERR = "stdin", "stdout", "stderr"


def run(
    words: Sequence[str], environment: Mapping[str, str], typed: str, within: float
) -> tuple[int, str, str]:
    """Run `starter.py` and return its exit code and what it printed. Raises TimeoutError."""
    with TemporaryDirectory() as folder:
        Path(folder, _STDIN).write_text(typed)
        with _LOCK:
            process = _CONTEXT.Process(target=_command, args=(words, dict(environment), folder))
            process.start()
        is_over = connection.wait([process.sentinel], within)
        if not is_over:
            process.kill()
        with _LOCK:
            process.join()
        if not is_over:
            raise TimeoutError(f"starter.py took longer than {within} s")
        assert process.exitcode is not None
        return process.exitcode, Path(folder, _STDOUT).read_text(), Path(folder, _STDERR).read_text()


def _command(words: Sequence[str], environment: dict[str, str], folder: str) -> None:
    """Become the command, with files of the folder as stdin, stdout and stderr."""
    for place, name in enumerate((_STDIN, _STDOUT, _STDERR)):
        file = os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT)
        os.dup2(file, place)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a child of multiprocessing has none
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["starter.py", *words]
    runpy.run_path(str(ROOT / "starter.py"), run_name="__main__")

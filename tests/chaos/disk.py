"""A disk of its own for what the office keeps, small enough to be filled."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil


class Disk:
    """A folder that can be made full: a small tmpfs where that may be mounted.

    Otherwise full means that none of the named processes may write to a file that is longer than a byte.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        """Mount at `folder`, which is made unless it is there."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "chaos", str(folder)]
        self.is_mounted = _runs(mount)

    @property
    def kind(self) -> str:
        """How the disk is made full."""
        return "a small tmpfs, ENOSPC" if self.is_mounted else "RLIMIT_FSIZE, EFBIG"

    @contextlib.contextmanager
    def narrow(self, kilobytes: int) -> Iterator[None]:
        """Let so much more be written and no more; only where a tmpfs could be mounted."""
        ballast = self.folder / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(self.folder).free - kilobytes * 1024)
        try:
            yield
        finally:
            ballast.unlink()

    @contextlib.contextmanager
    def full(self, writers: list[int]) -> Iterator[None]:
        """Let nothing more be written, by anybody or by the processes `writers`."""
        if not self.is_mounted:
            with limited(writers):
                yield
            return
        ballast = self.folder / "ballast"
        try:
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(65536))
            with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(512))
            yield
        finally:
            ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount."""
        if self.is_mounted:
            _runs(["umount", "--lazy", str(self.folder)])


@contextlib.contextmanager
def limited(writers: list[int]) -> Iterator[None]:
    """Keep these processes from writing to any file."""
    processes = [psutil.Process(pid) for pid in writers]
    before = [process.rlimit(psutil.RLIMIT_FSIZE) for process in processes]
    for process, (_soft, hard) in zip(processes, before, strict=True):
        process.rlimit(psutil.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        for process, limits in zip(processes, before, strict=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_FSIZE, limits)


def _runs(command: list[str]) -> bool:
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0

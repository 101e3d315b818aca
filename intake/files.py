"""Files that people name: read only if they are files, and never more of one than is allowed."""

import os
import stat
from pathlib import Path


def read_bounded(path: Path, most: int) -> bytes | None:
    """Return what a file holds, one byte more than `most` when it holds more; None for what is no file.

    What is judged is what is read: a pipe or device put in its place meanwhile is seen. Raises OSError or
    ValueError (for a name that no file can have).
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return file.read(most + 1)

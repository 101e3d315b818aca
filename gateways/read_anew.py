"""What is written in files, read anew after an edit; while an edit is faulty, the last good one stays."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

import structlog

from models.errors import Misconfigured

log = structlog.get_logger()

WrittenT = TypeVar("WrittenT")


class ReadAnew(Generic[WrittenT]):
    """Reads files when they are first asked for, and again whenever they were changed. Thread-safe."""

    def __init__(
        self, faulty: str, files: Callable[[], Iterable[Path]], read: Callable[[Iterable[Path]], WrittenT]
    ) -> None:
        """`faulty` is what the log calls a fault; `read` raises Misconfigured, naming file and key."""
        self._faulty, self._files, self._read = faulty, files, read
        self._reading = Lock()
        self._present: tuple[WrittenT] | None = None
        self._read_at: frozenset[tuple[Path, int, int]] = frozenset()
        self._faulty_at: frozenset[tuple[Path, int, int]] | None = None

    def __call__(self) -> WrittenT:
        """Return what is written now.

        The first time a fault raises Misconfigured; later the last good one stays, and the fault is logged
        once for each state of the files.
        """
        with self._reading:
            written = self._state()
            if self._present is None or written != self._read_at:
                try:
                    self._present = (self._read(sorted(path for path, _, _ in written)),)
                    self._read_at = written
                except Misconfigured as fault:
                    if self._present is None:
                        raise
                    if written != self._faulty_at:
                        log.warning(self._faulty, what=str(fault), instead="the last good one")
                    self._faulty_at = written
            return self._present[0]

    def _state(self) -> frozenset[tuple[Path, int, int]]:
        """Return path, time of the last change in nanoseconds and size; nothing of files that are away."""
        seen = set()
        with suppress(OSError):
            for path in self._files():
                with suppress(OSError):
                    found = path.stat()
                    seen.add((path, found.st_mtime_ns, found.st_size))
        return frozenset(seen)

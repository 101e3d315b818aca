"""Anchors of the audit chain: a text file outside the database, a line for each, only ever appended to."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from models.audit import Anchor
from models.errors import Misconfigured
from models.faults import of_os
from models.wib import wib_date

_MOST_BYTES = 16_000_000
"""Some hundred thousand anchors; whatever is longer is no file of anchors."""


class AnchorFile:
    """Satisfies `gateways.ports.audit.Anchors`. Several processes may append at the same time."""

    def __init__(self, path: Path) -> None:
        """The file is made by the first anchor; its folder must be there."""
        self._path = path

    def read(self) -> Iterator[tuple[int, Anchor | None]]:
        """Return each line's number, from 1, and its anchor; None for a line that is none.

        Raises Misconfigured when the file cannot be read.
        """
        self._require_file()
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError as error:
            raise _faulty(error) from None
        except ValueError:
            raise Misconfigured("anchors: the file cannot be read") from None
        for number, line in enumerate(lines, 1):
            try:
                yield number, Anchor.of(line.decode("ascii"))
            except ValueError:
                yield number, None

    def append(self, anchor: Anchor, *, once_a_day: bool = False) -> bool:
        """Write an anchor, and wait until it is on the disk; False when the day (WIB) has one already.

        Raises Misconfigured when the file cannot be written.
        """
        self._require_file()
        try:
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                content = file.read()
                if once_a_day and wib_date(anchor.at) in _days(content):
                    return False
                start = b"" if not content or content.endswith(b"\n") else b"\n"
                file.write(start + f"{anchor}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _faulty(error) from None
        except ValueError:
            raise Misconfigured("anchors: the file cannot be written") from None
        return True

    def _require_file(self) -> None:
        """Raise Misconfigured for a device or a pipe, which has no end, and for what is too long."""
        with suppress(OSError, ValueError):  # opening it tells
            is_there = self._path.exists()
            if is_there and (not self._path.is_file() or self._path.stat().st_size > _MOST_BYTES):
                raise Misconfigured("anchors: what is named is no file of anchors")


def _faulty(error: OSError) -> Misconfigured:
    fault = of_os(error)
    return Misconfigured(f"anchors: the file {fault.what} ({fault.fix('REAKTIVASI_ANCHORS')})")


def _days(content: bytes) -> set[object]:
    days: set[object] = set()
    for line in content.splitlines()[-2:]:
        try:
            days.add(wib_date(_at(line)))
        except ValueError:
            continue
    return days


def _at(line: bytes) -> datetime:
    return Anchor.of(line.decode("ascii")).at

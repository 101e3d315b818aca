"""Why a database, a folder or a file cannot be used, in fixed words, and what to do about it."""

import errno
from enum import Enum
from typing import Final


class Fault(Enum):
    """What is wrong, in fixed words, and what an administrator does about it; `{setting}` names the place."""

    AWAY = ("does not answer", "check {setting} and that the database is up")
    REFUSES = ("refuses the connection", "check user, password and database in {setting}, and its log")
    CROWDED = ("has no free connection", "try again; otherwise let it take more connections")
    LOCKED = ("is locked by another process", "try again; otherwise end what keeps it open")
    FULL = ("cannot be written: the disk is full", "free space on the disk of {setting}, then repeat")
    READ_ONLY = (
        "cannot be written: it is read-only",
        "let the disk and the file of {setting} be written, then repeat",
    )
    NO_RIGHT = ("cannot be written: this user has no right to it", "give the right to the place of {setting}")
    NOT_THERE = ("cannot be opened or written: its folder is missing, or it is no file", "check {setting}")
    NO_DATABASE = ("is not a database, or is damaged", "check {setting}, or restore a backup")
    NO_TABLES = ("holds no tables of ours", "check {setting}, or run `starter.py migrate`")
    DISK = ("cannot be read or written: the disk reports an error", "look at the disk of {setting}")

    @property
    def what(self) -> str:
        """What is wrong, to stand behind the name of what it is about."""
        return self.value[0]

    def fix(self, setting: str) -> str:
        """Return what to do, naming the setting that holds the place."""
        return self.value[1].format(setting=setting)


_OF_ERRNO: Final = {
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
    errno.EFBIG: Fault.FULL,
    errno.EROFS: Fault.READ_ONLY,
    errno.EACCES: Fault.NO_RIGHT,
    errno.EPERM: Fault.NO_RIGHT,
    errno.ENOENT: Fault.NOT_THERE,
    errno.ENOTDIR: Fault.NOT_THERE,
    errno.EISDIR: Fault.NOT_THERE,
}


def of_os(error: OSError) -> Fault:
    """Return what is wrong with a file or folder."""
    return _OF_ERRNO.get(error.errno or 0, Fault.DISK)

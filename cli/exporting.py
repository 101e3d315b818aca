"""Files that leave the ledger: who wrote which is in the audit trail before the file is there."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from models.audit import Access, Door, Note
from models.errors import BadInput, Finding
from models.faults import of_os
from models.roles import Act, Officer
from runtime import adapters
from runtime.settings import Settings

_OWNER_ONLY = 0o600
_LIKE_A_PERSON = re.compile(r"\d{13}")
"""Digits as a NIK, a KK or a card number has."""


def exported(
    settings: Settings,
    officer: Officer,
    act: Act,
    door: Door,
    reason: str,
    *,
    count: int = 0,
    content: bytes | None = None,
    case_number: str | None = None,
    note: Note | None = None,
) -> None:
    """Write down that an officer is about to get a file. `reason` is a code or the id of the note.

    Raises EngineUnreachable; then nothing may be written.
    """
    access = Access(
        at=adapters.clock(settings)(),
        actor=officer.id,
        role=officer.role_in(act),
        door=door,
        reason=reason,
        case_number=case_number,
        count=count,
        sha256=None if content is None else hashlib.sha256(content).hexdigest(),
    )
    adapters.trail(settings).keep(access, note)


def shown(path: Path) -> str:
    """Return a file's name for the screen; not one that could be a person's number or steers a terminal."""
    name = str(path)
    return name if name.isprintable() and not _LIKE_A_PERSON.search(name) else "the file that was named"


def is_there(path: Path, option: str) -> bool:
    """Tell whether there is a file. Raises BadInput for what no file can be called."""
    try:
        return path.exists()
    except (OSError, ValueError):
        raise BadInput([Finding(option, "cannot be the name of a file", "give another name")]) from None


def require_free(path: Path, option: str) -> None:
    """Raise BadInput when a file is there already, or its folder is not."""
    if is_there(path, option):
        raise BadInput([Finding(option, "names a file that is there already", "give another name")])
    if not path.parent.is_dir():
        raise BadInput([Finding(option, "names a folder that is not there", "make the folder first")])


def write_private(path: Path, content: bytes, option: str) -> None:
    """Write a new file that only its owner may read. Raises BadInput."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
    except OSError as error:
        raise unwritten(option, error) from None


def unwritten(field: str, error: OSError) -> BadInput:
    """Return the error for a file that was named and cannot be written, with the reason."""
    return BadInput([Finding(field, of_os(error).what, "choose another place, or mend that")])

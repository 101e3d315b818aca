"""TOML files with secrets: only their owner may read them, and no error quotes what they hold."""

import re
import stat
import tomllib
from pathlib import Path

from models.errors import Misconfigured

_AT_LINE = re.compile(r"line \d+")


def read_private(path: Path, what: str, setting: str) -> dict[str, object]:
    """Return the entries of a file. Raises Misconfigured, naming the file and `setting`, never an entry."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(f"{what}: others may read {path}: chmod 600")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"{what}: {path} cannot be read (check {setting})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = _AT_LINE.search(str(error))
        raise Misconfigured(f"{what}: {path} is not TOML ({place[0] if place else 'at the end'})") from None

"""Master keys: where an installation keeps them, and which one is the newest. They never enter a database."""

import base64
import binascii
import re
import secrets
import shlex
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from models.errors import Misconfigured
from models.faults import of_os

DEMO: Final = "demo-"
"""How the id of a key begins that guards nothing but a local stack."""
_LINE = re.compile(r"([a-z0-9][a-z0-9.-]{2,39})\s*=\s*([A-Za-z0-9+/]{43}=)")
_BYTES = 32
_COMMAND_WITHIN_SECONDS = 20


@dataclass(frozen=True)
class MasterKey:
    """A key that wraps the keys of people."""

    id: str
    secret: bytes = field(repr=False)

    @property
    def is_demo(self) -> bool:
        """Whether it is the key of a local stack."""
        return self.id.startswith(DEMO)

    @property
    def line(self) -> str:
        """The key as a key file has it: `id = base64`. Secret."""
        return f"{self.id} = {base64.b64encode(self.secret).decode()}\n"


@dataclass(frozen=True)
class KeyRing:
    """The master keys that are loaded, the newest last. The newest wraps; older ones still open."""

    keys: tuple[MasterKey, ...]

    @property
    def newest(self) -> MasterKey:
        """The key that wraps from now on."""
        return self.keys[-1]

    @property
    def is_demo(self) -> bool:
        """Whether a key of a local stack is among them."""
        return any(key.is_demo for key in self.keys)

    def find(self, key_id: str) -> MasterKey | None:
        """Return the key with this id; None when it is not loaded."""
        return next((key for key in self.keys if key.id == key_id), None)


def new_key(today: date, prefix: str = "") -> MasterKey:
    """Make a key of 256 random bits; its id is the day and some random digits."""
    return MasterKey(f"{prefix}{today:%Y-%m-%d}-{secrets.token_hex(3)}", secrets.token_bytes(_BYTES))


def read_keys(lines: Iterable[str], place: str) -> KeyRing:
    """Read keys, one `id = base64` a line, the newest last; empty lines and `#` lines do not count.

    Raises Misconfigured, naming the place and the line, never what is in it.
    """
    keys: dict[str, MasterKey] = {}
    for number, line in enumerate(lines, 1):
        if not (bare := line.strip()) or bare.startswith("#"):
            continue
        found = _LINE.fullmatch(bare)
        try:
            secret = base64.b64decode(found[2], validate=True) if found else b""
        except binascii.Error:
            secret = b""
        if found is None or len(secret) != _BYTES:
            raise Misconfigured(f"master key: {place}, line {number}, is not `id = <base64 of 32 bytes>`")
        if found[1] in keys:
            raise Misconfigured(f"master key: {place}, line {number}: the id is used twice")
        keys[found[1]] = MasterKey(found[1], secret)
    if not keys:
        raise Misconfigured(f"master key: {place} holds no key: `starter.py keys new` makes one")
    return KeyRing(tuple(keys.values()))


def read_key_file(path: Path) -> KeyRing:
    """Read the keys of a file that only its owner may read. Raises Misconfigured, naming the file."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(f"master key: others may read {path}: chmod 600")
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"master key: {path} cannot be read (check REAKTIVASI_MASTER_KEY_FILE)") from None
    return read_keys(lines, str(path))


def ask_key_command(command: str) -> KeyRing:
    """Run a command without a shell and read the keys it prints. Raises Misconfigured."""
    place = "what REAKTIVASI_MASTER_KEY_COMMAND prints"
    try:
        done = subprocess.run(  # noqa: S603 - the administrator's own setting
            shlex.split(command), capture_output=True, timeout=_COMMAND_WITHIN_SECONDS, check=True
        )
        lines = done.stdout.decode("ascii").splitlines()
    except subprocess.CalledProcessError as error:
        raise Misconfigured(
            f"master key: REAKTIVASI_MASTER_KEY_COMMAND ended with {error.returncode}"
        ) from None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise Misconfigured("master key: REAKTIVASI_MASTER_KEY_COMMAND cannot be run or asked") from None
    return read_keys(lines, place)


def add_to_file(key: MasterKey, path: Path) -> None:
    """Write a key at the end of a file, mode 0600, made if need be. Raises Misconfigured."""
    if path.exists():
        read_key_file(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("a", encoding="ascii") as file:
            file.write(key.line)
    except OSError as error:
        raise Misconfigured(f"master key: {path} {of_os(error).what}") from None

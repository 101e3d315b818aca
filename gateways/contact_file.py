"""How officers are reached: a file of the installation, apart from the policies. Addresses are secrets."""

import logging
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import apprise
from pydantic import SecretStr

from models.errors import Misconfigured

logging.getLogger("apprise").propagate = False  # it writes addresses into its log
_OFFICER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")
_AT_LINE = re.compile(r"line \d+")

Contacts = Mapping[str, tuple[SecretStr, ...]]
"""Officer id -> Apprise addresses."""


def read_contacts(path: Path) -> Contacts:
    """Read a TOML file with a line `officer-id = ["<Apprise URL>", ...]` for each officer.

    Raises Misconfigured, naming the file and the officer, never an address.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Misconfigured(f"contacts: others may read {path}: chmod 600")
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"contacts: {path} cannot be read (check REAKTIVASI_CONTACTS)") from None
    except tomllib.TOMLDecodeError as error:
        place = _AT_LINE.search(str(error))
        raise Misconfigured(f"contacts: {path} is not TOML ({place[0] if place else 'at the end'})") from None
    return {officer: _addresses(path, officer, value) for officer, value in entries.items()}


def _addresses(path: Path, officer: str, value: object) -> tuple[SecretStr, ...]:
    if _OFFICER_ID.fullmatch(officer) is None:
        raise Misconfigured(f"contacts: {path}: an entry's name is not an officer id")
    if not isinstance(value, list) or not value:
        raise Misconfigured(f"contacts: {path}: {officer}: must be a list of Apprise addresses")
    for number, address in enumerate(value, 1):
        if not isinstance(address, str) or not is_address(address):
            raise Misconfigured(f"contacts: {path}: {officer}: entry {number} is not an Apprise address")
    return tuple(SecretStr(address) for address in value)


def is_address(address: str) -> bool:
    """Tell whether Apprise knows what to do with an address."""
    return bool(apprise.Apprise().add(address))

"""How officers are reached: a file of the installation, apart from the policies. Addresses are secrets."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import apprise
from pydantic import SecretStr

from gateways.private_toml import read_private
from models.errors import Misconfigured

logging.getLogger("apprise").propagate = False  # it writes addresses into its log
_OFFICER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")

Contacts = Mapping[str, tuple[SecretStr, ...]]
"""Officer id -> Apprise addresses."""


def read_contacts(path: Path) -> Contacts:
    """Read a TOML file with a line `officer-id = ["<Apprise URL>", ...]` for each officer.

    Raises Misconfigured, naming the file and the officer, never an address.
    """
    entries = read_private(path, "contacts", "REAKTIVASI_CONTACTS")
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

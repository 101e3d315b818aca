"""Who works for the office, for commands that only show: they go on where the file of people is faulty."""

from typing import Final

from rich.console import Console

from gateways.ports.policies import PolicyShelf
from models.errors import Misconfigured
from models.roles import People

_FAULTY: Final = (
    "people.toml cannot be used: who left or is away is not told; what is wrong: starter.py doctor"
)


def known_people(shelf: PolicyShelf) -> People | None:
    """Return who works for the office; None where that cannot be read, which stops whoever acts."""
    try:
        return shelf.people()
    except Misconfigured:
        return None


def has_left(officer: str | None, people: People | None) -> bool:
    """Tell whether an officer is known to work here no more."""
    return officer is not None and people is not None and people.find(officer) is None


def say_if_unknown(people: People | None, screen: Console) -> None:
    """Say that people could not be read, where that is so."""
    if people is None:
        screen.print(_FAULTY, style="bold yellow", soft_wrap=True)

"""Whose hands work lies in that cannot do it, for `doctor`."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from models.desk import DeskItem
from models.holding import looked_at
from models.outbox import AlertState
from runtime.adapters import Office
from runtime.settings import PREFIX

_EVERY_ALERT: Final = 100_000


def told_of_hands(office: Office, actor: str | None, day: date) -> str:
    """Return how much work is in people's hands, and whose of them cannot do it on a day in WIB.

    Nothing fails for it: such work is in the queue of everybody who may do it. `actor` is who gives commands
    unless they name another.
    """
    held = looked_at(office.book.held(), office.shelf.people(), day)
    if warnings := list(_warnings(office, actor, held)):
        return f"WARN {'; '.join(warnings)}"
    return f"{len(held)} piece(s) of work in hand, each in one that can do it"


def _warnings(office: Office, actor: str | None, held: list[DeskItem]) -> Iterator[str]:
    people = office.shelf.people()
    if gone := [item for item in held if item.gone is not None]:
        share = f"{len(gone)} of {len(held)} piece(s) of work in hand"
        yield f"{share} lie in hands that are gone: {_whose(gone)}"
    taken = office.alerts.entries(state=AlertState.ACKNOWLEDGED, limit=_EVERY_ALERT)
    charge = Counter(one.acknowledged_by or "" for one in taken)
    if left := {officer: count for officer, count in charge.items() if people.find(officer) is None}:
        told = ", ".join(f"{officer} {count}" for officer, count in sorted(left.items()))
        yield f"{sum(left.values())} alert(s) are in the charge of who left: {told}"
    if actor is not None and people.find(actor) is None:
        yield f"{PREFIX}ACTOR names nobody of people.toml"


def _whose(gone: list[DeskItem]) -> str:
    hands = Counter(f"{item.assignee} ({item.gone})" for item in gone)
    return ", ".join(f"{hand} {count}" for hand, count in sorted(hands.items()))

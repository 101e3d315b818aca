"""Whether the person in whose hand a piece of work lies can still do it; otherwise another may take it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from models.desk import DeskItem, Gone
from models.roles import MACHINE, Act, People


def looked_at(items: Iterable[DeskItem], people: People | None, day: date) -> list[DeskItem]:
    """Return the items, each with why its holder cannot do it on a day in WIB, if that is so and known."""
    return [item if people is None else replace(item, gone=_gone(item, people, day)) for item in items]


def _gone(item: DeskItem, people: People, day: date) -> Gone | None:
    if not item.is_open or item.assignee in {None, MACHINE}:
        return None
    officer = people.find(item.assignee or "")
    if officer is None:
        return Gone.LEFT
    if not officer.may(Act.WORK) or not officer.may_finish(item.role) or not officer.serves(item.case):
        return Gone.OTHER_WORK
    return Gone.ABSENT if officer.is_absent(day) else None

"""Who may do what: role, area, four eyes. A refusal is kept in the ledger."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from gateways.ports.desk import DeskBook
from gateways.ports.policies import PolicyShelf
from models.case import CaseRef, Step
from models.desk import DeskItem, ItemKind
from models.errors import BadInput, Finding, NotAllowed
from models.roles import MAY, Act, Officer, Role

_OFFICER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")
_MOST_DIGITS = 4
_CITY = re.compile(r"\d{4}", re.ASCII)
_NOBODY = "nobody of this id works here (see people.toml)"
_TWO_PEOPLE: dict[Step, tuple[frozenset[Step | None], str]] = {
    Step.DOCUMENT_CHECK: (
        frozenset({None, Step.RECOMMENDATION}),
        "who corrected the data or signed the letter does not check the papers",
    ),
    Step.RECOMMENDATION: (
        frozenset({None, Step.DOCUMENT_CHECK}),
        "who checked the papers or corrected the data does not sign",
    ),
}
"""Step -> what its bearer must not have done on the same case; None is a correction of the data."""


class Gate:
    """Lets an officer do what the table of roles, the area and the four-eyes rule allow."""

    def __init__(self, shelf: PolicyShelf, book: DeskBook, clock: Callable[[], datetime]) -> None:
        """Hold the ports; `clock` tells when a refusal was."""
        self._shelf = shelf
        self._book = book
        self._clock = clock

    def officer(
        self, actor: str | None, act: Act, case: CaseRef | None = None, *, city: str | None = None
    ) -> Officer:
        """Return the officer if he may do this, to this case or in this city.

        Raises BadInput or NotAllowed.
        """
        if not actor:
            fix = "give --as OFFICER, or set REAKTIVASI_ACTOR to an id of people.toml"
            raise BadInput([Finding("--as", "names nobody", fix)])
        officer = self._shelf.people().find(actor)
        if officer is None:
            self._refuse(_without_numbers(actor), act, case, _NOBODY)
        if (why := _against(officer, act, case)) is not None:
            self._refuse(officer.id, act, case, why)
        if city is not None and city not in officer.cities:
            named = city if _CITY.fullmatch(city) else "that was named"  # a NIK may have been typed
            self._refuse(officer.id, act, None, f"does not serve the city {named}")
        return officer

    def role_for(self, officer: Officer, item: DeskItem) -> Role:
        """Return the role in which the officer may finish the work. Raises NotAllowed.

        A supervisor may stand in for everybody but the signer.
        """
        if (why := self._against_item(officer, item)) is not None:
            self._refuse(officer.id, Act.WORK, item.case, why)
        return item.role if item.role in officer.roles else Role.SUPERVISOR

    def require_fit(self, giver: Officer, to: str, item: DeskItem) -> None:
        """Refuse to give work to somebody who may not do it; it is the giver who is refused.

        Raises NotAllowed.
        """
        officer = self._shelf.people().find(to)
        if officer is None:
            self._refuse(giver.id, Act.ASSIGN, item.case, _NOBODY)
        why = _against(officer, Act.WORK, item.case) or self._against_item(officer, item)
        if why is not None:
            self._refuse(giver.id, Act.ASSIGN, item.case, f"not for {officer.id}: {why}")

    def require_other_eyes(self, officer: Officer, case: CaseRef, step: Step) -> None:
        """Refuse a step to who did another part of the case that excludes it. Raises NotAllowed."""
        if (why := self._against_eyes(officer, case, step)) is not None:
            self._refuse(officer.id, Act.WORK, case, why)

    def refuse(self, officer: Officer, item: DeskItem, why: str) -> NoReturn:
        """Refuse work on an item, and keep that. Raises NotAllowed."""
        self._refuse(officer.id, Act.WORK, item.case, why)

    def _against_item(self, officer: Officer, item: DeskItem) -> str | None:
        """Say why the officer may not finish the work; None when he may."""
        if not officer.may_finish(item.role):
            return f"this work is of the role {item.role}"
        if item.kind is not ItemKind.ANSWER:
            return None
        return self._against_eyes(officer, item.case, item.step)

    def _against_eyes(self, officer: Officer, case: CaseRef, step: Step) -> str | None:
        if step not in _TWO_PEOPLE:
            return None
        others, rule = _TWO_PEOPLE[step]
        bearers = self._book.bearers(case.case_number)
        is_one_of_them = any(bearer.actor == officer.id and bearer.step in others for bearer in bearers)
        return f"four eyes: {rule}" if is_one_of_them else None

    def _refuse(self, actor: str, act: Act, case: CaseRef | None, why: str) -> NoReturn:
        number = None if case is None else case.case_number
        self._book.refuse(actor, act, number, why, self._clock())
        raise NotAllowed(f"{actor}: {why}")


def _against(officer: Officer, act: Act, case: CaseRef | None) -> str | None:
    """Say why role or area is against an officer's act; None when neither is."""
    if not officer.may(act):
        return f"`{act}` takes the role {', '.join(sorted(MAY[act]))}"
    if case is not None and not officer.serves(case):
        return "the case lies outside the officer's area"
    return None


def _without_numbers(actor: str) -> str:
    """Return an unknown id as it may be kept: what was typed may be anything, also a NIK with dashes."""
    has_number = sum(map(str.isdigit, actor)) > _MOST_DIGITS
    return actor if _OFFICER_ID.fullmatch(actor) and not has_number else "unknown"

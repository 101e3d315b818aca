"""Who may do what: role, area, four eyes. A refusal is kept in the ledger."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from gateways.ports import DeskBook, PolicyShelf
from models.case import CaseRef, Step
from models.desk import DeskItem, ItemKind
from models.errors import BadInput, Finding, NotAllowed
from models.roles import MAY, Act, Officer, Role

_OFFICER_ID = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")
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

    def officer(self, actor: str | None, act: Act, case: CaseRef | None = None) -> Officer:
        """Return the officer if he may do this, to this case. Raises BadInput or NotAllowed."""
        if not actor:
            fix = "give --as OFFICER, or set REAKTIVASI_ACTOR to an id of people.toml"
            raise BadInput([Finding("--as", "names nobody", fix)])
        officer = self._shelf.people().find(actor)
        if officer is None:
            # What was typed may be anything, also a NIK.
            known = actor if _OFFICER_ID.fullmatch(actor) and not actor.isdigit() else "unknown"
            self._refuse(known, act, case, "nobody of this id works here (see people.toml)")
        if not officer.may(act):
            roles = ", ".join(sorted(MAY[act]))
            self._refuse(officer.id, act, case, f"`{act}` takes the role {roles}")
        if case is not None and not officer.serves(case):
            self._refuse(officer.id, act, case, "the case lies outside the officer's area")
        return officer

    def role_for(self, officer: Officer, item: DeskItem) -> Role:
        """Return the role in which the officer may finish the work. Raises NotAllowed.

        A supervisor may stand in for everybody but the signer.
        """
        role = item.role
        if item.role not in officer.roles:
            if Role.SUPERVISOR not in officer.roles or item.role is Role.SIGNER:
                self._refuse(officer.id, Act.WORK, item.case, f"this work is of the role {item.role}")
            role = Role.SUPERVISOR
        if item.kind is ItemKind.ANSWER:
            self.require_other_eyes(officer, item.case, item.step)
        return role

    def require_other_eyes(self, officer: Officer, case: CaseRef, step: Step) -> None:
        """Refuse a step to who did another part of the case that excludes it. Raises NotAllowed."""
        if step not in _TWO_PEOPLE:
            return
        others, rule = _TWO_PEOPLE[step]
        bearers = self._book.bearers(case.case_number)
        if any(bearer.actor == officer.id and bearer.step in others for bearer in bearers):
            self._refuse(officer.id, Act.WORK, case, f"four eyes: {rule}")

    def refuse_unless(self, holds: bool, officer: Officer, item: DeskItem, why: str) -> None:  # noqa: FBT001
        """Refuse work on an item unless a condition holds. Raises NotAllowed."""
        if not holds:
            self._refuse(officer.id, Act.WORK, item.case, why)

    def _refuse(self, actor: str, act: Act, case: CaseRef | None, why: str) -> NoReturn:
        number = None if case is None else case.case_number
        self._book.refuse(actor, act, number, why, self._clock())
        raise NotAllowed(f"{actor}: {why}")

"""An order on a case by somebody who may give it, before it is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from desk.decisions import Said, content
from models.asked import Asked
from models.case import CaseHealth, CaseState, Step
from models.desk import Command, CommandKind, DeskItem, ItemKind
from models.errors import NotStuck, WrongState
from models.policy import NeedKind
from models.roles import ANSWERS, MACHINE, Act, Officer
from models.standstill import stands_still


@dataclass(frozen=True)
class Order:
    """Who orders what of a case that is there."""

    officer: Officer
    act: Act
    state: CaseState
    asked: Asked
    before: Command | None
    """The command, when it was given before: then that is all there is to do."""


class More(TypedDict, total=False):
    """What is written together with a command; see `Completion`."""

    note: str | None
    need: NeedKind | None
    correction: Mapping[str, str | date]
    voids_receipt: int


def require_open(state: CaseState) -> None:
    """Raise WrongState for a case that is over."""
    if state.outcome is not None:
        raise WrongState(f"{state.case.case_number} is over: {state.outcome}")


def require_stuck(state: CaseState, items: Sequence[DeskItem]) -> None:
    """Raise NotStuck unless the case stands still or is parked; `items` is its open work."""
    if stands_still(state) or state.health is CaseHealth.PARKED:
        return
    number = state.case.case_number
    on_desk = [item.id for item in items if item.kind is ItemKind.ANSWER and item.assignee != MACHINE]
    then = f"goes on once item {on_desk[0]} is done" if on_desk else "goes on by itself"
    waits = f"it waits for {state.waiting_on} at {state.step} and {then}"
    raise NotStuck(number, f"{waits}; `starter.py why {number}` says what helps")


def work_of(state: CaseState) -> DeskItem:
    """Return the work of the open step as it would lie on the desk, to look at before it is put there."""
    return DeskItem(
        id=0,
        case=state.case,
        kind=ItemKind.ANSWER,
        step=state.step,
        attempt=state.attempt,
        role=ANSWERS[state.step],
        reason=None,
        opened_at=state.since,
        due_at=state.due_at,
        assignee=None,
        claimed_at=None,
        closed_at=None,
        closed_by=None,
        result=None,
    )


def asked_by(  # noqa: PLR0913, PLR0917 - what makes a command one
    case_number: str,
    kind: CommandKind,
    officer: Officer,
    said: Said,
    step: Step | None,
    more: Mapping[str, object] | None = None,
) -> Asked | None:
    """Return what an officer asks by saying this; None for what is not in order: its proof cannot be read."""
    told = content(said)
    return None if told is None else Asked.of(case_number, kind, officer.id, told | dict(more or {}), step)

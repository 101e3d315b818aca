"""An order on a case by somebody who may give it, before it is written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from models.asked import Asked
from models.case import CaseState
from models.desk import Command
from models.errors import WrongState
from models.policy import NeedKind
from models.roles import Act, Officer


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

"""The work of people."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from models.asked import Asked
from models.desk import (
    Bearer,
    Command,
    CommandResult,
    Completion,
    DeskItem,
    IssuedLetter,
    NewLetter,
    PortalReceipt,
    Refusal,
)
from models.dossier import Dossier
from models.messages import GiveAnswer, StepAsk
from models.page import Page
from models.roles import Act


class Desk(Protocol):
    """The work of people, as activities see it. Raises Unavailable when the database is away."""

    def given(self, ask: StepAsk) -> GiveAnswer | None:
        """Return the answer that a person gave to this step and attempt; None when nobody did."""
        ...

    def open(self, ask: StepAsk, because: str | None = None) -> GiveAnswer | None:
        """Put the step on the desk, once, or return the answer that a person gave to it already.

        `because` is why people must do what a machine does otherwise.
        """
        ...

    def take_for_machine(self, ask: StepAsk) -> bool:
        """Claim the open item for the machine; False when a person has it."""
        ...

    def leave_to_people(self, ask: StepAsk, because: str) -> None:
        """Give back what the machine could not finish, and say why."""
        ...


class DeskBook(Protocol):
    """The work of people, as they see it. Raises EngineUnreachable when the database is away."""

    def items(
        self,
        *,
        case_number: str | None = None,
        cities: Collection[str] | None = None,
        with_closed: bool = False,
    ) -> list[DeskItem]:
        """Return pieces of work, emergencies first, then the next due; all of them."""
        ...

    def item(self, number: int) -> DeskItem:
        """Return a piece of work. Raises NotFound."""
        ...

    def open_item(self, ask: StepAsk) -> DeskItem:
        """Return the open item of a step, opening one when there is none."""
        ...

    def held(self) -> list[DeskItem]:
        """Return the open pieces of work that are in a person's hand."""
        ...

    def assign(
        self,
        number: int,
        officer: str | None,
        *,
        expects: str | None,
        at: datetime,
        taken_from: str | None = None,
    ) -> DeskItem:
        """Give an open item from one hand to another; None is nobody's. Raises NotFound.

        `taken_from` is whose hand it was left in, when that one is gone: the record says so.

        Raises WrongState unless it is open and in the hand it is expected in: of two who claim it at
        the same time, one wins.
        """
        ...

    def give(self, completion: Completion) -> Command:
        """Write a command and everything that goes with it, all or nothing, before it is delivered.

        A command that was given before is returned as it is. Raises NotFound or WrongState.
        """
        ...

    def given(self, command_id: str, asked: Asked) -> Command | None:
        """Return the command that was given under this id for the same; None when there is none.

        Raises WrongState when the id belongs to another command, or to another's.
        """
        ...

    def command(self, command_id: str) -> Command | None:
        """Return the command that was given under this id; None when there is none."""
        ...

    def undelivered(self, case_number: str | None = None, limit: int = 500) -> list[Command]:
        """Return the commands that no workflow has taken or refused yet, the oldest first."""
        ...

    def settle(self, command_id: str, result: CommandResult, said: str | None, at: datetime) -> None:
        """Write down what the workflow said to a command; the first word stays."""
        ...

    def bearers(self, case_number: str) -> list[Bearer]:
        """Return who answered or prepared something on a case."""
        ...

    def refuse(self, actor: str, act: Act, case_number: str | None, why: str, at: datetime) -> None:
        """Keep that a person was not allowed to do something."""
        ...

    def refusals(self, cities: Collection[str], limit: int = 200) -> Page[Refusal]:
        """Return what officers were not allowed to do on cases of these cities or none, the newest first."""
        ...

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        ...

    def receipt(self, case_number: str, attempt: int) -> PortalReceipt | None:
        """Return what proves an attempt's upload; None when there is none or it is void."""
        ...

    def submission_begun(self, case_number: str, attempt: int) -> bool:
        """Tell whether this attempt, or a later one of a run before, may have reached SIKS-NG."""
        ...

    def letters(self, case_number: str) -> list[IssuedLetter]:
        """Return the letters of a case in the order in which they were issued."""
        ...

    def letter_by_code(self, verification_code: str) -> IssuedLetter | None:
        """Return the letter with this verification code; None when there is none."""
        ...

    def reissue_letter(self, case_number: str, new: NewLetter, note: str) -> IssuedLetter:
        """Make the case's letter void and issue another; `note` says why, in words that stay in the ledger.

        Raises NotFound, or WrongState when there is no letter to replace.
        """
        ...

    def save_pdf(self, verification_code: str, sha256: str) -> None:
        """Keep which document a letter is; the first one stays."""
        ...

    def notes(self, case_number: str) -> dict[str, str]:
        """Return the words that belong to commands of a case, by command id."""
        ...

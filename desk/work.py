"""The work of officers: their queue, claims, answers. Everything is in the ledger before it is delivered."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from desk.decisions import Checked, Decisions, Said, Verb
from desk.due_time import DueTimes
from desk.opened import opened_at
from desk.order import asked_by, require_open, work_of
from desk.orders import Hand
from desk.sheets import Sheet
from desk.words import words
from models.answers import Approved
from models.asked import Asked
from models.audit import Access, Door
from models.case import CaseState, Step
from models.desk import CaseMessage, Command, CommandKind, Completion, DeskItem, ItemKind, NewLetter, Refusal
from models.errors import WrongState
from models.holding import looked_at
from models.messages import (
    GiveAnswer,
    RetryStep,
    StepAsk,
)
from models.page import Page
from models.reasons import Reasons
from models.roles import MACHINE, Act, Officer, Role
from models.wib import wib_date

_ANSWER = CommandKind.ANSWER


class OfficeWork(DueTimes):
    """What officers do at their desks, beside what they ask of a case; see `Orders` for the errors."""

    @property
    def reasons(self) -> Reasons:
        """The catalogue of reason codes."""
        return self._shelf.reasons()

    # -- Items -----------------------------------------------------------------------------------

    def queue(self, actor: str | None, *, everything: bool = False) -> list[DeskItem]:
        """Return the open work that is for the officer: his roles, his area, not in another's hand.

        The hand of somebody who left, has other work now or is away is nobody's. With `everything` all open
        work of his area. Emergencies come first, then the next due.
        """
        officer = self.gate.officer(actor, Act.READ_DESK)
        there = self._looked_at(self._book.items(cities=officer.cities))
        items = [item for item in there if officer.serves(item.case)]
        if everything:
            return items
        mine = [item for item in items if item.role in officer.roles or item.assignee == officer.id]
        return [item for item in mine if item.is_free or item.assignee == officer.id]

    def _looked_at(self, items: Iterable[DeskItem]) -> list[DeskItem]:
        return looked_at(items, self._shelf.people(), wib_date(self._clock()))

    def _item(self, number: int) -> DeskItem:
        (item,) = self._looked_at([self._book.item(number)])
        return item

    def _hand_over(self, item: DeskItem, to: str, *, expects: str | None) -> DeskItem:
        left_by = _left_by(item)
        given = self._book.assign(item.id, to, expects=expects, at=self._clock(), taken_from=left_by)
        (item,) = self._looked_at([given])
        return item

    def refusals(self, actor: str | None, limit: int = 200) -> Page[Refusal]:
        """Return the newest of what officers were not allowed to do in the cities that the reader serves."""
        reader = self.gate.officer(actor, Act.READ_REFUSALS)
        return self._book.refusals(reader.cities, limit)

    def claim(self, hand: Hand, number: int) -> DeskItem:
        """Take a piece of work, also out of a hand that is gone; of two who take it at once, one gets it."""
        item = self._item(number)
        officer = self.gate.officer(hand.actor, Act.WORK, item.case)
        self.gate.role_for(officer, item)
        if item.is_open and item.assignee == officer.id:
            return item
        return self._hand_over(item, officer.id, expects=_left_by(item))

    def release(self, hand: Hand, number: int) -> DeskItem:
        """Give a piece of work back; a supervisor may take it out of another's hand."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.WORK, item.case)
        if item.assignee != officer.id and Role.SUPERVISOR not in officer.roles:
            self.gate.refuse(officer, item, "only the assignee or a supervisor releases this work")
        return self._book.assign(number, None, expects=item.assignee, at=self._clock())

    def assign(self, hand: Hand, number: int, to: str) -> DeskItem:
        """Give a piece of work to an officer who may do it."""
        item = self._item(number)
        self.gate.require_fit(self.gate.officer(hand.actor, Act.ASSIGN, item.case), to, item)
        return self._hand_over(item, to, expects=item.assignee)

    def void(self, hand: Hand, number: int, reason: str) -> Command:
        """End a piece of work that should not be there; the case asks for what it needs anew."""
        case = self._book.item(number).case
        officer = self.gate.officer(hand.actor, Act.VOID_ITEM, case)
        said = {"act": Act.VOID_ITEM, "item": number, "reason": reason.strip()}
        asked = Asked.of(case.case_number, CommandKind.RETRY, officer.id, said)
        if (before := self._given_before(hand, asked)) is not None:
            return before
        note = words("--reason", reason)
        message = RetryStep(command_id=hand.id_for("void"), actor=officer.id)
        command = Command(case.case_number, message, officer.id, Role.SUPERVISOR, self._clock())
        return self._book.give(Completion(command, asked, voids_item=number, note=note))

    def sheet(self, hand: Hand, number: int) -> Sheet:
        """Return what the officer needs of a piece of work, once it is written down that he sees it."""
        item = self._item(number)
        officer = self.gate.officer(hand.actor, Act.READ_SHEET, item.case)
        if not officer.roles & {item.role, Role.SUPERVISOR}:
            self.gate.refuse(officer, item, f"this work is of the role {item.role}")
        sheet = self._sheets.sheet(item)
        access = Access(
            at=self._clock(),
            actor=officer.id,
            role=item.role if item.role in officer.roles else Role.SUPERVISOR,
            door=Door.SHEET,
            reason=f"item:{item.id}",
            case_number=item.case.case_number,
        )
        self._trail.keep(access)
        return sheet

    # -- Answers ---------------------------------------------------------------------------------

    def complete(self, hand: Hand, number: int, said: Said) -> Command:
        """Finish a piece of work that is in the officer's hand, or in anybody's for a supervisor."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.WORK, item.case)
        kind, step = (CommandKind.RETRY, None) if item.kind is ItemKind.MEND else (_ANSWER, item.step)
        asked = asked_by(item.case.case_number, kind, officer, said, step, {"item": number})
        if (before := self._given_before(hand, asked)) is not None:
            return before
        role = self.gate.role_for(officer, item)
        if item.assignee != officer.id and Role.SUPERVISOR not in officer.roles:
            whose = item.assignee or "nobody"
            self.gate.refuse(officer, item, f"this work is in the hand of {whose}: claim it first")
        return self._finish(hand, asked, officer, role, item, said)

    def answer(self, hand: Hand, case_number: str, step: Step, said: Said) -> Command:
        """Answer the open step, whoever else is asked; work that is in another's hand is not touched."""
        state = self._registry.case(case_number)
        officer = self.gate.officer(hand.actor, Act.WORK, state.case)
        asked = asked_by(case_number, _ANSWER, officer, said, step)
        if (before := self._given_before(hand, asked)) is not None:
            return before
        self._require_open_step(state, step)
        wanted = work_of(state)
        self.gate.role_for(officer, wanted)
        self._require(officer, wanted, said)
        ask = StepAsk(
            case_number=case_number, step=step, attempt=state.attempt, poll_every=timedelta(minutes=1)
        )
        (item,) = self._looked_at([self._book.open_item(ask)])
        role = self.gate.role_for(officer, item)
        is_free = item.is_free or item.assignee in {officer.id, MACHINE}
        if not is_free and Role.SUPERVISOR not in officer.roles:
            self.gate.refuse(officer, item, f"this work is in the hand of {item.assignee}")
        return self._finish(hand, asked, officer, role, item, said)

    def _require(self, officer: Officer, item: DeskItem, said: Said) -> datetime:
        """Refuse what is not in order or not the officer's to say, before anything is written or kept.

        Return since when the step can be answered.
        """
        opened = opened_at(self._registry, item.case, item.step, item.attempt)
        self._decisions().require(said, item, opened)
        if said.verb is Verb.HAND_OVER:
            self.gate.officer(officer.id, Act.HAND_OVER, item.case)
        return opened

    def _decisions(self) -> Decisions:
        return Decisions(self._shelf.reasons(), self._documents, self._clock)

    def _require_open_step(self, state: CaseState, step: Step) -> None:
        require_open(state)
        if state.step is not step:
            at = f"the open step is {state.step}, attempt {state.attempt}"
            raise WrongState(f"{state.case.case_number}: {at}, not {step}")

    def _finish(  # noqa: PLR0913, PLR0917 - who, in which role, what of which item, as what it was asked
        self, hand: Hand, asked: Asked | None, officer: Officer, role: Role, item: DeskItem, said: Said
    ) -> Command:
        opened = self._require(officer, item, said)
        checked = self._decisions().check(said, item, opened)
        if item.kind is ItemKind.MEND:
            message: CaseMessage = RetryStep(
                command_id=hand.id_for("mended"), actor=officer.id, only_stuck=True
            )
        else:
            message = self._message(hand, officer, role, item, checked)
        command = self._book.give(
            Completion(
                command=Command(item.case.case_number, message, officer.id, role, self._clock()),
                asked=asked,
                item=item.id,
                expects=item.assignee,
                receipt=checked.receipt,
                letter=self._letter(item, checked, officer),
                accepted_papers=self._accepted(item, checked),
                seen_until=item.claimed_at,
                note=checked.note,
            )
        )
        if _approves(Step.RECOMMENDATION, item, checked):
            self.letters.print(item.case.case_number)
        return command

    def _message(
        self, hand: Hand, officer: Officer, role: Role, item: DeskItem, checked: Checked
    ) -> GiveAnswer:
        is_anothers = item.assignee not in {None, officer.id, MACHINE}
        return GiveAnswer(
            command_id=hand.id_for("answer"),
            step=item.step,
            attempt=item.attempt,
            answer=checked.answer,
            receipt=f"receipt:{item.id}" if checked.receipt is not None else None,
            actor=officer.id,
            role=role,
            in_place_of=item.assignee if is_anothers else item.taken_from,
            occurred_at=checked.occurred_at,
        )

    def _letter(self, item: DeskItem, checked: Checked, officer: Officer) -> NewLetter | None:
        if not _approves(Step.RECOMMENDATION, item, checked):
            return None
        self.letters.require_printable(item.case.case_number)
        return self.letters.draft(item.case.case_number, officer.id, checked.occurred_at)

    def _accepted(self, item: DeskItem, checked: Checked) -> tuple[str, ...]:
        if not _approves(Step.DOCUMENT_CHECK, item, checked):
            return ()
        papers = self._book.dossier(item.case.case_number).papers
        return tuple(paper.sha256 for paper in papers if self._documents.is_intact(paper.sha256))


def _left_by(item: DeskItem) -> str | None:
    """Return in whose hand the work was left; None when it is in nobody's, or in one that can do it."""
    return item.assignee if item.gone is not None else None


def _approves(step: Step, item: DeskItem, checked: Checked) -> bool:
    """Tell whether a yes to this very step was said."""
    is_yes = isinstance(checked.answer, Approved)
    return is_yes and item.kind is ItemKind.ANSWER and item.step is step

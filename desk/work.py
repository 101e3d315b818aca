"""The work of officers: their queue, claims, answers. Everything is in the ledger before it is delivered."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.corrections import corrected
from desk.decisions import Checked, Decisions, Said, Verb
from desk.gate import Gate
from desk.letters import Letters, PrintedLetter
from desk.sheets import Sheet, Sheets
from gateways.ports import DeskBook, Documents, LetterPrinter, PolicyShelf, Registry
from models.answers import Approved
from models.case import CaseHealth, CaseState, Step, Track
from models.desk import CaseMessage, Command, CommandKind, Completion, DeskItem, ItemKind, NewLetter
from models.errors import BadInput, Finding, WrongState
from models.messages import (
    Acknowledge,
    DataCorrected,
    Extend,
    GiveAnswer,
    PapersAdded,
    ReopenUpload,
    RetryStep,
    StepAsk,
    SwitchTrack,
    Withdraw,
)
from models.reasons import Reasons
from models.roles import MACHINE, MAY, Act, Officer, Role
from models.wib import wib_date

_AFTER_UPLOAD = (Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT)
_EVERY_ITEM = 100_000
"""More than a city has open: whose work it is must be looked at before anything is cut off."""


@dataclass(frozen=True)
class Hand:
    """Who gives a command."""

    actor: str | None
    """An id of `people.toml`; None when nobody was named."""
    command_id: str | None = None
    """The same id again is the same command."""

    def id_for(self, what: str) -> str:
        """Return the command's id, a new one unless it was given."""
        return self.command_id or f"{what}-{uuid.uuid4()}"


class OfficeWork:
    """What officers do. Each command is checked, written to the ledger and returned to be delivered.

    Every one raises NotAllowed when role, area or the four-eyes rule is against it (and keeps that), NotFound
    for an unknown case or item, WrongState when it is not possible now, BadInput when it is not in order.
    """

    def __init__(  # noqa: PLR0913 - one port each
        self,
        registry: Registry,
        book: DeskBook,
        shelf: PolicyShelf,
        documents: Documents,
        printer: LetterPrinter,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports; `clock` tells when a command was given."""
        self._registry = registry
        self._book = book
        self._shelf = shelf
        self._documents = documents
        self._clock = clock
        self.gate = Gate(shelf, book, clock)
        self.letters = Letters(book, shelf, documents, printer)
        self._sheets = Sheets(registry, book, shelf, documents)

    @property
    def reasons(self) -> Reasons:
        """The catalogue of reason codes."""
        return self._shelf.reasons()

    # -- Items -----------------------------------------------------------------------------------

    def queue(self, actor: str | None, *, everything: bool = False) -> list[DeskItem]:
        """Return the open work that is for the officer: his roles, his area, not in another's hand.

        With `everything` all open work of his area. Emergencies come first, then the next due.
        """
        officer = self.gate.officer(actor, Act.READ_DESK)
        there = self._book.items(cities=officer.cities, limit=_EVERY_ITEM)
        items = [item for item in there if officer.serves(item.case)]
        if everything:
            return items
        mine = [item for item in items if item.role in officer.roles or item.assignee == officer.id]
        return [item for item in mine if item.assignee in {None, officer.id}]

    def claim(self, hand: Hand, number: int) -> DeskItem:
        """Take a piece of work; of two who take it at the same time, one gets it."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.WORK, item.case)
        self.gate.role_for(officer, item)
        if item.is_open and item.assignee == officer.id:
            return item
        return self._book.assign(number, officer.id, expects=None, at=self._clock())

    def release(self, hand: Hand, number: int) -> DeskItem:
        """Give a piece of work back; a supervisor may take it out of another's hand."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.WORK, item.case)
        is_his = item.assignee == officer.id
        why = "only the assignee or a supervisor releases this work"
        self.gate.refuse_unless(is_his or Role.SUPERVISOR in officer.roles, officer, item, why)
        return self._book.assign(number, None, expects=item.assignee, at=self._clock())

    def assign(self, hand: Hand, number: int, to: str) -> DeskItem:
        """Give a piece of work to an officer who may do it."""
        item = self._book.item(number)
        self.gate.require_fit(self.gate.officer(hand.actor, Act.ASSIGN, item.case), to, item)
        return self._book.assign(number, to, expects=item.assignee, at=self._clock())

    def void(self, hand: Hand, number: int, reason: str) -> Command:
        """End a piece of work that should not be there; the case asks for what it needs anew."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.VOID_ITEM, item.case)
        note = _words("--reason", reason)
        message = RetryStep(command_id=hand.id_for("void"), actor=officer.id)
        command = Command(item.case.case_number, message, officer.id, Role.SUPERVISOR, self._clock())
        return self._book.give(Completion(command, voids_item=number, note=note))

    # -- Answers ---------------------------------------------------------------------------------

    def complete(self, hand: Hand, number: int, said: Said) -> Command:
        """Finish a piece of work that is in the officer's hand, or in anybody's for a supervisor."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.WORK, item.case)
        role = self.gate.role_for(officer, item)
        is_his = item.assignee == officer.id
        why = f"this work is in the hand of {item.assignee or 'nobody'}: claim it first"
        self.gate.refuse_unless(is_his or Role.SUPERVISOR in officer.roles, officer, item, why)
        return self._finish(hand, officer, role, item, said)

    def answer(self, hand: Hand, case_number: str, step: Step, said: Said) -> Command:
        """Answer the open step, whoever else is asked; work that is in another's hand is not touched."""
        state = self._registry.case(case_number)
        officer = self.gate.officer(hand.actor, Act.WORK, state.case)
        if (before := self._given_before(hand, case_number, CommandKind.ANSWER)) is not None:
            return before
        self._require_open_step(state, step)
        ask = StepAsk(
            case_number=case_number, step=step, attempt=state.attempt, poll_every=timedelta(minutes=1)
        )
        item = self._book.open_item(ask)
        role = self.gate.role_for(officer, item)
        is_free = item.assignee in {None, officer.id, MACHINE} or Role.SUPERVISOR in officer.roles
        self.gate.refuse_unless(is_free, officer, item, f"this work is in the hand of {item.assignee}")
        return self._finish(hand, officer, role, item, said)

    def _require_open_step(self, state: CaseState, step: Step) -> None:
        number = state.case.case_number
        if state.outcome is not None:
            raise WrongState(f"{number} is over: {state.outcome}")
        if state.step is not step:
            raise WrongState(f"{number}: the open step is {state.step}, attempt {state.attempt}, not {step}")

    def _finish(self, hand: Hand, officer: Officer, role: Role, item: DeskItem, said: Said) -> Command:
        checked = Decisions(self._shelf.reasons(), self._documents, self._clock).check(said, item)
        if said.verb is Verb.HAND_OVER:
            self.gate.officer(officer.id, Act.HAND_OVER, item.case)
        if item.kind is ItemKind.MEND:
            message: CaseMessage = RetryStep(command_id=hand.id_for("mended"), actor=officer.id)
        else:
            message = self._message(hand, officer, role, item, checked)
        command = self._book.give(
            Completion(
                command=Command(item.case.case_number, message, officer.id, role, self._clock()),
                item=item.id,
                expects=item.assignee,
                receipt=checked.receipt,
                letter=self._letter(item, checked, officer),
                accepted_papers=self._accepted(item, checked),
                note=checked.note,
            )
        )
        if item.kind is ItemKind.ANSWER and item.step is Step.RECOMMENDATION and _is_yes(checked):
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
            in_place_of=item.assignee if is_anothers else None,
            occurred_at=checked.occurred_at,
        )

    def _letter(self, item: DeskItem, checked: Checked, officer: Officer) -> NewLetter | None:
        is_signature = item.kind is ItemKind.ANSWER and item.step is Step.RECOMMENDATION and _is_yes(checked)
        if not is_signature:
            return None
        self.letters.require_printable(item.case.case_number)
        return self.letters.draft(item.case.case_number, officer.id, checked.occurred_at)

    def _accepted(self, item: DeskItem, checked: Checked) -> tuple[str, ...]:
        if item.kind is not ItemKind.ANSWER or item.step is not Step.DOCUMENT_CHECK or not _is_yes(checked):
            return ()
        papers = self._book.dossier(item.case.case_number).papers
        return tuple(paper.sha256 for paper in papers if self._documents.is_intact(paper.sha256))

    # -- Cases -----------------------------------------------------------------------------------

    def withdraw(self, hand: Hand, case_number: str, reason: str) -> Command:
        """End the case because the applicant or the office asked for it."""
        officer = self._officer(hand, Act.WITHDRAW, case_number)
        message = Withdraw(command_id=hand.id_for("withdraw"), actor=officer.id)
        return self._give(case_number, message, officer, Act.WITHDRAW, note=_words("--reason", reason))

    def retry(self, hand: Hand, case_number: str) -> Command:
        """Take the step again at which the case waits for a person."""
        officer = self._officer(hand, Act.RETRY, case_number)
        for item in self._book.items(case_number=case_number):
            if item.kind is ItemKind.MEND:
                self.gate.role_for(officer, item)
        message = RetryStep(command_id=hand.id_for("retry"), actor=officer.id)
        return self._give(case_number, message, officer, Act.RETRY)

    def papers_added(self, hand: Hand, case_number: str, count: int) -> Command:
        """Tell the case that papers are in the store; one that waits for papers goes on."""
        officer = self._officer(hand, Act.ADD_PAPERS, case_number)
        message = PapersAdded(command_id=hand.id_for("papers"), count=count, actor=officer.id)
        return self._give(case_number, message, officer, Act.ADD_PAPERS)

    def correct(self, hand: Hand, case_number: str, changes: Mapping[str, object]) -> Command:
        """Mend the applicant's data while the papers are checked or the case waits to be mended.

        Somebody else then compares the papers again, and a letter that says otherwise is issued anew.
        """
        officer = self._officer(hand, Act.CORRECT, case_number)
        if (before := self._given_before(hand, case_number, CommandKind.DATA_CORRECTED)) is not None:
            return before
        state = self._registry.case(case_number)
        if state.step is not Step.DOCUMENT_CHECK and state.health is CaseHealth.OK:
            raise WrongState(f"{case_number} is at {state.step}: return it first, with a reason")
        now = self._clock()
        really = corrected(self._book.dossier(case_number), changes, self._shelf, wib_date(now))
        message = DataCorrected(
            command_id=hand.id_for("correct"), fields=tuple(sorted(really)), actor=officer.id
        )
        command = Command(case_number, message, officer.id, self._role(officer, Act.CORRECT), now)
        return self._book.give(Completion(command, correction=really))

    def switch_track(self, hand: Hand, case_number: str, track: Track) -> Command:
        """Let the case follow another track from now on; only a supervisor takes it out of the emergency."""
        act = Act.HASTEN if track is Track.EMERGENCY else Act.SWITCH_BACK
        officer = self._officer(hand, act, case_number)
        now = self._clock()
        message = SwitchTrack(command_id=hand.id_for("track"), track=track, actor=officer.id, occurred_at=now)
        return self._give(case_number, message, officer, act)

    def extend(
        self,
        hand: Hand,
        case_number: str,
        reason: str,
        *,
        by: timedelta | None = None,
        until: datetime | None = None,
    ) -> Command:
        """Give a case more time, by so much or until a time; the reason stays in the ledger."""
        officer = self._officer(hand, Act.EXTEND, case_number)
        note = _words("--reason", reason)
        if (by is None) == (until is None):
            raise BadInput([Finding("--by", "or --until: exactly one is needed", "for example --by PT4H")])
        if until is not None and until <= self._clock():
            raise BadInput([Finding("--until", "does not lie in the future", "give the new due time")])
        message = Extend(command_id=hand.id_for("extend"), by=by, until=until, actor=officer.id)
        return self._give(case_number, message, officer, Act.EXTEND, note=note)

    def acknowledge(self, hand: Hand, case_number: str) -> Command:
        """Take charge of a case: nobody higher is told of it. The clock goes on."""
        officer = self._officer(hand, Act.ACK, case_number)
        message = Acknowledge(command_id=hand.id_for("ack"), actor=officer.id)
        return self._give(case_number, message, officer, Act.ACK)

    def void_receipt(self, hand: Hand, case_number: str, reason: str) -> Command:
        """Make the receipt of the last upload void; the person is handed in again."""
        officer = self._officer(hand, Act.VOID_RECEIPT, case_number)
        state = self._registry.case(case_number)
        if state.step not in _AFTER_UPLOAD:
            raise WrongState(f"{case_number} is at {state.step}: there is no upload to take back")
        message = ReopenUpload(command_id=hand.id_for("reopen"), attempt=state.attempt, actor=officer.id)
        command = Command(case_number, message, officer.id, Role.SUPERVISOR, self._clock())
        note = _words("--reason", reason)
        return self._book.give(Completion(command, voids_receipt=state.attempt, note=note))

    def reissue_letter(self, hand: Hand, case_number: str, reason: str) -> PrintedLetter:
        """Replace the case's letter by one with a new number; the old one is kept and void."""
        case = self._registry.case(case_number).case
        officer = self.gate.officer(hand.actor, Act.REISSUE_LETTER, case)
        self.gate.require_other_eyes(officer, case, Step.RECOMMENDATION)
        new = self.letters.draft(case_number, officer.id, self._clock())
        self._book.reissue_letter(case_number, new, _words("--reason", reason))
        return self.letters.print(case_number)

    def print_letter(self, hand: Hand, case_number: str) -> PrintedLetter:
        """Return the case's letter as PDF."""
        self.gate.officer(hand.actor, Act.PRINT_LETTER, self._registry.case(case_number).case)
        return self.letters.print(case_number)

    def sheet(self, hand: Hand, number: int) -> Sheet:
        """Return what the officer needs to see of a piece of work."""
        item = self._book.item(number)
        officer = self.gate.officer(hand.actor, Act.READ_SHEET, item.case)
        is_his = item.role in officer.roles or Role.SUPERVISOR in officer.roles
        self.gate.refuse_unless(is_his, officer, item, f"this work is of the role {item.role}")
        return self._sheets.sheet(item)

    def require(self, act: Act, hand: Hand, case_number: str) -> None:
        """Refuse what the officer may not do to an open case, before anything is done."""
        self._officer(hand, act, case_number)

    def _officer(self, hand: Hand, act: Act, case_number: str) -> Officer:
        state = self._registry.case(case_number)
        officer = self.gate.officer(hand.actor, act, state.case)
        if state.outcome is not None:
            raise WrongState(f"{case_number} is over: {state.outcome}")
        return officer

    def _give(
        self,
        case_number: str,
        message: CaseMessage,
        officer: Officer,
        act: Act,
        *,
        note: str | None = None,
    ) -> Command:
        command = Command(case_number, message, officer.id, self._role(officer, act), self._clock())
        return self._book.give(Completion(command, note=note))

    def _given_before(self, hand: Hand, case_number: str, kind: CommandKind) -> Command | None:
        """Return the command if it was given under this id before: what it did would now stand in its way."""
        before = None if hand.command_id is None else self._book.command(hand.command_id)
        is_it = before is not None and (before.case_number, before.kind) == (case_number, kind)
        return before if is_it else None

    def _role(self, officer: Officer, act: Act) -> Role:
        return min(officer.roles & MAY[act])


def _words(field: str, text: str) -> str:
    if not text.strip():
        raise BadInput([Finding(field, "is empty", "say why, in a few words")])
    return text.strip()


def _is_yes(checked: Checked) -> bool:
    return isinstance(checked.answer, Approved)

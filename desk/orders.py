"""What officers ask of a case: each order is checked, written to the ledger and returned to be delivered."""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from desk.corrections import corrected
from desk.gate import Gate
from desk.letters import Letters, PrintedLetter
from desk.order import More, Order, require_open, require_stuck
from desk.sheets import Sheets
from desk.words import words
from gateways.ports.audit import Trail
from gateways.ports.desk import DeskBook
from gateways.ports.ledger import Registry
from gateways.ports.papers import Documents, LetterPrinter
from gateways.ports.policies import PolicyShelf
from models.asked import Asked
from models.audit import Access, Door
from models.case import Step, Track
from models.desk import CaseMessage, Command, CommandKind, Completion, ItemKind
from models.errors import BadInput, Finding, WrongState
from models.messages import (
    Acknowledge,
    DataCorrected,
    PapersAdded,
    ReopenUpload,
    RetryStep,
    SwitchTrack,
    Withdraw,
)
from models.policy import NeedKind
from models.roles import Act, Officer
from models.standstill import stands_still
from models.wib import wib_date

_AFTER_UPLOAD = (Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT)


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


class Orders:
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
        trail: Trail,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold the ports; `clock` tells when a command was given."""
        self._registry = registry
        self._book = book
        self._shelf = shelf
        self._documents = documents
        self._trail = trail
        self._clock = clock
        self.gate = Gate(shelf, book, clock)
        self.letters = Letters(book, shelf, documents, printer)
        self._sheets = Sheets(registry, book, shelf, documents)

    def withdraw(self, hand: Hand, case_number: str, reason: str) -> Command:
        """End the case because the applicant or the office asked for it."""
        order = self._order(hand, Act.WITHDRAW, case_number, CommandKind.WITHDRAW, reason=reason.strip())
        if order.before is not None:
            return order.before
        message = Withdraw(command_id=hand.id_for("withdraw"), actor=order.officer.id)
        return self._give(order, message, note=words("--reason", reason))

    def retry(self, hand: Hand, case_number: str) -> Command:
        """Take the step again at which the case stands still or is parked. Raises NotStuck for another."""
        order = self._order(hand, Act.RETRY, case_number, CommandKind.RETRY)
        if order.before is not None:
            return order.before
        items = self._book.items(case_number=case_number)
        require_stuck(order.state, items)
        for item in items:
            if item.kind is ItemKind.MEND:
                self.gate.role_for(order.officer, item)
        command_id = hand.id_for("retry")
        return self._give(order, RetryStep(command_id=command_id, actor=order.officer.id, only_stuck=True))

    def papers_told(self, hand: Hand, case_number: str, papers: Sequence[str]) -> Command | None:
        """Return the command that told of these papers before; refuse an officer before any paper is kept."""
        return self._papers(hand, case_number, papers).before

    def papers_added(self, hand: Hand, case_number: str, papers: Sequence[str]) -> Command:
        """Tell the case that papers are in the store, each by a name; one that waits for papers goes on."""
        order = self._papers(hand, case_number, papers)
        if order.before is not None:
            return order.before
        message = PapersAdded(command_id=hand.id_for("papers"), count=len(papers), actor=order.officer.id)
        return self._give(order, message)

    def correct(self, hand: Hand, case_number: str, changes: Mapping[str, object]) -> Command:
        """Mend the applicant's data while the papers are checked or the case waits to be mended.

        Somebody else then compares the papers again, and a letter that says otherwise is issued anew.
        """
        order = self._order(hand, Act.CORRECT, case_number, CommandKind.DATA_CORRECTED, changes=dict(changes))
        if order.before is not None:
            return order.before
        if order.state.step is not Step.DOCUMENT_CHECK and not stands_still(order.state):
            raise WrongState(f"{case_number} is at {order.state.step}: return it first, with a reason")
        really = corrected(self._book.dossier(case_number), changes, self._shelf, wib_date(self._clock()))
        message = DataCorrected(
            command_id=hand.id_for("correct"), fields=tuple(sorted(really)), actor=order.officer.id
        )
        return self._give(order, message, correction=really)

    def switch_track(
        self, hand: Hand, case_number: str, track: Track, need: NeedKind | None = None
    ) -> Command:
        """Let the case follow another track from now on; only a supervisor takes it out of the emergency.

        `need` is why the person needs service now; needed when the track does not serve the old one.
        """
        act = Act.HASTEN if track is Track.EMERGENCY else Act.SWITCH_BACK
        order = self._order(hand, act, case_number, CommandKind.SWITCH_TRACK, track=track, need=need)
        if order.before is not None:
            return order.before
        dossier = self._book.dossier(case_number)
        served = self._shelf.city(dossier.case.city).tracks[track].needs
        if (need or dossier.need.kind) not in served:
            fix = f"give one that {track} serves: {', '.join(sorted(served))}"
            raise BadInput([Finding("--need", "is not served by the track", fix)])
        message = SwitchTrack(
            command_id=hand.id_for("track"), track=track, actor=order.officer.id, occurred_at=self._clock()
        )
        return self._give(order, message, need=need)

    def acknowledge(self, hand: Hand, case_number: str) -> Command:
        """Take charge of a case: nobody higher is told of it. The clock goes on."""
        order = self._order(hand, Act.ACK, case_number, CommandKind.ACKNOWLEDGE)
        if order.before is not None:
            return order.before
        return self._give(order, Acknowledge(command_id=hand.id_for("ack"), actor=order.officer.id))

    def void_receipt(self, hand: Hand, case_number: str, reason: str) -> Command:
        """Make the receipt of the last upload void; the person is handed in again."""
        said = {"reason": reason.strip()}
        order = self._order(hand, Act.VOID_RECEIPT, case_number, CommandKind.REOPEN_UPLOAD, **said)
        if order.before is not None:
            return order.before
        state = order.state
        if state.step not in _AFTER_UPLOAD:
            raise WrongState(f"{case_number} is at {state.step}: there is no upload to take back")
        message = ReopenUpload(
            command_id=hand.id_for("reopen"), attempt=state.attempt, actor=order.officer.id
        )
        return self._give(order, message, voids_receipt=state.attempt, note=words("--reason", reason))

    def reissue_letter(self, hand: Hand, case_number: str, reason: str) -> PrintedLetter:
        """Replace the case's letter by one with a new number; the old one is kept and void."""
        case = self._registry.case(case_number).case
        officer = self.gate.officer(hand.actor, Act.REISSUE_LETTER, case)
        self.gate.require_other_eyes(officer, case, Step.RECOMMENDATION)
        new = self.letters.draft(case_number, officer.id, self._clock())
        self._book.reissue_letter(case_number, new, words("--reason", reason))
        made = self.letters.print(case_number)
        self._handed_out(made, officer, Act.REISSUE_LETTER, Door.LETTER_REISSUE)
        return made

    def print_letter(self, hand: Hand, case_number: str) -> PrintedLetter:
        """Return the case's letter as PDF."""
        officer = self.gate.officer(hand.actor, Act.PRINT_LETTER, self._registry.case(case_number).case)
        made = self.letters.print(case_number)
        self._handed_out(made, officer, Act.PRINT_LETTER, Door.LETTER)
        return made

    def _handed_out(self, made: PrintedLetter, officer: Officer, act: Act, door: Door) -> None:
        letter = made.letter
        access = Access(
            at=self._clock(),
            actor=officer.id,
            role=officer.role_in(act),
            door=door,
            reason=f"letter-{letter.verification_code}",
            case_number=letter.case_number,
            sha256=hashlib.sha256(made.pdf).hexdigest(),
        )
        self._trail.keep(access)

    def _order(self, hand: Hand, act: Act, case_number: str, kind: CommandKind, **said: object) -> Order:
        """Let in who may do this to the case, with the command that was given before for the same.

        Raises NotAllowed, and WrongState for a case that is over or an id that belongs to another command.
        """
        state = self._registry.case(case_number)
        officer = self.gate.officer(hand.actor, act, state.case)
        asked = Asked.of(case_number, kind, officer.id, {"act": act, **said})
        before = self._given_before(hand, asked)
        if before is None:
            require_open(state)
        return Order(officer, act, state, asked, before)

    def _papers(self, hand: Hand, case_number: str, papers: Sequence[str]) -> Order:
        kind = CommandKind.PAPERS_ADDED
        return self._order(hand, Act.ADD_PAPERS, case_number, kind, papers=sorted(papers))

    def _give(self, order: Order, message: CaseMessage, **more: Unpack[More]) -> Command:
        """Write the command down, with what goes with it."""
        role, now = order.officer.role_in(order.act), self._clock()
        command = Command(order.asked.case_number, message, order.officer.id, role, now)
        return self._book.give(Completion(command, order.asked, **more))

    def _given_before(self, hand: Hand, asked: Asked | None) -> Command | None:
        """Return the command if it was given under this id before: what it did would now stand in its way."""
        if hand.command_id is None or asked is None:
            return None
        return self._book.given(hand.command_id, asked)

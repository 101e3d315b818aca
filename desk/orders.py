"""What officers ask of a case: each order is checked, written to the ledger and returned to be delivered."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from desk.corrections import corrected
from desk.gate import Gate
from desk.letters import Letters, PrintedLetter
from desk.sheets import Sheets
from desk.words import words
from gateways.ports.audit import Trail
from gateways.ports.desk import DeskBook
from gateways.ports.ledger import Registry
from gateways.ports.papers import Documents, LetterPrinter
from gateways.ports.policies import PolicyShelf
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
from models.roles import Act, Officer, Role
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
        officer = self._officer(hand, Act.WITHDRAW, case_number)
        message = Withdraw(command_id=hand.id_for("withdraw"), actor=officer.id)
        return self._give(case_number, message, officer, Act.WITHDRAW, note=words("--reason", reason))

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
        if state.step is not Step.DOCUMENT_CHECK and not stands_still(state):
            raise WrongState(f"{case_number} is at {state.step}: return it first, with a reason")
        now = self._clock()
        really = corrected(self._book.dossier(case_number), changes, self._shelf, wib_date(now))
        message = DataCorrected(
            command_id=hand.id_for("correct"), fields=tuple(sorted(really)), actor=officer.id
        )
        command = Command(case_number, message, officer.id, officer.role_in(Act.CORRECT), now)
        return self._book.give(Completion(command, correction=really))

    def switch_track(
        self, hand: Hand, case_number: str, track: Track, need: NeedKind | None = None
    ) -> Command:
        """Let the case follow another track from now on; only a supervisor takes it out of the emergency.

        `need` is why the person needs service now; needed when the track does not serve the old one.
        """
        act = Act.HASTEN if track is Track.EMERGENCY else Act.SWITCH_BACK
        officer = self._officer(hand, act, case_number)
        dossier = self._book.dossier(case_number)
        served = self._shelf.city(dossier.case.city).tracks[track].needs
        if (need or dossier.need.kind) not in served:
            fix = f"give one that {track} serves: {', '.join(sorted(served))}"
            raise BadInput([Finding("--need", "is not served by the track", fix)])
        now = self._clock()
        message = SwitchTrack(command_id=hand.id_for("track"), track=track, actor=officer.id, occurred_at=now)
        command = Command(case_number, message, officer.id, officer.role_in(act), now)
        return self._book.give(Completion(command, need=need))

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
        note = words("--reason", reason)
        return self._book.give(Completion(command, voids_receipt=state.attempt, note=note))

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
        command = Command(case_number, message, officer.id, officer.role_in(act), self._clock())
        return self._book.give(Completion(command, note=note))

    def _given_before(self, hand: Hand, case_number: str, kind: CommandKind) -> Command | None:
        """Return the command if it was given under this id before: what it did would now stand in its way."""
        before = None if hand.command_id is None else self._book.command(hand.command_id)
        is_it = before is not None and (before.case_number, before.kind) == (case_number, kind)
        return before if is_it else None

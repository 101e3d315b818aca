"""Cases on which ledger and Temporal do not agree, and what brings them together again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.case import CaseState, Step
from models.desk import CaseMessage, Command, CommandResult
from models.lineage import Held
from models.messages import Acknowledge, CaseEvent, EventKind, Extend, Shorten


class Remedy(StrEnum):
    """What is to be done with a case."""

    NOTHING = "nothing"
    START = "start"
    """Temporal does not run it: its workflow is begun anew, and takes people's answers out of the ledger."""
    RESTART = "restart"
    """Ledger or Temporal was put back, and one of them lacks what people or institutions said to the case:
    likewise, in place of the one that runs."""
    TELL = "tell"
    """The ledger was put back and lacks nothing that its further way needs: it is told again."""
    RENUMBER = "renumber"
    """The number is another's in Temporal: the case goes on under a number of its own."""
    END = "end"
    """Temporal runs what is over in the ledger, unknown to it, or another's: it is ended there."""
    UNKNOWN = "unknown"
    """Temporal or its workers did not say."""

    @property
    def words(self) -> str:
        """What an operator is told that it means."""
        return _WORDS[self]


_WORDS: Final = {
    Remedy.NOTHING: "ledger and Temporal agree",
    Remedy.START: "Temporal does not run it: begun anew with the ledger's answers and the same keys",
    Remedy.RESTART: "ledger or Temporal lacks answers that the case had: begun anew, likewise",
    Remedy.TELL: "the ledger lacks what the case told: it is told again",
    Remedy.RENUMBER: "the number is another case's in Temporal: goes on under a new number",
    Remedy.END: "runs in Temporal and not in this ledger: ended there",
    Remedy.UNKNOWN: "no worker or no Temporal said how it stands: try again once they do",
}


class Loss(StrEnum):
    """What a ledger that was put back does not hold of a case any more."""

    ANSWER = "answer"
    PAPERS = "papers"
    TRACK = "track"
    DATA = "data"
    LETTER = "letter"
    RECEIPT = "receipt"

    @property
    def words(self) -> str:
        """What an operator is told that is lost, and what that means."""
        return _LOST[self]


_LOST: Final = {
    Loss.ANSWER: "people's answers",
    Loss.PAPERS: "papers that were added",
    Loss.TRACK: "its other track",
    Loss.DATA: "corrections of data",
    Loss.LETTER: "its letter",
    Loss.RECEIPT: "the receipt of its upload",
}
_BY_COMMAND: Final = {
    EventKind.ANSWER_RECORDED: Loss.ANSWER,
    EventKind.PAPERS_ADDED: Loss.PAPERS,
    EventKind.TRACK_SWITCHED: Loss.TRACK,
    EventKind.DATA_CORRECTED: Loss.DATA,
}
"""Events by which people gave a case more than they tell."""
NOT_IN_A_STORY: Final = frozenset({Loss.PAPERS, Loss.DATA, Loss.LETTER, Loss.RECEIPT})
"""What is lost also of a case that is over, since telling it again brings only its story."""


@dataclass(frozen=True)
class Told:
    """How far a case has told the ledger its story."""

    state: CaseState
    is_started: bool
    run: str | None
    """The run that told last; None when none has told anything."""
    task: int
    """How long that run's history was."""
    at: datetime | None
    """When it told, by its own clock."""
    last_seq: int
    events: frozenset[int]
    """Numbers of the events of the present epoch; fewer than `last_seq` means a gap."""
    earlier_runs: frozenset[str]
    """Runs that a reset or a recovery left behind."""
    commands: frozenset[str]
    """Ids of the commands that were given to it."""
    has_letter: bool
    submitted: frozenset[int]
    """Attempts of which there is a submission."""
    begun: frozenset[int]
    """Attempts that may have reached SIKS-NG."""
    is_put_back: bool
    """Whether the ledger has gone on from a copy before."""
    may_have_gone_on: bool
    """Whether it may have gone on after the last copy was made: since that was put back it told nothing."""

    @property
    def has_gap(self) -> bool:
        """Whether an event is missing."""
        return len(self.events) < self.last_seq

    def is_beyond(self, run: str, place: tuple[int, datetime, int]) -> bool:
        """Whether the run told from a later place of its history than this one: it forgot since."""
        return run == self.run and self.at is not None and place < (self.task, self.at, self.last_seq)

    def lost(self, event: CaseEvent) -> Iterator[Loss]:
        """Yield what an event of the case stands for and the ledger does not hold: it was put back since.

        A command is written before it is given, letter and submission before they are answered.
        """
        if event.kind in _BY_COMMAND and self._lacks_command(event):
            yield _BY_COMMAND[event.kind]
        if event.kind is not EventKind.ANSWER_RECORDED or event.facts.get("decision") != "approved":
            return
        if event.step is Step.RECOMMENDATION and not self.has_letter:
            yield Loss.LETTER
        if event.step is Step.SIKS_NG_UPLOAD and max(self.submitted, default=0) < (event.attempt or 0):
            yield Loss.RECEIPT

    def lost_of_clock(self, event: CaseEvent) -> Iterator[Command]:
        """Yield the command that moved the due time or took charge, where the ledger does not hold it.

        It is as it was given, but for the reason in words, which the case never had.
        """
        if self._lacks_command(event) and (message := _to_clock(event)) is not None:
            actor, number = str(event.facts["by"]), self.state.case.case_number
            yield Command(number, message, actor, None, event.at, CommandResult.ACCEPTED)

    def _lacks_command(self, event: CaseEvent) -> bool:
        command = event.facts.get("command")
        return isinstance(command, str) and command not in self.commands


def _to_clock(event: CaseEvent) -> CaseMessage | None:
    """Return the message of which an event tells that it moved the due time, or that charge was taken."""
    facts = event.facts
    minutes = int(facts.get("minutes", 0))
    moved: dict[str, object] = (
        {"by": timedelta(minutes=abs(minutes))} if minutes else {"until": facts.get("due")}
    )
    given = {"command_id": facts.get("command"), "actor": facts.get("by")}
    match event.kind:
        case EventKind.SLA_EXTENDED:
            return Extend.model_validate(given | moved)
        case EventKind.SLA_SHORTENED:
            return Shorten.model_validate(given | moved)
        case EventKind.SLA_ACKNOWLEDGED:
            return Acknowledge.model_validate(given)
    return None


@dataclass(frozen=True)
class Finding:
    """A case and what is to be done with it."""

    case_number: str
    remedy: Remedy
    uploads: frozenset[int] = frozenset()
    """Attempts at the upload that a case had begun and a ledger that was put back may not know of."""
    lost: tuple[Loss, ...] = ()
    """What the ledger holds no more; people give it again, as far as the case needs it."""
    clock: tuple[Command, ...] = ()
    """Commands that moved its due time, or by which charge was taken, and that the ledger holds no more."""


@dataclass(frozen=True)
class Series:
    """The numbers of one series, as each store knows them."""

    name: str
    ledger: int
    keys: int
    temporal: int

    @property
    def known(self) -> int:
        """The highest that any of them knows."""
        return max(self.ledger, self.keys, self.temporal)


@dataclass(frozen=True)
class Standing:
    """What is known of stores that were put back."""

    held: Held | None
    """Why no number is given out; None when all belong together."""
    generation: int
    """The latest that any of them knows of."""
    series: tuple[Series, ...]
    people_without_key: int
    """People in the ledger whose key the key store has not: they cannot be read again."""
    cases_without_key: tuple[str, ...]
    """Open cases that cannot be read, also those whose keys were lost before: none of them can go on."""
    keys_of_erased: int
    """People who were erased and whose key is back."""

    @property
    def is_restored(self) -> bool:
        """Whether there is nothing to go on from."""
        return self.held is None and not self.people_without_key and not self.keys_of_erased

    def next_numbers(self, skipped: int) -> Mapping[str, int]:
        """Return the last number of each series that counts as given; so many beyond what is known."""
        return {one.name: one.known + skipped for one in self.series}

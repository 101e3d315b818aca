"""Cases on which ledger and Temporal do not agree, and what brings them together again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from models.case import CaseState, Step
from models.lineage import Held
from models.messages import CaseEvent, EventKind


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


_BY_COMMAND: Final = frozenset(
    {
        EventKind.ANSWER_RECORDED,
        EventKind.PAPERS_ADDED,
        EventKind.TRACK_SWITCHED,
        EventKind.DATA_CORRECTED,
    }
)
"""Events by which people gave a case more than they tell: an answer, papers, other data of the person."""


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

    @property
    def has_gap(self) -> bool:
        """Whether an event is missing."""
        return len(self.events) < self.last_seq

    def is_beyond(self, run: str, place: tuple[int, datetime, int]) -> bool:
        """Whether the run told from a later place of its history than this one: it forgot since."""
        return run == self.run and self.at is not None and place < (self.task, self.at, self.last_seq)

    def lacks(self, event: CaseEvent) -> bool:
        """Whether the ledger does not hold what an event of the case stands for: it was put back since.

        A command is written before it is given, letter and submission before they are answered.
        """
        command = event.facts.get("command")
        if event.kind in _BY_COMMAND and isinstance(command, str) and command not in self.commands:
            return True
        if event.kind is not EventKind.ANSWER_RECORDED or event.facts.get("decision") != "approved":
            return False
        match event.step:
            case Step.RECOMMENDATION:
                return not self.has_letter
            case Step.SIKS_NG_UPLOAD:
                return max(self.submitted, default=0) < (event.attempt or 0)
        return False


@dataclass(frozen=True)
class Finding:
    """A case and what is to be done with it."""

    case_number: str
    remedy: Remedy
    uploads: frozenset[int] = frozenset()
    """Attempts at the upload that a case had begun and a ledger that was put back may not know of."""


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
    """Their open cases: none of them can go on."""
    keys_of_erased: int
    """People who were erased and whose key is back."""

    @property
    def is_restored(self) -> bool:
        """Whether there is nothing to go on from."""
        return self.held is None and not self.people_without_key and not self.keys_of_erased

    def next_numbers(self, skipped: int) -> Mapping[str, int]:
        """Return the last number of each series that counts as given; so many beyond what is known."""
        return {one.name: one.known + skipped for one in self.series}

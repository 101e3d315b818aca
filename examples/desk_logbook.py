"""What the people of the demo remember of their day, beside the ledger: the judge compares the two."""

from collections.abc import Callable
from dataclasses import dataclass, field

from desk.sheets import Sheet
from examples.desk_script import Script, ScriptedCase, Tried, Turn
from models.case import Step
from models.desk import DeskItem


@dataclass(frozen=True)
class Deed:
    """One thing that one officer did."""

    case_number: str
    step: Step | None
    """None at the counter, before the first step."""
    attempt: int | None
    what: str
    """A decision, or what else was done."""
    by: str
    reason: str | None = None


@dataclass(frozen=True)
class Refused:
    """An attempt of the script, and what came of it."""

    item: DeskItem
    tried: Tried
    words: str | None
    """The refusal; None when there was none."""
    is_of_rights: bool
    """Refused because of who tried, which the ledger keeps."""

    @property
    def is_right(self) -> bool:
        """Whether it was refused for the expected reason."""
        return self.words is not None and self.tried.refused in self.words


@dataclass
class Logbook:
    """The day as it went."""

    script: Script
    say: Callable[[str], None]
    is_over: bool = False
    """Whether everybody goes home once what is in hand is done."""
    case_of: dict[str, ScriptedCase] = field(default_factory=dict)
    """By case number."""
    deeds: list[Deed] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """What somebody found otherwise than the script says."""
    sheet: Sheet | None = None
    """Of the upload that is shown in the end."""
    uploaded: int = 0
    """How many references the invented portal gave."""
    receipts: dict[str, str] = field(default_factory=dict)
    """The reference that stands for each case in the ledger, by case number."""
    finished: set[int] = field(default_factory=set)
    """Numbers of the items that somebody dealt with."""
    switched: set[str] = field(default_factory=set)
    """Cases that follow another track by now."""

    def turn_of(self, item: DeskItem) -> Turn:
        """Return what is to become of a piece of work now."""
        turn = self.case_of[item.case.case_number].turn_of(item)
        return Turn.plain(item) if item.case.case_number in self.switched else turn

    def number_of(self, file: str) -> str | None:
        """Return the number of the case that an application became."""
        return next((number for number, case in self.case_of.items() if case.file == file), None)

    def did(self, deed: Deed) -> None:
        """Write a deed down, and tell of those that are not a plain yes."""
        self.deeds.append(deed)
        if deed.what not in {"registered", "approved"}:
            why = f" ({deed.reason})" if deed.reason else ""
            self.say(f"{deed.by}: {deed.what}{why}, {deed.case_number}, {deed.step} {deed.attempt}")

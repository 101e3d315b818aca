"""What happens on the demo's day at the desks, as `desk_day.toml` says it."""

import json
import tomllib
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.answers import ReasonCode
from models.case import Outcome, Step, Track
from models.desk import DeskItem, ItemKind
from models.errors import Misconfigured
from models.roles import OfficerId

FOLDER = Path(__file__).resolve().parent
FILE = FOLDER / "desk_day.toml"


class Does(StrEnum):
    """What an officer does with a piece of work."""

    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"
    HAND_OVER = "hand-over"
    CORRECT = "correct"
    ADD_PAPERS = "add-papers"
    SWITCH = "switch-to-emergency"
    WITHDRAW = "withdraw"
    VOID_RECEIPT = "void-receipt"


FROM_OUTSIDE = frozenset({Does.SWITCH, Does.WITHDRAW, Does.VOID_RECEIPT})
"""Done to the case, by somebody in whose hand the work is not."""


class Try(StrEnum):
    """What an officer tries that must be refused."""

    CLAIM = "claim"
    SECOND_CLAIM = "second-claim"
    SHEET = "sheet"
    USED_REFERENCE = "used-reference"


class Tried(BaseModel):
    """An attempt that must be refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: OfficerId
    does: Try
    refused: str
    """Words of the refusal."""


class Turn(BaseModel):
    """What becomes of one piece of work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Step
    attempt: int = 1
    mends: bool = False
    """The work of mending what came back from the step, in place of answering it."""
    by: OfficerId | None = None
    does: Does = Does.APPROVE
    reason: ReasonCode | None = None
    note: str | None = None
    changes: dict[str, str] = {}
    """With `correct`: fields of the applicant and what they are from now on."""
    papers: tuple[str, ...] = ()
    """With `add-papers`: kinds, to be scanned anew, or kind=path seen from this folder."""
    unchecked: int | None = None
    """How many papers the officer's sheet must call unchecked."""
    tried: tuple[Tried, ...] = ()

    @classmethod
    def plain(cls, item: DeskItem) -> "Turn":
        """Return what happens to work of which the script says nothing."""
        return cls(step=item.step, attempt=item.attempt, mends=item.kind is ItemKind.MEND)

    def is_of(self, item: DeskItem) -> bool:
        """Tell whether this is about a piece of work."""
        return (self.step, self.attempt, self.mends) == (
            item.step,
            item.attempt,
            item.kind is ItemKind.MEND,
        )


class ScriptedCase(BaseModel):
    """One application, what happens to it, and what must come of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=r"^\d\d-[a-z-]+\.json$")
    shows: str
    outcome: Outcome
    track: Track | None = None
    """The track at the end, when it is not the application's."""
    letters: int = 1
    uploads: int = 1
    void_uploads: int = 0
    by_machine: tuple[str, ...] = ()
    """Answers, as step:attempt, that no officer gives."""
    turn: tuple[Turn, ...] = ()

    @property
    def name(self) -> str:
        """The file's name as tables show it."""
        return self.file.removesuffix(".json")

    @property
    def path(self) -> Path:
        """Where the application is."""
        return FOLDER / self.file

    @property
    def city(self) -> str:
        """The city whose office takes the application."""
        return self._application()["city"]

    @property
    def final_track(self) -> Track:
        """The track that the case must follow in the end."""
        return self.track or Track(self._application()["track"])

    def turn_of(self, item: DeskItem) -> Turn:
        """Return what happens to a piece of work."""
        return next((turn for turn in self.turn if turn.is_of(item)), Turn.plain(item))

    def _application(self) -> dict[str, str]:
        return dict(json.loads(self.path.read_text(encoding="utf-8")))


class Script(BaseModel):
    """The whole day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    staff: tuple[OfficerId, ...] = Field(min_length=1)
    timelines_of: tuple[str, ...]
    """Files of the cases whose timelines are printed."""
    sheet_of: str
    """File of the case whose upload is shown as the portal's operator reads it."""
    case: tuple[ScriptedCase, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> "Script":
        files = [one.file for one in self.case]
        if unknown := {*self.timelines_of, self.sheet_of} - set(files):
            raise ValueError(f"no case comes from {', '.join(sorted(unknown))}")
        if len(set(files)) != len(files):
            raise ValueError("a file stands there twice")
        named = {turn.by for one in self.case for turn in one.turn if turn.by is not None}
        if absent := named - set(self.staff):
            raise ValueError(f"not in today: {', '.join(sorted(absent))}")
        return self


def load() -> Script:
    """Read the script. Raises Misconfigured."""
    try:
        return Script.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise Misconfigured(f"examples/desk_day.toml: {error}") from None

"""What the demo expects of each application, as `manifest.toml` says it."""

import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.case import Outcome, SlaState, WaitingOn
from models.errors import Misconfigured

FOLDER = Path(__file__).resolve().parent

System = Literal["siks_ng", "kemensos", "bpjs"]
Dial = bool | int | float | str


class Operator(StrEnum):
    """What an operator does once the case waits for a person."""

    RETRY = "retry"
    WITHDRAW = "withdraw"


class Entry(BaseModel):
    """One application and what is to come of it: exactly one of the four expectations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=r"^\d\d-[a-z-]+\.json$")
    shows: str
    outcome: Outcome | None = None
    sla: SlaState | None = None
    """Goes with `outcome`."""
    waits_for: WaitingOn | None = None
    """The case is still open and waits for them."""
    same_case_as: str | None = None
    """File of the same person, submitted before."""
    refused: int | None = Field(default=None, ge=1)
    """How many faults are told."""
    warns: tuple[str, ...] = ()
    """Fields that are warned of, at least."""
    operator: Operator | None = None
    dials: dict[System, dict[str, Dial]] = {}

    @model_validator(mode="after")
    def _expects_one_thing(self) -> "Entry":
        expectations = (self.outcome, self.waits_for, self.same_case_as, self.refused)
        if sum(one is not None for one in expectations) != 1:
            raise ValueError("must have exactly one of outcome, waits_for, same_case_as, refused")
        if (self.outcome is None) != (self.sla is None):
            raise ValueError("outcome and sla go together")
        return self

    @property
    def name(self) -> str:
        """The file's name as tables show it."""
        return self.file.removesuffix(".json")

    @property
    def path(self) -> Path:
        """Where the application is."""
        return FOLDER / self.file

    @property
    def becomes_case(self) -> bool:
        """Whether the application opens a case of its own."""
        return self.outcome is not None or self.waits_for is not None

    @property
    def expected(self) -> str:
        """The expectation in the words in which the demo also says what came."""
        if self.outcome is not None and self.sla is not None:
            return ended(self.outcome, self.sla)
        if self.waits_for is not None:
            return still_open(self.waits_for)
        if self.same_case_as is not None:
            return same_case(self.same_case_as)
        return refused(self.refused or 0)

    def nik(self) -> str:
        """Read the person's NIK out of the application; the dials go by it."""
        nik: object = json.loads(self.path.read_text(encoding="utf-8"))["applicant"]["nik"]
        if not isinstance(nik, str):
            raise Misconfigured(f"{self.file}: a person with dials needs a NIK")
        return nik


class Manifest(BaseModel):
    """All applications of the demo, in the order in which they are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeline_of: str
    """File of the case whose timeline is printed at the end."""
    application: tuple[Entry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _files_are_known(self) -> "Manifest":
        own = {entry.file for entry in self.application if entry.becomes_case}
        named = {self.timeline_of} | {entry.same_case_as for entry in self.application if entry.same_case_as}
        if unknown := named - own:
            raise ValueError(f"no case comes from {', '.join(sorted(unknown))}")
        listed = [entry.file for entry in self.application]
        there = sorted(path.name for path in FOLDER.glob("*.json"))
        if sorted(listed) != there:
            odd = sorted(set(listed) ^ set(there)) or "a file twice"
            raise ValueError(f"files and entries differ: {odd}")
        return self


def ended(outcome: Outcome, sla: SlaState) -> str:
    """Say how a case ended."""
    return f"{outcome}, {sla}"


def still_open(waits_for: WaitingOn) -> str:
    """Say whom a case waits for that did not end."""
    return f"waits for {waits_for}"


def same_case(file: str) -> str:
    """Say whose case was found."""
    return f"same case as {file[:2]}"


def refused(faults: int) -> str:
    """Say that nothing was started."""
    return f"refused, {faults} fault{'s' * (faults > 1)}"


def load() -> Manifest:
    """Read the manifest. Raises Misconfigured."""
    try:
        return Manifest.model_validate(tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise Misconfigured(f"examples/manifest.toml: {error}") from None

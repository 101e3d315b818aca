"""One application of the demo and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from examples.manifest import Entry, ended, refused, same_case, still_open
from gateways.ports.ledger import Registry
from intake.intake import Intake
from models.case import CaseHealth, CaseState, Step
from models.errors import BadInput, Finding
from models.messages import EventKind


@dataclass
class Played:
    """An application that was handed in."""

    entry: Entry
    case_number: str | None = None
    is_new: bool = False
    faults: Sequence[Finding] = ()
    warnings: Sequence[Finding] = ()
    state: CaseState | None = field(default=None, repr=False)

    async def submit(self, intake: Intake) -> None:
        """Hand it in at the door that operators use."""
        try:
            done = await intake.submit(self.entry.path, now=datetime.now(UTC))
        except BadInput as error:
            self.faults = error.findings
            return
        self.case_number, self.is_new, self.warnings = done.case_number, done.is_new, done.warnings

    def observe(self, states: Mapping[str, CaseState]) -> None:
        """Take the state of the case from a reading of the ledger."""
        if self.case_number is not None:
            self.state = states.get(self.case_number, self.state)

    @property
    def waits_for_operator(self) -> bool:
        """Whether the case is open and stands still until a person acts."""
        return (
            self.state is not None and self.state.outcome is None and self.state.health is not CaseHealth.OK
        )

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to come in this demo."""
        if not self.is_new or self.state is None:
            return not self.is_new
        return self.state.outcome is not None or (
            self.state.waiting_on is self.entry.waits_for and self.state.health is CaseHealth.OK
        )

    def got(self, files: Mapping[str, str]) -> str:
        """Say what came, in the words of `Entry.expected`; `files` names the first file of a case."""
        if self.case_number is None:
            return refused(len(self.faults))
        if missing := set(self.entry.warns) - {warning.field for warning in self.warnings}:
            return f"no warning on {', '.join(sorted(missing))}"
        if not self.is_new:
            return same_case(files.get(self.case_number, "??"))
        if self.state is None:
            return "registered"
        if self.state.outcome is None:
            return still_open(self.state.waiting_on)
        return ended(self.state.outcome, self.state.sla_state)


def files_of_cases(played: Sequence[Played]) -> dict[str, str]:
    """Return the file that opened each case, by case number."""
    return {one.case_number: one.entry.file for one in played if one.is_new and one.case_number is not None}


def answers(played: Sequence[Played], registry: Registry, step: Step) -> set[str]:
    """Return `case:step:attempt` for every answer to a step that the cases have on record."""
    return {
        f"{number}:{event.step}:{event.attempt}"
        for number in files_of_cases(played)
        for event in registry.history(number)
        if event.kind is EventKind.ANSWER_RECORDED and event.step is step
    }

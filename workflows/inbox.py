"""What people asked of a case: taken in by the update handlers, taken up by the story."""

from datetime import datetime

from temporalio.exceptions import ApplicationError

from models.answers import HandedOver
from models.case import CaseState, Step
from models.messages import GiveAnswer
from workflows import options


def refused(words: str) -> ApplicationError:
    """Return the refusal of a command; an update that is refused leaves no trace in the history."""
    return ApplicationError(words, type="WrongState")


class Inbox:
    """Commands that wait to be taken up. A command counts once, however often it comes.

    Handlers only write here; the story's tasks look at `calls` in the condition they wait on.
    """

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self.withdrawn = False
        self.reopened = False
        self.awaits_person = False
        """The case stands still until somebody says that it goes on."""
        self._given: GiveAnswer | None = None
        self._open: tuple[Step, int] | None = None
        self._opened: dict[tuple[Step, int], datetime] = {}
        self._answered: set[tuple[Step, int]] = set()
        self._taken: set[str] = set()
        self._late: set[str] = set()

    @property
    def calls(self) -> bool:
        """Whether the story must look up from what it waits for."""
        return self.withdrawn or self.reopened or self._given is not None

    @property
    def waits_to_be_mended(self) -> bool:
        """Whether the case was returned and stands still until it is mended."""
        return self.awaits_person and self._open is None

    def take(self, command_id: str) -> bool:
        """Tell whether a command comes for the first time, and remember it."""
        is_new = command_id not in self._taken
        self._taken.add(command_id)
        return is_new

    def knows(self, command_id: str) -> bool:
        """Tell whether a command was taken before."""
        return command_id in self._taken

    def mark_late(self, command_id: str) -> None:
        """Remember that a command came too late."""
        self._late.add(command_id)

    def was_late(self, command_id: str) -> bool:
        """Tell whether a command came too late; it stays late however often it comes."""
        return command_id in self._late

    # -- The step that is open ---------------------------------------------------------------------

    def open(self, step: Step, attempt: int, since: datetime) -> None:
        """Let the step be answered from now on; `since` is when what led to it happened."""
        self._open = (step, attempt)
        self._opened[step, attempt] = since

    def not_before(self, command: GiveAnswer) -> datetime:
        """Return before when an answer cannot have happened: what opened its step."""
        return self._opened.get((command.step, command.attempt), command.occurred_at)

    def close(self) -> None:
        """Let the open step be answered no more; what comes now is late."""
        if self._open is not None:
            self._answered.add(self._open)
        self._open = None

    def is_open(self, step: Step, attempt: int) -> bool:
        """Tell whether this step waits for an answer that nobody gave yet."""
        return self._open == (step, attempt) and not self._is_decided

    def was_answered(self, step: Step, attempt: int) -> bool:
        """Tell whether an answer to this step comes too late."""
        return (step, attempt) in self._answered or (self._open == (step, attempt) and self._is_decided)

    @property
    def _is_decided(self) -> bool:
        """Whether the open step was answered or given up, and the story has not taken that up yet."""
        return self.reopened or self._given is not None

    def give(self, command: GiveAnswer) -> None:
        """Answer the open step."""
        self._given = command

    def take_answer(self) -> GiveAnswer | None:
        """Return the answer that a person gave, once."""
        given, self._given = self._given, None
        return given

    # -- Refusals -----------------------------------------------------------------------------------

    def require_answerable(self, command: GiveAnswer, state: CaseState, now: datetime) -> None:
        """Refuse an answer to a step that is not and was not open, naming the one that is."""
        if self.knows(command.command_id) or self.was_answered(command.step, command.attempt):
            return
        if isinstance(command.answer, HandedOver) and command.step is not Step.SIKS_NG_UPLOAD:
            raise refused(f"only the upload can be handed over, not {command.step}")
        if command.occurred_at > now + options.CLOCK_SKEW:
            raise refused("occurred_at lies in the future")
        if not self.is_open(command.step, command.attempt):
            what = f"{state.step}, attempt {state.attempt}"
            if self.waits_to_be_mended:
                raise refused(f"no step is open: the case waits to be mended at {what}")
            raise refused(f"that step is not open; the open one is {what}")

"""Why a case is where it is, and what to type next. Codes and numbers only, nothing personal."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.case import CaseHealth, CaseState, WaitingOn
from models.case_words import CaseWords
from models.desk import DeskItem, ItemKind
from models.lineage import Held
from models.outage import System
from models.outbox import AlertEntry, AlertState
from models.roles import MACHINE
from models.standstill import SLOW, has_our_reference, stands_still


@dataclass(frozen=True)
class PendingActivity:
    """A call that Temporal has under way or makes again."""

    name: str
    attempt: int
    next_at: datetime | None
    """When it is tried again; None while it is under way."""
    error: str | None
    """The class of the last error, a word of ours."""


FAILS_AT = 3
"""Which attempt at a workflow task means failing code."""


@dataclass(frozen=True)
class Glance:
    """What Temporal said of a case a moment ago."""

    answers: bool
    """Whether Temporal answered at all; without that nothing else is known."""
    is_named: bool = True
    """Whether it is said which Temporal to ask."""
    serves_later: bool = False
    """Whether it serves a later life of the ledger, of which this one is an older copy."""
    is_known: bool = False
    """Whether Temporal has something under the case's number, running or over."""
    is_running: bool = False
    is_anothers: bool = False
    """Whether what runs under the case's number is another case."""
    tells_else: bool = False
    """Whether it tells another story of the case than the ledger, of which a store was put back."""
    workers: int = 0
    """How many ask for work on the queue of the cases."""
    task_attempts: int = 0
    """Which attempt the present workflow task is; from the third on the code of the case fails."""
    pending: tuple[PendingActivity, ...] = ()

    @property
    def code_fails(self) -> bool:
        """Whether the case stands still until a mended worker comes up."""
        return self.task_attempts >= FAILS_AT


UNKNOWN = Glance(answers=False)
NOT_NAMED = Glance(answers=False, is_named=False)
OF_LATER_LIFE = Glance(answers=False, serves_later=True)


@dataclass(frozen=True)
class Why:
    """Everything that says why a case stands where it does."""

    state: CaseState
    """As the rule judges it now."""
    items: Sequence[DeskItem]
    """Open work of people."""
    undelivered: int
    """Commands that the workflow has not taken yet."""
    alert: AlertEntry | None
    """The newest one."""
    glance: Glance
    is_begun: bool
    """Whether the case's workflow is known to have been started."""
    now: datetime
    words: CaseWords
    """What is said of where it stands."""
    held: Held | None = None
    """Why no number is given out, to anybody."""
    is_unreadable: bool = False
    """Whether nobody can read the case again, because its person's key was lost."""
    in_charge_left: bool = False
    """Whether who took charge of the newest alert works here no more."""

    @property
    def code_fails(self) -> bool:
        """Whether the case stands still until a mended worker comes up."""
        return self.glance.code_fails

    @property
    def error(self) -> str | None:
        """The class of the last error, or a reason code; None when nothing went wrong."""
        if self.is_unreadable:
            return "KeyLost"
        if self.code_fails:
            return "Unexpected"
        errors = (one.error for one in self.glance.pending)
        failing = next((error for error in errors if error not in {None, "NotYetAnswered"}), None)
        return failing or (self.state.trouble if stands_still(self.state) else None)

    @property
    def next(self) -> tuple[str, ...]:
        """What to type next, the most useful first; empty when there is nothing but to wait."""
        state, number = self.state, self.state.case.case_number
        if state.outcome is not None:
            return ()
        if first := self._after_a_store_was_put_back():
            return first
        if not self.glance.answers or not self.glance.workers:
            is_named = self.glance.is_named
            return ("starter.py doctor", "worker.py") if is_named else ("starter.py up", "starter.py doctor")
        if self.code_fails:
            return (
                f"temporal workflow show -w {number}",
                f"starter.py bulk escalate --where {_only(number)}",
            )
        if state.health is CaseHealth.PARKED:
            system = System.of(state.step)
            return (
                "starter.py outage list",
                *(() if system is None else (f"starter.py outage end {system}",)),
            )
        return (*self._at_desk(), *self._mending(), *self._hurrying())

    def _after_a_store_was_put_back(self) -> tuple[str, ...]:
        """Bring ledger and Temporal together, or give up what nobody can read again."""
        number = self.state.case.case_number
        if self.held is not None:
            return ("starter.py restored", "starter.py doctor")
        is_behind = self.state.trouble == "LedgerBehind" or self.glance.tells_else
        if not self.glance.answers or (self.glance.is_running and not is_behind):
            gives_up = (f"starter.py withdraw {number} --reason WHY", "starter.py submit FILE")
            return gives_up if self.is_unreadable else ()
        can_begin = not (is_behind or self.is_begun or self.glance.is_known)
        return ("starter.py sweep" if can_begin else f"starter.py recover {number}", "starter.py doctor")

    def _at_desk(self) -> tuple[str, ...]:
        """Let an officer go on with the work that lies on the desk."""
        answers = [item for item in self.items if item.kind is ItemKind.ANSWER and item.assignee != MACHINE]
        if stands_still(self.state) or not answers:
            return ()
        item = answers[0]
        if item.is_free:
            return (f"starter.py desk claim {item.id}",)
        return (f"starter.py desk show {item.id}", f"starter.py desk assign {item.id} OFFICER")

    def _mending(self) -> tuple[str, ...]:
        """Mend what the case stands still for, and let it go on."""
        state, number = self.state, self.state.case.case_number
        if not stands_still(state):
            return ()
        if state.waiting_on is WaitingOn.APPLICANT or state.trouble == "DocumentLost":
            return (f"starter.py documents add {number} KIND=PATH", f"starter.py documents list {number}")
        if state.waiting_on is WaitingOn.OFFICER and state.trouble is not None and state.trouble.isupper():
            return (f"starter.py correct {number} FIELD", f"starter.py retry {number}")
        if (other := has_our_reference(state.trouble)) is not None:
            proven = "--receipt REF --receipt-again REF --at TIME --proof FILE"
            return (
                f"starter.py show {other}",
                f"starter.py receipt void {other} --reason WHY",
                f"starter.py answer {number} {state.step} --approve {proven}",
            )
        if state.trouble in {"Misconfigured", "KeyMissing", "BadReply", "Unexpected", "Timeout"}:
            return ("starter.py doctor", f"starter.py retry {number}")
        return (f"starter.py retry {number}",)

    def _hurrying(self) -> tuple[str, ...]:
        """Take charge of what people were told of, and tell somebody higher of what takes too long."""
        number = self.state.case.case_number
        is_open = self.alert is not None and self.alert.state is AlertState.OPEN
        ack = (f"starter.py alerts ack {number}",) if is_open and not stands_still(self.state) else ()
        is_slow = self.state.trouble in SLOW
        return (*ack, *((f"starter.py bulk escalate --where {_only(number)}",) if is_slow else ()))


def _only(number: str) -> str:
    return shlex.quote(f'WorkflowId="{number}"')

"""What a supervisor can filter cases by. Never personal; within the limits of SQL visibility stores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from models.case import CaseRef, CaseState

T = TypeVar("T", str, int, datetime)


@dataclass(frozen=True)
class Column(Generic[T]):
    """A search attribute, and how to read it from a case's state."""

    key: SearchAttributeKey[T]
    read: Callable[[CaseState], T | None]

    @property
    def declaration(self) -> str:
        """The attribute as Temporal's tools are told of it, for example `CaseStep=Keyword`."""
        return f"{self.key.name}={self.key.indexed_value_type.name.title()}"

    def pair(self, state: CaseState) -> SearchAttributePair[T] | None:
        """Return the attribute as it is given at the start; None while it has no value."""
        value = self.read(state)
        return None if value is None else SearchAttributePair(self.key, value)

    def change(self, before: CaseState, after: CaseState) -> SearchAttributeUpdate[T] | None:
        """Return the update from one state to the other; None when nothing would be seen."""
        value = self.read(after)
        return None if value is None or value == self.read(before) else self.key.value_set(value)


DUE_AT: Final = SearchAttributeKey.for_datetime("SlaDueAt")
NO_TROUBLE: Final = "none"
"""Why a case is stuck or parked, while it is neither."""

COLUMNS: tuple[Column[str] | Column[int] | Column[datetime], ...] = (
    Column(SearchAttributeKey.for_keyword("CaseTrack"), lambda state: state.case.track.value),
    Column(SearchAttributeKey.for_keyword("CaseStep"), lambda state: state.step.value),
    Column(SearchAttributeKey.for_keyword("WaitingOn"), lambda state: state.waiting_on.value),
    Column(SearchAttributeKey.for_keyword("SlaState"), lambda state: state.sla_state.value),
    Column(SearchAttributeKey.for_keyword("City"), lambda state: state.case.city),
    Column(SearchAttributeKey.for_keyword("Kecamatan"), lambda state: state.case.kecamatan),
    Column(SearchAttributeKey.for_keyword("CaseHealth"), lambda state: state.health.value),
    Column(SearchAttributeKey.for_keyword("CaseTrouble"), lambda state: state.trouble or NO_TROUBLE),
    Column(DUE_AT, lambda state: state.due_at),
    Column(SearchAttributeKey.for_datetime("StepSince"), lambda state: state.since),
    Column(SearchAttributeKey.for_int("EscalationLevel"), lambda state: state.escalation_level),
    Column(SearchAttributeKey.for_int("Attempt"), lambda state: state.attempt),
)


def initial(case: CaseRef) -> TypedSearchAttributes:
    """Return the attributes a case is started with; setting them at the start costs no event."""
    state = CaseState.opening(case)
    return TypedSearchAttributes([pair for column in COLUMNS if (pair := column.pair(state)) is not None])


def changes(
    before: CaseState, after: CaseState
) -> Sequence[SearchAttributeUpdate[str] | SearchAttributeUpdate[int] | SearchAttributeUpdate[datetime]]:
    """Return the updates from one state to the other; empty when a supervisor would see no change."""
    return [update for column in COLUMNS if (update := column.change(before, after)) is not None]

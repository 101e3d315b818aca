"""What the events of a case say of its state: a state that says otherwise was changed past the engine.

Only what follows from events alone is compared. A clock that runs is judged as far as its marks go: what it
says between two of them depends on the policy that the case is held to.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from models.case import Outcome, SlaState, Step
from models.messages import EventKind

COMPARED: Final = ("track", "received_at", "step", "attempt", "sla_state", "outcome", "closed_at")
"""The columns of a case that are compared."""
TOLD_BY: Final = frozenset(
    {
        EventKind.CASE_REGISTERED,
        EventKind.CASE_OPENED,
        EventKind.CASE_RESET,
        EventKind.CASE_RETOLD,
        EventKind.CASE_WITHDRAWN,
        EventKind.CASE_CLOSED,
        EventKind.TRACK_SWITCHED,
        EventKind.STEP_OPENED,
        EventKind.ANSWER_RECORDED,
        EventKind.SLA_STARTED,
        EventKind.SLA_TURNED,
        EventKind.SLA_EXTENDED,
        EventKind.SLA_RECOUNTED,
        EventKind.SLA_WARNED,
        EventKind.SLA_BREACHED,
        EventKind.SLA_MET,
        EventKind.SLA_MISSED,
    }
)
"""The events that tell of them, and those that begin an epoch."""
_MOVES_DUE: Final = frozenset(
    {
        EventKind.TRACK_SWITCHED,
        EventKind.SLA_STARTED,
        EventKind.SLA_TURNED,
        EventKind.SLA_EXTENDED,
        EventKind.SLA_RECOUNTED,
    }
)
"""After one of these a breached case may be in time again."""
_ENDS: Final = {EventKind.SLA_MET: SlaState.MET, EventKind.SLA_MISSED: SlaState.MISSED}


class Line(NamedTuple):
    """An event, each value as text."""

    kind: str
    at: str
    step: str | None
    attempt: str | None
    facts: Mapping[str, object]


def contradictions(row: Mapping[str, str | None], story: Sequence[Line]) -> Iterator[str]:
    """Tell in which columns a case differs from its events, as `outcome is withdrawn, its events say none`.

    `row` holds `COMPARED` as text, times in a form that sorts. `story` are events of the newest epoch in
    their order. An epoch that a reset began may not be whole: what it does not tell is not compared.
    """
    for name, told in _told(story).items():
        if row[name] not in told:
            words = " or ".join(sorted(one or "none" for one in told))
            yield f"{name} is {row[name] or 'none'}, its events say {words}"
    yield from _end(row["closed_at"], story)


def _told(story: Sequence[Line]) -> dict[str, Collection[str | None]]:
    """Return what each column may be; a column that the story does not tell of is left out."""
    newest = {line.kind: line for line in story}
    is_whole = not newest.keys().isdisjoint({EventKind.CASE_REGISTERED, EventKind.CASE_OPENED})
    told: dict[str, Collection[str | None]] = {}
    if (registered := newest.get(EventKind.CASE_REGISTERED)) is not None:
        told["received_at"] = {registered.at}
    stands = newest.get(EventKind.CASE_CLOSED) or newest.get(EventKind.STEP_OPENED)
    if stands is not None:
        told |= {"step": {stands.step}, "attempt": {stands.attempt}}
    elif is_whole:
        told |= {"step": {Step.DOCUMENT_CHECK}, "attempt": {"1"}}
    tracks = [str(line.facts["track"]) for line in story if "track" in line.facts]
    if tracks:
        told["track"] = {tracks[-1]}
    closed = newest.get(EventKind.CASE_CLOSED)
    if closed is None:
        told |= {"outcome": {None}, "closed_at": {None}, "sla_state": _running(story, is_whole=is_whole)}
        return told
    if "outcome" in closed.facts:
        told["outcome"] = {str(closed.facts["outcome"])}
    if judged := {state for kind, state in _ENDS.items() if kind in newest}:
        told["sla_state"] = judged
    return told


def _running(story: Sequence[Line], *, is_whole: bool) -> Collection[str | None]:
    """Return how an open case may stand against its budget."""
    kinds = [line.kind for line in story]
    if is_whole and EventKind.SLA_STARTED not in kinds:
        return {SlaState.ON_TRACK}
    marks = [kind for kind in kinds if kind == EventKind.SLA_BREACHED or kind in _MOVES_DUE]
    if marks and marks[-1] == EventKind.SLA_BREACHED:
        return {SlaState.BREACHED}
    may_be: set[str | None] = {SlaState.ON_TRACK, SlaState.PAUSED, SlaState.AT_RISK, SlaState.BREACHED}
    if is_whole and EventKind.SLA_BREACHED not in kinds:
        may_be.remove(SlaState.BREACHED)
        if EventKind.SLA_WARNED not in kinds:
            may_be.remove(SlaState.AT_RISK)
    return may_be


def _end(closed_at: str | None, story: Sequence[Line]) -> Iterator[str]:
    """Tell whether a case that ended ended when its events say: with the last answer, or as it was withdrawn.

    That lies no later than the moment at which the end was written down.
    """
    newest = {line.kind: line for line in story}
    closed = newest.get(EventKind.CASE_CLOSED)
    if closed is None:
        return
    is_withdrawn = closed.facts.get("outcome") == Outcome.WITHDRAWN
    cause = newest.get(EventKind.CASE_WITHDRAWN if is_withdrawn else EventKind.ANSWER_RECORDED)
    first = "" if cause is None else cause.at
    last = closed.at if cause is None or is_withdrawn else cause.at
    if closed_at is None or not first <= closed_at <= last:
        said = last if first in {"", last} else f"{first} to {last}"
        yield f"closed_at is {closed_at or 'none'}, its events say {said}"

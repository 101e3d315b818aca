"""Names everything that is wrong after a run. Knows nothing of processes: it is given what was seen."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from models.case import CaseHealth, CaseState, Outcome, SlaState, Step
from models.messages import Alert, AlertKind, CaseEvent, EventKind
from tests.chaos.plan import Store

TELL_WITHIN = timedelta(seconds=20)
"""How long after its due time an open case may be without a breach."""
_CLOSE_ENOUGH = timedelta(milliseconds=2)
"""How much Temporal may round a time."""


class Wrong(StrEnum):
    """What can be wrong."""

    LOST = "lost"
    """An application without a case, or a case that is neither over nor waits as it should."""
    DOUBLED = "doubled"
    """A person with two cases, or a case with two ends."""
    REPEATED = "repeated"
    """An outside effect that happened twice, or that nobody asked for."""
    UNDONE = "undone"
    """An outside effect that the ledger takes for done."""
    UNMENDED = "unmended"
    """What the commands for stores that were put back, or a stranger at the door, did otherwise than told."""
    DISAGREE = "disagree"
    """The ledger says one thing, Temporal another."""
    UNWRITTEN = "unwritten"
    """A row that is not as the engine wrote it, as `audit verify` finds it."""
    GAP = "gap"
    """The events of a case are not numbered 1, 2, 3 ..."""
    BREACH = "breach"
    """A case that was late without a breach, or had one without being late, or more than one."""
    UNTOLD = "untold"
    """An alert that is not in the outbox once, or that reached nobody."""
    LEAK = "leak"
    """Personal data where none belongs."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    wrong: Wrong
    about: str
    """A case number, or what else it is about."""
    words: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.wrong}: {self.about}: {self.words}"


@dataclass(frozen=True)
class Execution:
    """A case as Temporal lists it."""

    is_running: bool
    attributes: Mapping[str, str | int | datetime]
    result: CaseState | None
    """What the workflow returned; None while it runs, or when it ended in another way."""


@dataclass(frozen=True)
class CaseSeen:
    """A case as the ledger tells it."""

    ends: frozenset[str]
    """Outcomes, troubles or `wait:<step>` that are right for it."""
    state: CaseState
    events: tuple[CaseEvent, ...]
    alerts: tuple[Alert, ...]
    reference: str | None
    """What SIKS-NG calls the latest submission."""
    submitted: frozenset[int] = frozenset()
    """Attempts at the upload of which the ledger holds a submission."""
    asked: frozenset[int] = frozenset()
    """Attempts at the upload that it ever opened, in whichever run."""
    retold: int = 0
    """How often it told its story anew, since Temporal had lost a workflow task."""

    @property
    def number(self) -> str:
        """The case number."""
        return self.state.case.case_number


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen at a time."""

    at: datetime
    cases: tuple[CaseSeen, ...]
    executions: Mapping[str, Execution]
    expected: Mapping[str, Mapping[str, str | int | datetime]]
    """Search attributes by the ledger, by case number."""
    effects: Mapping[str, Mapping[str, int]]
    """How often what happened, by system and key: the institutions' own count."""
    received: Mapping[str, int] = field(default_factory=dict)
    """How often each message arrived, by its id."""
    strangers: tuple[str, ...] = ()
    """Cases in the ledger that no application made."""
    forgotten: frozenset[str] = frozenset()
    """Cases that the ledger does not know any more, since it was put back from a copy."""
    mixed: tuple[str, ...] = ()
    """Case numbers that two people were given."""
    unmended: tuple[str, ...] = ()
    """What was not as docs/restore.md promises."""
    older: frozenset[Store] = frozenset()
    """What was put back from a copy: Temporal may lack cases that are over, and the ledger their receipts."""
    caseless: tuple[str, ...] = ()
    """Applications without a case; by their place in the plan, not by the person."""
    undelivered: int = 0
    """Commands that lie in the ledger and reached no case."""
    leaks: tuple[str, ...] = ()
    """Lines that tell where something personal was found."""
    unwritten: tuple[str, ...] = ()
    """Rows that differ from what is sealed."""


def judge(seen: Evidence) -> list[Finding]:
    """Return everything that is wrong; empty is what we hope for."""
    found = [Finding(Wrong.LOST, f"application {place}", "made no case") for place in seen.caseless]
    found += [Finding(Wrong.DOUBLED, number, "a case that nobody applied for") for number in seen.strangers]
    found += [Finding(Wrong.LEAK, "personal data", line) for line in seen.leaks]
    found += [Finding(Wrong.UNWRITTEN, "ledger", row) for row in seen.unwritten]
    found += [Finding(Wrong.DOUBLED, number, "was given to two people") for number in seen.mixed]
    found += [Finding(Wrong.UNMENDED, "restoring", words) for words in seen.unmended]
    if seen.undelivered:
        found.append(Finding(Wrong.LOST, "commands", f"{seen.undelivered} reached no case"))
    for case in seen.cases:
        found += _of_end(case)
        found += _of_numbers(case)
        found += _of_breach(case, seen.at, seen.older)
        found += _of_alerts(case, seen.received)
        found += _of_effects(case, seen)
        found += _of_temporal(case, seen)
    found += _of_all_effects(seen)
    known = {case.number for case in seen.cases} | set(seen.strangers)
    found += [
        Finding(Wrong.DISAGREE, number, "Temporal has a case that the ledger has not")
        for number in seen.executions.keys() - known
        if number not in seen.forgotten or seen.executions[number].is_running
    ]
    return found


def _of_end(case: CaseSeen) -> Iterator[Finding]:
    state, closed = case.state, sum(event.kind is EventKind.CASE_CLOSED for event in case.events)
    if closed != (state.outcome is not None):
        yield Finding(
            Wrong.DOUBLED if closed > 1 else Wrong.LOST,
            case.number,
            f"{closed} ends are told and the outcome is {state.outcome}",
        )
    if (now := standing(state)) not in case.ends:
        yield Finding(Wrong.LOST, case.number, f"stands at {now!r}, right were {sorted(case.ends)}")


def standing(state: CaseState) -> str:
    """Return where a case stands in one word: its outcome, its trouble, or the step that it waits at."""
    if state.outcome is not None:
        return state.outcome.value
    if state.health is not CaseHealth.OK:
        return state.trouble or state.health.value
    return f"wait:{state.step}"


def _of_numbers(case: CaseSeen) -> Iterator[Finding]:
    numbers = [event.seq for event in case.events]
    if numbers != list(range(1, len(numbers) + 1)):
        gaps = [f"{one} -> {next_}" for one, next_ in pairwise([0, *numbers]) if next_ != one + 1]
        yield Finding(Wrong.GAP, case.number, f"event numbers jump: {', '.join(gaps)}")


def _of_breach(case: CaseSeen, at: datetime, older: frozenset[Store]) -> Iterator[Finding]:
    state = case.state
    noted = sum(event.kind is EventKind.SLA_BREACHED for event in case.events)
    end = state.closed_at or at
    is_late = state.due_at is not None and end > state.due_at and state.sla_state is not SlaState.PAUSED
    if state.outcome is None and state.due_at is not None and end <= state.due_at + TELL_WITHIN:
        is_late = is_late and noted > 0  # it may be told a moment later
    if noted != is_late:
        words = f"{noted} breach(es) noted; due {state.due_at}, closed {state.closed_at}, {state.sla_state}"
        yield Finding(Wrong.BREACH, case.number, words)
    if state.outcome is not None and (state.sla_state is SlaState.MISSED) != bool(noted):
        yield Finding(Wrong.BREACH, case.number, f"ended as {state.sla_state} with {noted} breach(es) noted")
    told = sum(alert.kind is AlertKind.SLA_BREACH and 1 in (alert.levels or (1,)) for alert in case.alerts)
    is_over_and_told_again = Store.LEDGER in older and state.outcome is not None and not told
    if told != noted and not is_over_and_told_again:
        yield Finding(Wrong.UNTOLD, case.number, f"{noted} breach(es) noted and {told} told in the outbox")


def _of_alerts(case: CaseSeen, received: Mapping[str, int]) -> Iterator[Finding]:
    for key, times in Counter(alert.key for alert in case.alerts).items():
        if times > 1:
            yield Finding(Wrong.UNTOLD, case.number, f"{times} alerts have the key {key}")
        if not received.get(message_of(key)):
            yield Finding(Wrong.UNTOLD, case.number, f"nobody received {key}")


def message_of(key: str) -> str:
    """Return the id of the first message that tells an alert to the other system."""
    return f"{key}:@webhook:0"


def _of_effects(case: CaseSeen, seen: Evidence) -> Iterator[Finding]:
    effects = seen.effects
    submitted = {key for key in effects["siks_ng"] if key.startswith(f"{case.number}:")}
    taken = {
        f"{case.number}:{event.step}:{event.attempt}"
        for event in case.events
        if event.kind is EventKind.ANSWER_RECORDED
        and event.step is Step.SIKS_NG_UPLOAD
        and event.facts.get("decision") != "moot"  # covered by now: nothing was handed in
    }
    for key in taken - submitted:
        if not any(
            key < later for later in submitted
        ):  # done under the key of a run before it was begun anew
            yield Finding(Wrong.UNDONE, case.number, f"SIKS-NG does not have {key}")
    opened = {f"{case.number}:{Step.SIKS_NG_UPLOAD}:{attempt}" for attempt in case.asked}
    is_known = not {Store.LEDGER, Store.TEMPORAL} <= seen.older
    for key in submitted - opened if is_known else ():
        yield Finding(Wrong.REPEATED, case.number, f"SIKS-NG has {key}, which the case never asked for")
    is_forgotten = (case.reference is None and Store.KEYS in seen.older) or (
        Store.LEDGER in seen.older and max(case.submitted, default=0) < max(case.asked, default=0)
    )
    if case.state.outcome is Outcome.REACTIVATED and not is_forgotten:
        for system in ("kemensos", "bpjs"):
            if case.reference is None or case.reference not in effects[system]:
                yield Finding(Wrong.UNDONE, case.number, f"{system} did nothing for it")


def _of_all_effects(seen: Evidence) -> Iterator[Finding]:
    numbers = {case.number for case in seen.cases} | set(seen.strangers) | seen.forgotten
    for system, counted in seen.effects.items():
        for key, times in counted.items():
            if times != 1:
                yield Finding(Wrong.REPEATED, key, f"{system} did it {times} times")
            if system == "siks_ng" and key.split(":")[0] not in numbers:
                yield Finding(Wrong.REPEATED, key, "SIKS-NG has a submission of no case")


def _of_temporal(case: CaseSeen, seen: Evidence) -> Iterator[Finding]:
    execution = seen.executions.get(case.number)
    if Store.TEMPORAL in seen.older and case.state.outcome is not None:
        if execution is not None and execution.is_running:
            yield Finding(Wrong.DISAGREE, case.number, "is over in the ledger and runs in an older Temporal")
        return
    if execution is None:
        yield Finding(Wrong.DISAGREE, case.number, "Temporal does not have it")
        return
    if execution.is_running != (case.state.outcome is None):
        words = "runs" if execution.is_running else "is over"
        yield Finding(Wrong.DISAGREE, case.number, f"{words} in Temporal, outcome is {case.state.outcome}")
    elif not execution.is_running and execution.result != case.state:
        yield Finding(Wrong.DISAGREE, case.number, "the workflow's result is not the ledger's state")
    for name, ours in seen.expected[case.number].items():
        theirs = execution.attributes.get(name)
        if not _is_same(ours, theirs):
            yield Finding(
                Wrong.DISAGREE, case.number, f"{name} is {ours} in the ledger, {theirs} in Temporal"
            )


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) <= _CLOSE_ENOUGH
    return one == other

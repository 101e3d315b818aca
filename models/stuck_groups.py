"""Which cases are stuck or parked, and why: groups that a supervisor looks at, filters by and frees."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from models.case import CaseHealth, CaseState, Step, Track, WaitingOn
from models.standstill import SLOW, TOO_OFTEN, StuckPolicy, StuckRule, has_our_reference, judged, waits_for

EXAMPLES: Final = 5
"""How many cases a group names."""
CODE_FAILS: Final = (
    'TemporalReportedProblems IN ("category=WorkflowTaskFailed","category=WorkflowTaskTimedOut")'
)
"""List filter of the cases whose code fails; Temporal itself writes the attribute."""
RUNNING: Final = 'ExecutionStatus="Running"'
CASES: Final = 'WorkflowType="Reactivation"'
RUNNING_CASES: Final = f"{CASES} AND {RUNNING}"
_BY_OFFICE: Final = frozenset({waits_for(WaitingOn.OFFICER), waits_for(WaitingOn.SIGNER)})


@dataclass(frozen=True)
class StuckGroup:
    """Cases of a city that are stuck or parked for one reason at one step."""

    city: str
    health: CaseHealth
    trouble: str
    step: Step
    count: int
    oldest: datetime
    """Since when the one that has waited longest waits."""
    examples: tuple[str, ...]
    """Numbers of the cases that have waited longest."""
    where: str
    """List filter that finds these cases, without the condition that they run."""
    is_marked: bool
    """Whether the cases say so themselves; otherwise no worker was there to see to it."""

    @property
    def fix(self) -> str:
        """What to type next, as a command with every option but who gives it and why."""
        if self.health is CaseHealth.PARKED:
            return "starter.py outage list"
        if self.trouble in _BY_OFFICE:
            return "starter.py desk list --all --unassigned"
        needs_words = self.trouble in {TOO_OFTEN, "KeyLost"} or has_our_reference(self.trouble)
        if needs_words or self.is_returned:
            return f"starter.py why {self.examples[0]}"
        if self.trouble == "LedgerBehind":
            return "starter.py recover --lost"
        verb = "escalate" if self.trouble in SLOW else "retry"
        return f"starter.py bulk {verb} --where {shlex.quote(self.where)}"

    @property
    def is_returned(self) -> bool:
        """Whether a person has to mend papers or data, which no command does; codes of ours are capitals."""
        return self.trouble.isupper()


def groups_of(
    states: Iterable[CaseState], rules: Mapping[str, StuckPolicy], now: datetime
) -> list[StuckGroup]:
    """Return the groups of the open cases that are not well by the rules of their city, the largest first.

    Those that do not say so themselves are apart by track, since each track has a patience of its own.
    """
    found: dict[tuple[str, CaseHealth, str, Step, Track | None], list[CaseState]] = {}
    for told in states:
        state = judged(told, rules[told.case.city].rule_of(told.case.track), now)
        if state.health is not CaseHealth.OK:
            is_marked = (state.health, state.trouble) == (told.health, told.trouble)
            track = None if is_marked else state.case.track
            key = (state.case.city, state.health, state.trouble or "-", state.step, track)
            found.setdefault(key, []).append(state)
    groups = []
    for (city, health, trouble, step, track), members in found.items():
        members.sort(key=lambda state: (state.since, state.case.case_number))
        marks = f'CaseHealth="{health}" AND CaseTrouble="{trouble}"'
        groups.append(
            StuckGroup(
                city=city,
                health=health,
                trouble=trouble,
                step=step,
                count=len(members),
                oldest=members[0].since,
                examples=tuple(state.case.case_number for state in members[:EXAMPLES]),
                where=f"{marks if track is None else _unmarked(members[0], rules[city].rule_of(track), now)}"
                f' AND CaseStep="{step}" AND City="{city}"',
                is_marked=track is None,
            )
        )
    return sorted(groups, key=lambda group: (-group.count, group.city, group.trouble, group.step))


def _unmarked(state: CaseState, rule: StuckRule, now: datetime) -> str:
    """Return the filter of cases that have waited too long, or were begun too often, and do not say so."""
    of_track = f'CaseTrack="{state.case.track}"'
    if state.trouble == TOO_OFTEN:
        return f'CaseHealth="ok" AND Attempt > {rule.attempts} AND {of_track}'
    since = now - rule.waiting[state.waiting_on]
    return f'WaitingOn="{state.waiting_on}" AND StepSince < "{utc(since)}" AND {of_track}'


def utc(at: datetime) -> str:
    """Return a time as list filters take it, for example `2026-02-13T08:00:00Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

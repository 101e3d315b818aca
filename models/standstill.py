"""When a case is stuck: the rule of a city, and the same verdict for the workflow's clock and the ledger.

A case whose step failed or came back stands still and is called stuck at once. One that only takes too long,
or was begun too often, is called stuck while it goes on: an answer is taken as ever.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import ConfigDict, Field, field_validator

from models.case import CaseHealth, CaseState, WaitingOn
from models.payload import Payload

TOO_OFTEN: Final = "attempts"
"""The trouble of a case that was begun too often."""
PATIENT_WITH: Final = (
    WaitingOn.OFFICER,
    WaitingOn.SIGNER,
    WaitingOn.SIKS_NG,
    WaitingOn.KEMENSOS,
    WaitingOn.BPJS,
)
"""Whom a case may wait for while nothing is wrong; it waits for others only once it is called stuck."""


def waits_for(waiting_on: WaitingOn) -> str:
    """Return the trouble of a case that waits too long for somebody, as `waits.kemensos`."""
    return f"waits.{waiting_on}"


SLOW: Final = frozenset({TOO_OFTEN, *map(waits_for, PATIENT_WITH)})
"""Troubles of a case that goes on all the same: nobody has to free it."""

MAY_BE_DOWN: Final = ("Unavailable", "Timeout")
"""Troubles that an outage may explain: a case that stands still for one is parked with the others."""


class StuckRule(Payload):
    """How long and how often a case may try before it is called stuck."""

    waiting: dict[WaitingOn, timedelta]
    """How long it may wait for each, in wall time."""
    attempts: int
    """Beyond this attempt it is stuck; rounds of failing within one are told by themselves."""


class StuckPolicy(StuckRule):
    """The rule as `policies/kota-*.toml` has it; whoever is not named keeps our number."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    waiting: dict[WaitingOn, timedelta] = Field(default_factory=dict)
    attempts: Annotated[int, Field(ge=1, le=50)] = 3

    @field_validator("waiting")
    @classmethod
    def _is_complete(cls, value: Mapping[WaitingOn, timedelta]) -> dict[WaitingOn, timedelta]:
        if odd := sorted(set(value) - set(PATIENT_WITH)):
            raise ValueError(f"a case that waits for {', '.join(odd)} is called stuck at once")
        if any(patience <= timedelta(0) for patience in value.values()):
            raise ValueError("must be longer than zero, for example PT2H")
        return _OURS | dict(value)


_OURS: Final = {
    WaitingOn.OFFICER: timedelta(days=1),
    WaitingOn.SIGNER: timedelta(days=1),
    WaitingOn.SIKS_NG: timedelta(hours=2),
    WaitingOn.KEMENSOS: timedelta(hours=12),
    WaitingOn.BPJS: timedelta(hours=12),
}
"""No source gives a number: these are ours."""


def stands_still(state: CaseState) -> bool:
    """Tell whether nothing goes on until a person acts."""
    return state.health is CaseHealth.STUCK and state.trouble not in SLOW


def loses_patience_at(state: CaseState, rule: StuckRule) -> datetime | None:
    """Return when a case that goes on has waited too long; None when it cannot, or is called stuck for it."""
    is_told = state.trouble == waits_for(state.waiting_on)
    if state.health is CaseHealth.PARKED or stands_still(state) or is_told:
        return None
    patience = rule.waiting.get(state.waiting_on)
    return None if patience is None else state.since + patience


def judged(state: CaseState, rule: StuckRule, now: datetime) -> CaseState:
    """Return an open case with the health that the rule gives it now, whether or not a worker saw to that."""
    end = loses_patience_at(state, rule)
    if end is not None and end <= now:
        change = {"health": CaseHealth.STUCK, "trouble": waits_for(state.waiting_on)}
        return state.model_copy(update=change)
    if state.health is CaseHealth.OK and state.attempt > rule.attempts:
        return state.model_copy(update={"health": CaseHealth.STUCK, "trouble": TOO_OFTEN})
    return state

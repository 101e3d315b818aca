"""When a case is stuck: the rule of city and track, and one verdict for the workflow's clock and the ledger.

A case whose step failed or came back stands still and is called stuck at once. One that only takes too long,
or was begun too often, is called stuck while it goes on: an answer is taken as ever.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from models.bounds import AtMostAYear
from models.case import CaseHealth, CaseState, Track, WaitingOn
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


_TAKEN: Final = "ReferenceTaken:"


def has_our_reference(trouble: str | None) -> str | None:
    """Return the case that has the reference which SIKS-NG gave to this one too; None for another trouble."""
    return trouble.removeprefix(_TAKEN) if trouble is not None and trouble.startswith(_TAKEN) else None


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


_Waits = dict[WaitingOn, AtMostAYear]


class StuckPolicy(BaseModel):
    """The rules as `policies/kota-*.toml` has them; whoever is not named keeps our number."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    waiting: _Waits = Field(default_factory=dict)
    tracks: dict[Track, _Waits] = Field(default_factory=dict)
    """Patience of a track that is not the city's."""
    attempts: Annotated[int, Field(ge=1, le=50)] = 3

    @field_validator("waiting")
    @classmethod
    def _is_complete(cls, value: _Waits) -> _Waits:
        return _OURS | _checked(value)

    @field_validator("tracks")
    @classmethod
    def _are_in_order(cls, value: dict[Track, _Waits]) -> dict[Track, _Waits]:
        given = {track: _checked(waits) for track, waits in value.items()}
        return given | {Track.EMERGENCY: _OURS_IN_AN_EMERGENCY | given.get(Track.EMERGENCY, {})}

    def rule_of(self, track: Track) -> StuckRule:
        """Return the rule of a track."""
        return StuckRule(waiting=self.waiting | self.tracks.get(track, {}), attempts=self.attempts)


def _checked(value: _Waits) -> _Waits:
    if odd := sorted(set(value) - set(PATIENT_WITH)):
        raise ValueError(f"a case that waits for {', '.join(odd)} is called stuck at once")
    if any(patience <= timedelta(0) for patience in value.values()):
        raise ValueError("must be longer than zero, for example PT2H")
    return value


_OURS: Final = {
    WaitingOn.OFFICER: timedelta(days=1),
    WaitingOn.SIGNER: timedelta(days=1),
    WaitingOn.SIKS_NG: timedelta(hours=2),
    WaitingOn.KEMENSOS: timedelta(hours=12),
    WaitingOn.BPJS: timedelta(hours=12),
}
"""No source gives a number: these are ours."""
_OURS_IN_AN_EMERGENCY: Final = {
    WaitingOn.OFFICER: timedelta(hours=6),
    WaitingOn.SIGNER: timedelta(hours=6),
    WaitingOn.SIKS_NG: timedelta(minutes=30),
    WaitingOn.KEMENSOS: timedelta(hours=6),
    WaitingOn.BPJS: timedelta(hours=1),
}
"""A quarter of the 24 hours at most: somebody lies in hospital. Ours too."""


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

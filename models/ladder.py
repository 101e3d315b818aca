"""Who hears of a late case, and when: the ladder of a city, as data in `policies/kota-*.toml`."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from models.bounds import AtMostAYear
from models.roles import MAY, Act, OfficerId, Role

_DOUBLINGS: Final = 20
"""More than any interval needs to reach its limit; keeps the power small."""
UNDELIVERED_AT_MOST: Final = timedelta(hours=1)
"""Whoever waits longer for a message to arrive before he tells the next level keeps silent."""


def _is_short(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= UNDELIVERED_AT_MOST:
        raise ValueError("must be longer than zero and at most an hour, for example PT15M")
    return value


_Undelivered = Annotated[timedelta, AfterValidator(_is_short)]


class LadderLevel(BaseModel):
    """One level above the breach: which role is told, and how long after it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    after: AtMostAYear = timedelta(0)
    """Wall time since the breach; the first level is told with it."""
    undelivered_after: _Undelivered | None = None
    """How long a message to this level may be on its way before the next one is told; as in the policy
    unless given.
    """

    @field_validator("role")
    @classmethod
    def _may_acknowledge(cls, value: Role) -> Role:
        if value not in MAY[Act.ACK]:
            raise ValueError(f"{value} cannot acknowledge an alert, and would be told for ever")
        return value


class Storm(BaseModel):
    """How many alerts of one kind a person gets in a stretch of time before they become one digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    more_than: int = Field(ge=1, le=1000)
    within: AtMostAYear

    @field_validator("within")
    @classmethod
    def _takes_time(cls, value: timedelta) -> timedelta:
        if value <= timedelta(0):
            raise ValueError("must be longer than zero, for example PT10M")
        return value


class LadderPolicy(BaseModel):
    """Who is told of a breach, level by level, and how often until somebody acknowledges.

    Warnings go to the role whose step it is (`models.roles.ANSWERS`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fallback: OfficerId
    """Who is told when a role has nobody, or a message cannot reach somebody."""
    levels: tuple[LadderLevel, ...] = Field(min_length=1)
    """Level 1 is told at the breach; each next one later."""
    repeat_after: AtMostAYear
    """Until an alert that nobody acknowledged is told again; doubles each time."""
    repeat_at_most: AtMostAYear
    storm: Storm
    undelivered_after: _Undelivered = timedelta(minutes=15)
    """How long messages that do not arrive are tried before the next level is told in their place."""
    undelivered_urgent: _Undelivered = timedelta(minutes=5)
    """The same for an emergency, and for what concerns a whole city; never longer than the other."""

    @field_validator("levels")
    @classmethod
    def _levels_rise(cls, value: tuple[LadderLevel, ...]) -> tuple[LadderLevel, ...]:
        if value[0].after != timedelta(0):
            raise ValueError("the first level is told at the breach: it has no `after`")
        if any(later.after <= earlier.after for earlier, later in pairwise(value)):
            raise ValueError("each level must be later than the one before it, for example PT1H, PT4H")
        if len({level.role for level in value}) < len(value):
            raise ValueError("a role stands on two levels")
        return value

    @model_validator(mode="after")
    def _repeats_slow_down(self) -> "LadderPolicy":
        if not timedelta(0) < self.repeat_after <= self.repeat_at_most:
            raise ValueError("repeat_after must be longer than zero and at most repeat_at_most")
        return self

    @property
    def climb(self) -> tuple[timedelta, ...]:
        """The times since the breach at which level 2 and the ones above are told."""
        return tuple(level.after for level in self.levels[1:])

    def repeat_wait(self, number: int) -> timedelta:
        """Return how long to wait before telling again for the so-manieth time, from 1."""
        doubled: int = 2 ** min(number - 1, _DOUBLINGS)
        return min(self.repeat_after * doubled, self.repeat_at_most)

    def undelivered_wait(self, level: int, *, is_urgent: bool) -> timedelta:
        """Return how long messages to a level, from 1, are tried before the next one is told.

        What lies below or above the ladder waits as its first or last level does.
        """
        asked = self.levels[min(max(level, 1), len(self.levels)) - 1]
        wait = asked.undelivered_after or self.undelivered_after
        return min(wait, self.undelivered_urgent) if is_urgent else wait

"""Times and numbers of messages and policies, within bounds: what is counted with must never overflow."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST: Final = timedelta(days=3660)


def _within(value: datetime) -> datetime:
    if not _FIRST <= value < _LAST:
        raise ValueError("must lie between the years 2000 and 2200")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_within)]
"""A time with its zone."""
Stretch = Annotated[timedelta, Field(ge=-_LONGEST, le=_LONGEST)]
"""How much more time, or less."""
LessTime = Annotated[timedelta, Field(gt=timedelta(0), le=_LONGEST)]
"""How much less time."""
AtMostAYear = Annotated[timedelta, Field(le=timedelta(days=366))]
"""A time that a policy gives something."""
Span = Annotated[AtMostAYear, Field(gt=timedelta(0))]
"""The same, longer than zero."""
Attempt = Annotated[int, Field(ge=1, le=100_000)]
"""How often a step was begun."""

"""The rungs of a clock: moments at which somebody is told, in shares of a budget or after its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.payload import Payload

BREACH_SHARE: Final = 1.0


class Rung(Payload):
    """A moment at which somebody is told: at a share of the budget, or some time after it is used up."""

    share: float | None = None
    """Of the budget, above 0; 1 is the breach."""
    after: timedelta | None = None
    """Since the breach, in wall time."""
    level: int = 0
    """Escalation level that the rung leads to: 0 before the breach, 1 with it, more above."""

    @property
    def name(self) -> str:
        """The rung in a word: `75` for a share in percent, `L2` for a level."""
        return f"L{self.level}" if self.share is None else str(round(self.share * 100))

    @property
    def is_breach(self) -> bool:
        """Whether the budget is used up here."""
        return self.share is not None and self.share >= BREACH_SHARE


def ladder(warn_at: Sequence[float], levels: Sequence[timedelta] = ()) -> tuple[Rung, ...]:
    """Return the rungs: warnings, the breach, and a level for each time after it, in their order."""
    warnings = (Rung(share=share) for share in sorted(warn_at))
    above = (Rung(after=after, level=number) for number, after in enumerate(sorted(levels), 2))
    return (*warnings, Rung(share=BREACH_SHARE, level=1), *above)


@dataclass(frozen=True)
class Mark:
    """A rung, and when it is reached."""

    at: datetime
    rung: Rung

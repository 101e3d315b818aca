"""The SLA clock of a case: a budget, the marks in it, and one timer at a time.

`SlaClock` is pure arithmetic. `keep_time` is the thin loop that sleeps in Temporal.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow

from models.case import SlaState

BREACH_SHARE = 1.0


@dataclass(frozen=True, order=True)
class Mark:
    """A moment of the budget at which somebody is told."""

    at: datetime
    share: float
    """Share of the budget that is used up then; 1 is the breach."""

    @property
    def is_breach(self) -> bool:
        """Whether this mark is the end of the budget."""
        return self.share >= BREACH_SHARE

    @property
    def level(self) -> int:
        """Escalation level that the mark leads to: 0 before the breach, 1 from it on."""
        return int(self.is_breach)

    @property
    def percent(self) -> int:
        """The share in whole percent."""
        return round(self.share * 100)


class SlaClock:
    """A budget that runs from the complete file. `due_at` is derived, never stored apart."""

    def __init__(self, budget: timedelta, warn_at: tuple[float, ...]) -> None:
        """`budget` is calendar time; `warn_at` are shares of it between 0 and 1."""
        self._budget = budget
        self._shares = (*sorted(warn_at), BREACH_SHARE)
        self._started_at: datetime | None = None
        self._reached = 0

    @property
    def is_running(self) -> bool:
        """Whether the file was complete at some time."""
        return self._started_at is not None

    @property
    def due_at(self) -> datetime | None:
        """When the budget ends; None before the clock runs."""
        return None if self._started_at is None else self._started_at + self._budget

    def start(self, at: datetime) -> None:
        """Begin to count at the time the file was complete; a clock is started once."""
        if self._started_at is not None:
            raise RuntimeError("the clock runs already")
        self._started_at = at

    def next_mark(self) -> Mark | None:
        """Return the next mark that nobody was told of; None when all were reached or none can be yet."""
        if self._started_at is None or self._reached == len(self._shares):
            return None
        share = self._shares[self._reached]
        return Mark(at=self._started_at + share * self._budget, share=share)

    def reach(self, now: datetime) -> Mark | None:
        """Pass every mark up to `now` and return the newest of them; None when there is none.

        After an outage several marks lie in the past; one alert for the newest is what people need.
        """
        newest = None
        while (mark := self.next_mark()) is not None and mark.at <= now:
            newest = mark
            self._reached += 1
        return newest

    def settle(self, closed_at: datetime) -> SlaState:
        """Judge the end by arithmetic alone; whether a timer fired does not matter.

        A case whose clock never ran met its SLA: nothing was promised for an incomplete file.
        """
        late = self.due_at is not None and closed_at > self.due_at
        return SlaState.MISSED if late else SlaState.MET


async def keep_time(
    clock: SlaClock, tell: Callable[[Mark], Awaitable[None]], is_over: Callable[[], bool]
) -> None:
    """Wait from mark to mark and tell each; ends when the breach was told or `is_over` holds.

    One timer is pending at a time. The end is a condition and not a cancellation of this task: the SDK
    swallows a cancellation that comes together with the result that the task waits for.
    """
    while (mark := clock.next_mark()) is not None and not is_over():
        wait = mark.at - workflow.now()
        if wait > timedelta(0):
            name = "breach" if mark.is_breach else f"{mark.percent} %"
            try:
                await workflow.wait_condition(is_over, timeout=wait, timeout_summary=f"SLA {name}")
            except TimeoutError:
                pass
            else:
                return
        # A timer that comes together with the end of its clock tells nothing.
        if not is_over() and (reached := clock.reach(workflow.now())) is not None:
            await tell(reached)

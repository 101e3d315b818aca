"""What `show` and `why` say of where a case stands, true in each state that a case can be in.

A case is registered before its workflow begins, stands still while its clock is paused without an end, and is
late before anybody has noticed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.case import CaseState, SlaState
from models.messages import CaseEvent, EventKind
from models.texts import SLA, WAITING_ON, duration
from models.wib import wib_clock


@dataclass(frozen=True)
class CaseWords:
    """The words about one case, at the time at which it was read."""

    state: CaseState
    is_begun: bool
    """Whether a workflow has told anything of it."""
    had_clock: bool
    """Whether its clock was started at some time."""
    now: datetime
    office_left: timedelta | None = None
    """Working time of the office until the case is due, by a clock that counts all hours."""
    tells_rest: bool = False
    """Whether the time that is left is told although it has no office time beside it."""

    @classmethod
    def of(cls, state: CaseState, history: Sequence[CaseEvent], now: datetime) -> "CaseWords":
        """Return the words on a state whose events these are."""
        kinds = {event.kind for event in history}
        is_begun = state.outcome is not None or bool(kinds - {EventKind.CASE_REGISTERED})
        return cls(state, is_begun, EventKind.SLA_STARTED in kinds, now)

    @property
    def waiting(self) -> str:
        """Whom an open case waits for, and since when."""
        if not self.is_begun:
            return f"worker, yang memulai kasus ini, sejak {wib_clock(self.state.since)} WIB"
        return f"{WAITING_ON[self.state.waiting_on]} sejak {wib_clock(self.state.since)} WIB"

    @property
    def late_by(self) -> timedelta:
        """How late the case is now, or was when it ended; zero when it is not."""
        end = self.state.closed_at or self.now
        return timedelta(0) if self.state.due_at is None else max(end - self.state.due_at, timedelta(0))

    @property
    def due(self) -> str:
        """When the case is due, how it stands, what is left; or why there is no due time."""
        due_at = self.state.due_at
        if due_at is None:
            return self._without_due_time()
        return f"{wib_clock(due_at)} WIB ({', '.join(self._stands())}{self._left(due_at)})"

    @property
    def is_past_due(self) -> bool:
        """Whether an open case is late, noticed or not."""
        return self.state.outcome is None and self.late_by > timedelta(0)

    def _without_due_time(self) -> str:
        state = self.state
        if state.outcome is not None:
            return "tidak berjalan lagi saat kasus berakhir" if self.had_clock else "tidak pernah berjalan"
        if state.sla_state is SlaState.BREACHED:
            return f"{SLA[state.sla_state]}; tidak berjalan selama dijeda"
        if self.had_clock:
            return "tidak berjalan selama dijeda"
        return "belum berjalan: mulai saat berkas lengkap" if self.is_begun else "belum berjalan"

    def _stands(self) -> Sequence[str]:
        state = self.state
        is_told = state.outcome is not None or state.sla_state is SlaState.BREACHED
        words = SLA[state.sla_state] if is_told or not self.is_past_due else "LEWAT BATAS, belum dicatat"
        late = f"terlambat {duration(self.late_by)}"
        if not self.late_by:
            return (words,)
        return (late,) if state.sla_state is SlaState.MISSED else (words, late)

    def _left(self, due_at: datetime) -> str:
        if self.state.outcome is not None or self.now >= due_at:
            return ""
        rest = f"; sisa {duration(due_at - self.now)}"
        if self.office_left is None:
            return rest if self.tells_rest else ""
        return f"{rest}, jam kerja: {duration(self.office_left) if self.office_left else '0 jam'}"

"""What the demo shows while cases are under way: a live table on a terminal, single lines in a pipe."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Self

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from models.case import CaseHealth, CaseState, SlaState, Step

_LINE_EVERY_SECONDS = 1.0
_ALARMING = (SlaState.AT_RISK, SlaState.BREACHED, SlaState.MISSED)


class Progress:
    """Shows how many cases are at which step."""

    def __init__(self, screen: Console, total: int) -> None:
        """`total` cases are expected."""
        self._screen = screen
        self._total = total
        self._started = time.monotonic()
        self._told, self._told_at = "", 0.0
        self._live = Live(console=screen, auto_refresh=False) if screen.is_terminal else None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last table standing."""
        if self._live is not None:
            self._live.stop()

    def show(self, states: Sequence[CaseState]) -> None:
        """Show the cases as they are now."""
        seconds = time.monotonic() - self._started
        if self._live is not None:
            self._live.update(self._table(states, seconds), refresh=True)
            return
        line = self._line(states)
        if line != self._told and seconds - self._told_at >= _LINE_EVERY_SECONDS:
            self._told, self._told_at = line, seconds
            self._screen.print(f"{seconds:5.1f} s  {line}")

    def _table(self, states: Sequence[CaseState], seconds: float) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_footer=True)
        table.add_column("step", f"closed, {seconds:.0f} s")
        table.add_column("cases", str(sum(state.outcome is not None for state in states)), justify="right")
        table.add_column("", f"of {self._total}", min_width=self._total)
        table.add_column("need a person", "", justify="right")
        table.add_column("late", str(_late(states) or ""), justify="right", footer_style="bold red")
        for step in Step:
            here = [state for state in states if state.outcome is None and state.step is step]
            stuck = sum(state.health is not CaseHealth.OK for state in here)
            table.add_row(
                step.value,
                str(len(here) or ""),
                Text("#" * len(here), style="cyan"),
                Text(str(stuck or ""), style="bold red"),
                Text(str(_late(here) or ""), style="bold red"),
            )
        return table

    def _line(self, states: Sequence[CaseState]) -> str:
        at = Counter(state.step for state in states if state.outcome is None)
        closed = sum(state.outcome is not None for state in states)
        stuck = sum(state.health is not CaseHealth.OK for state in states)
        parts = [f"closed {closed} of {self._total}"]
        parts += [f"{step.value} {at[step]}" for step in Step if at[step]]
        parts += [f"need a person {stuck}"] * bool(stuck)
        slas = Counter(state.sla_state for state in states)
        parts += [f"sla {sla.value} {slas[sla]}" for sla in _ALARMING if slas[sla]]
        return "; ".join(parts)


def _late(states: Sequence[CaseState]) -> int:
    return sum(state.sla_state in (SlaState.BREACHED, SlaState.MISSED) for state in states)

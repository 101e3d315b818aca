"""How far a long piece of work is: a bar on a terminal, a line now and then in a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cli.screens import console

_SAY_EVERY: Final = 5.0
"""Seconds between two lines in a pipe."""


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last half minute."""
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far it is, on the error stream: a bar on a terminal, a line now and then in a pipe."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _Lines(screen, what, total).told
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate())
    with Progress(*columns, TimeRemainingColumn(), console=screen) as bar:
        task = bar.add_task(what, total=total)
        yield lambda rows: bar.advance(task, rows)


class _Lines:
    """Progress for a pipe."""

    def __init__(self, screen: Console, what: str, total: int | None) -> None:
        self._screen = screen
        self._what = what
        self._total = total
        self._done = 0
        self._began = self._said = time.monotonic()

    def told(self, rows: int) -> None:
        """Hear of so many more rows."""
        self._done += rows
        now = time.monotonic()
        if now - self._said >= _SAY_EVERY:
            self._said = now
            rate = self._done / (now - self._began)
            ahead = ""
            if self._total is not None:
                ahead = f" of {self._total}"
                if rate:
                    ahead += f", {(self._total - self._done) / rate:.0f} s left"
            self._screen.print(f"{self._what}: {self._done}{ahead}, {rate:.0f}/s")

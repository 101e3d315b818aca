"""The list filters of a supervisor, in the words of the Web UI."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.stuck_groups import RUNNING, utc

SOON: Final = timedelta(hours=4)
UNASSIGNED: Final = "starter.py desk list --all --unassigned"
"""What lists the work in nobody's hand: an attribute of its own would cost an update at every claim."""


@dataclass(frozen=True)
class View:
    """A filter under the name that it is saved by."""

    name: str
    query: str


def views_at(now: datetime, city: str | None, kecamatan: Sequence[str]) -> list[View]:
    """Return the views at a moment: a filter knows no `now`, so those of due times hold the time itself."""
    base = RUNNING if city is None else f'{RUNNING} AND City="{city}"'
    moment, soon = utc(now), utc(now + SOON)
    named = [
        View("Lewat batas", f'{base} AND SlaState="breached"'),
        View("Jatuh tempo 4 jam", f'{base} AND SlaDueAt > "{moment}" AND SlaDueAt < "{soon}"'),
        View("Menunggu Kemensos", f'{base} AND WaitingOn="kemensos"'),
        View("Macet", f'{base} AND CaseHealth="stuck"'),
        View("Diparkir gangguan", f'{base} AND CaseHealth="parked"'),
    ]
    return named + [View(f"Kecamatan {one}", f'{base} AND Kecamatan="{one}"') for one in kecamatan]

"""Outages of the systems that the engine depends on, as objects: opened, probed, closed, never per case."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from models.case import Step


class System(StrEnum):
    """An outside system that may be down."""

    SIKS_NG = "siks_ng"
    KEMENSOS = "kemensos"
    BPJS = "bpjs"

    @classmethod
    def of(cls, step: Step) -> "System | None":
        """Return the system that a step needs; None for the office's own steps."""
        return SYSTEM.get(step)


SYSTEM: Final = {
    Step.SIKS_NG_UPLOAD: System.SIKS_NG,
    Step.KEMENSOS_VERIFICATION: System.KEMENSOS,
    Step.BPJS_RECONNECT: System.BPJS,
}
"""Which step cannot go on while which system is down."""


def parked_for(system: System) -> str:
    """Return the trouble of a case that waits for a system to be back, as `outage.siks_ng`."""
    return f"outage.{system}"


@dataclass(frozen=True)
class Outage:
    """A time in which a system cannot be worked."""

    id: int
    system: System
    since: datetime
    opened_at: datetime
    opened_by: str
    """An officer's id, or `machine`: an outage that a machine opened is closed by its probe."""
    note: str | None
    until: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    probes: int

    @property
    def is_open(self) -> bool:
        """Whether the system is still down."""
        return self.closed_at is None

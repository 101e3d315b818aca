"""What is counted over many cases."""

from datetime import datetime
from typing import Protocol

from models.digest import CityFigures
from models.report import Report, ReportAsk


class Figures(Protocol):
    """What the daily digest is made of. Raises Unavailable when the database is away."""

    def of_city(self, city: str, closed_since: datetime, at_most: int) -> CityFigures:
        """Return what is open, and how long the `at_most` newest cases took that ended since a time."""
        ...


class Reports(Protocol):
    """The figures of a period. Raises EngineUnreachable when the database is away."""

    def of(self, ask: ReportAsk) -> Report:
        """Return what came, what ended, how long it took and what is left, as the case list has it."""
        ...

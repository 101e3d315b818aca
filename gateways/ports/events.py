"""Answers that outside systems push."""

from collections.abc import Collection
from typing import Protocol

from models.events import EventNote
from models.page import Page


class EventBook(Protocol):
    """Events that outside systems pushed. Raises EngineUnreachable when the database is away."""

    def note(self, note: EventNote) -> None:
        """Write down that an event came in, and what became of it."""
        ...

    def latest(self, limit: int = 200, cities: Collection[str] | None = None) -> Page[EventNote]:
        """Return what came in, the newest first; of cases only those of the cities."""
        ...

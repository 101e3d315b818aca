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

    def latest(self, cities: Collection[str], limit: int = 200) -> Page[EventNote]:
        """Return what came in for cases of these cities or for none that is known, the newest first."""
        ...

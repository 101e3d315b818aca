"""The first of many, and how many there are."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class Page(list[T]):
    """What is shown of a list, that knows how long the list is: whoever cuts one off has to say so."""

    def __init__(self, shown: Iterable[T], total: int) -> None:
        """`total` counts what is not shown too."""
        super().__init__(shown)
        self.total = total

    @property
    def is_cut(self) -> bool:
        """Whether there is more."""
        return len(self) < self.total

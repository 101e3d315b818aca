"""A list that was cut off says so: a line on the screen, a number for machines."""

from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console

from cli.door import print_json
from models.page import Page

T = TypeVar("T")


def print_cut(name: str, told: Sequence[object], page: Page[T]) -> None:
    """Print what is told of a page for machines, under a name, with how many there are in all."""
    print_json({name: list(told), "total": page.total})


def say_cut(page: Page[T], screen: Console) -> None:
    """Say how many of how many are shown, if some are not."""
    if page.is_cut:
        screen.print(f"{len(page)} of {page.total}; --limit {page.total} shows all", style="yellow")

"""What holds for every test."""

import gc
from typing import Final

import pytest

gc.set_threshold(50_000, 20, 50)  # looking for garbage among thousands of tests took a third of their loading

_LONG_FIRST: Final = ("e2e", "workflows", "replay", "ledger", "desk")
"""Folders whose files take longest: whoever runs files side by side must not begin them last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest (`make test` keeps this order)."""
    items.sort(
        key=lambda item: next(
            (at for at, name in enumerate(_LONG_FIRST) if name in item.path.parts), len(_LONG_FIRST)
        )
    )

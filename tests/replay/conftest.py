"""A failure that is read: the advice alone, without what workers and the SDK said on the way."""

import logging
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

Advise = Callable[[str], NoReturn]


@pytest.fixture
def advise(capfd: pytest.CaptureFixture[str]) -> Iterator[Advise]:
    """Fail with these words and no others."""

    def fail(words: str) -> NoReturn:
        capfd.readouterr()
        pytest.fail(words, pytrace=False)

    logging.disable(logging.CRITICAL)
    yield fail
    logging.disable(logging.NOTSET)

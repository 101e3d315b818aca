"""What ends a dialogue from outside: a closed terminal, Ctrl-C, a machine that goes down."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CalledAway(BaseException):
    """The dialogue is to end."""

    def __init__(self, number: int) -> None:
        """`number` is the signal's."""
        super().__init__(number)
        self.exit_code = 128 + number


class Calls:
    """Heeds signals while a key is waited for, and never in the middle of a deed."""

    def __init__(self) -> None:
        """Begin to listen."""
        self._number: int | None = None
        self._waits = False
        for number in _SIGNALS:
            signal.signal(number, self._called)

    def require_none(self) -> None:
        """Raise CalledAway when somebody called meanwhile."""
        if self._number is not None:
            raise CalledAway(self._number)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Let a call break off what waits for a key. Raises CalledAway."""
        self._waits = True
        try:
            self.require_none()
            yield
        finally:
            self._waits = False

    def _called(self, number: int, _frame: FrameType | None) -> None:
        is_first, self._number = self._number is None, self._number or number
        if is_first and self._waits:
            raise CalledAway(number)

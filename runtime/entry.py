"""How every process ends: with its exit code, whatever threads the Temporal core still has."""

import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Final, NoReturn

import uvloop

from gateways.ledger_schema import close_engines
from models.errors import (
    BadInput,
    EngineUnreachable,
    KeyMissing,
    Misconfigured,
    NeedsPerson,
    NotFound,
    ReactivationError,
    SystemDown,
    TryAgain,
    WrongState,
)

REFUSED: Final = 4
"""Exit code for what is refused in the present state."""

EXIT_CODES: dict[type[ReactivationError], int] = {
    BadInput: 2,
    Misconfigured: 2,
    NotFound: 3,
    WrongState: REFUSED,
    EngineUnreachable: 5,
    KeyMissing: 5,
    NeedsPerson: REFUSED,
    TryAgain: 5,
    SystemDown: 5,
}


def leave(code: int) -> NoReturn:
    """Close the databases, flush, and end the process at once.

    A short process that has used the Temporal client may abort in interpreter shutdown
    (sdk-python #300), which would spoil the exit code.
    """
    close_engines()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def exit_code_of(error: ReactivationError) -> int:
    """Return the documented exit code of an error."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)


def run_and_leave(main: Callable[[], Coroutine[object, object, None]]) -> NoReturn:
    """Run to the end and leave with 0, or with the exit code of the error, printed in one line."""
    try:
        uvloop.run(main())
    except KeyboardInterrupt:
        leave(130)
    except ReactivationError as error:
        sys.stderr.write(f"{error}\n")
        leave(exit_code_of(error))
    leave(0)

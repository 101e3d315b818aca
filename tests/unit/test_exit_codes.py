"""Every error of ours leaves with an exit code that the README names."""

import inspect

import pytest

from models import errors
from models.errors import ReactivationError
from runtime.entry import EXIT_CODES, exit_code_of

LEAVES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ReactivationError) and not kind.__subclasses__()
]
BY_NAME = {
    "BadInput": 2,
    "Misconfigured": 2,
    "NotFound": 3,
    "NotAllowed": 4,
    "LedgerBehind": 4,
    "DocumentLost": 4,
    "BadReply": 4,
    "Refused": 4,
    "ReferenceTaken": 4,
    "Unavailable": 5,
    "SystemDown": 5,
    "NoTemporal": 5,
}


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_no_error_leaves_without_a_code_of_the_readme(kind: type[ReactivationError]) -> None:
    """1 is what Python leaves with when a program is broken."""
    code = exit_code_of(kind.__new__(kind))
    assert code in {2, 3, 4, 5}
    assert BY_NAME.get(kind.__name__, code) == code


def test_the_nearest_kind_decides() -> None:
    """What is wrong in a setting needs a person too, and is bad input first."""
    assert list(EXIT_CODES).index(errors.Misconfigured) < list(EXIT_CODES).index(errors.NeedsPerson)

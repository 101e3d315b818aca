"""Updates that anybody with access to Temporal may send: hostile ones are refused, and say nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from models.desk import CommandKind
from models.messages import Park, Release

NIK = "3674065203859001"
FORMS: list[type[BaseModel]] = [
    *(kind.message for kind in CommandKind if kind is not CommandKind.RECOUNT),
    Park,
    Release,
]
GOOD: dict[str, Any] = {
    "command_id": "c-1",
    "birth": "abcdefghijkl.abcdefghijklmnop",
    "actor": "tangsel-supervisor",
    "role": "supervisor",
    "step": "kemensos_verification",
    "attempt": 1,
    "answer": {"decision": "approved"},
    "receipt": "receipt:1",
    "in_place_of": "tangsel-siksng-1",
    "occurred_at": "2026-02-13T08:00:00Z",
    "given_at": "2026-02-13T08:00:00Z",
    "only_stuck": True,
    "count": 1,
    "fields": ["nik"],
    "track": "emergency",
    "by": "PT4H",
    "until": "2026-02-13T08:00:00Z",
    "since": "2026-02-13T08:00:00Z",
    "system": "kemensos",
}
HOSTILE = [
    NIK, f"nik-{NIK}", "Siti Rahayu", "a\nb", "\x1b[2J", "x" * 1_000_000, "\u202e", "", "=1+1",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-13T08:00:00", "P99999999D", "-P99999999D",
    -1, 10**30, 1e308, None, [], {}, ["x" * 100_000], ["nik"] * 1000, True,
]  # fmt: skip
LARGEST = 1500
"""Characters of a message as JSON; the longest good one has a third of that."""


def pieces(form: type[BaseModel]) -> dict[str, Any]:
    """Return a good message of a form."""
    return {name: GOOD[name] for name in form.model_fields}


@pytest.mark.parametrize("form", FORMS)
def test_a_hostile_value_is_refused_or_harmless(form: type[BaseModel]) -> None:
    """Nothing large, no words, nothing unprintable or out of bounds gets in; a refusal quotes nothing."""
    good = pieces(form)
    form.model_validate(good)
    for name in good:
        for value in HOSTILE:
            try:
                taken = form.model_validate(good | {name: value})
            except ValidationError as error:
                told = str(error)
                assert NIK not in told, name
            else:
                told = taken.model_dump_json()
                assert len(told) < LARGEST, (name, value)
            assert "Siti" not in told, name
            assert "\x1b" not in told, name


@pytest.mark.parametrize("form", FORMS)
def test_times_of_messages_can_be_counted_with(form: type[BaseModel]) -> None:
    """A clock that a workflow adds to never overflows: that would stop its code for good."""
    good = pieces(form)
    for name in {"occurred_at", "given_at", "until", "since", "by"} & good.keys():
        for value in HOSTILE:
            try:
                taken = getattr(form.model_validate(good | {name: value}), name)
            except ValidationError:
                continue
            if isinstance(taken, datetime):
                assert taken + timedelta(days=3660) > datetime(1999, 1, 1, tzinfo=UTC)
            elif taken is not None:
                assert datetime(2026, 1, 1, tzinfo=UTC) + taken

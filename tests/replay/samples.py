"""Messages as they may look: of each model that travels, so many that each field has had each of its values.

A text or number has its extremes, an enum all members, what may be absent is so once. A change that takes
less than before meets a sample that it refuses.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from models.calendar import Budget, CalendarPlan

AT: Final = datetime(2026, 11, 20, 8, 30, 15, 250_000, tzinfo=UTC)
_FREE: Final[dict[object, tuple[Any, ...]]] = {
    str: ("", "Pondok Aren"),
    int: (0, 7, -7),
    float: (0.0, 0.75),
    bool: (False, True),
    datetime: (AT,),
    AwareDatetime: (datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
    date: (AT.date(),),
    time: (time(8, 30),),
    timedelta: (timedelta(hours=-1), timedelta(days=3, seconds=1)),
    NoneType: (None,),
}
_TEXTS: Final = {
    r"^[A-Za-z0-9_.:-]{1,64}$": ("a", "Az09_.:-" * 8),
    r"^[A-Z][A-Z0-9_]{2,39}$": ("A_0", "NIK_BEDA" * 5),
    r"^[a-z0-9][a-z0-9.-]{1,39}$": ("a0", "ibu.kepala-0" * 3 + "ibu."),
    r"^PBI-\d{4}-\d{4}-\d{6}$": ("PBI-3674-2026-000001",),
    r"^\d{4}$": ("3674",),
    r"^[a-z]{12}$": ("bukubesarabc",),
    r"^[a-z.]{3,64}$": ("a.b", "bukubesarabc.kelahirankasusini"),
    r"^[0-9a-f]{0,64}$": ("", "0f" * 32),
}
"""The shortest and the longest text of each pattern."""
_HOURS: Final = ("08:00-12:00", "13:00-16:00")
_BY_HAND: Final[dict[type[BaseModel], tuple[Any, ...]]] = {
    Budget: (Budget(duration=timedelta(hours=24)), Budget(days=1), Budget(days=366)),
    CalendarPlan: (
        CalendarPlan(),
        CalendarPlan.model_validate(
            {
                "kind": "office",
                "hours": [_HOURS] * 5 + [(), ()],
                "holidays": [AT.date()],
                "extra_days": {date(2026, 11, 21): _HOURS[:1]},
            }
        ),
    ),
}
"""Models whose fields hang together."""


def samples(kind: object) -> list[Any]:
    """Return values of a type, at least one. Raises TypeError for a type that this module does not know."""
    if kind in _FREE:
        return list(_FREE[kind])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list(_BY_HAND.get(kind) or _of_model(kind))
    return _of_form(kind, get_origin(kind), get_args(kind))


def _of_model(kind: type[BaseModel]) -> Iterator[BaseModel]:
    """Yield as many as the field with the most values has; the values of all others go round."""
    hints = get_type_hints(kind, include_extras=True)
    values = {name: _bound(hints[name], field.metadata) for name, field in kind.model_fields.items()}
    for number in range(max(map(len, values.values()), default=1)):
        yield kind(**{name: several[number % len(several)] for name, several in values.items()})


def _of_form(kind: object, origin: object, parts: Sequence[Any]) -> list[Any]:
    if origin is Annotated:
        rules = [
            rule for part in parts[1:] for rule in (part.metadata if isinstance(part, FieldInfo) else [part])
        ]
        return _bound(parts[0], rules)
    if origin in {Union, UnionType}:
        return [value for part in parts for value in samples(part)]
    if origin is Literal:
        return list(parts)
    if origin in {tuple, dict}:
        return _bound(kind, [])
    raise TypeError(f"say in tests/replay/samples.py how a value of {kind} looks")


def _bound(kind: object, rules: Sequence[Any]) -> list[Any]:
    """Return values of a type that keep to rules, up to their limits."""
    at_least = max((rule.min_length for rule in rules if isinstance(rule, MinLen)), default=0)
    at_most = min((rule.max_length for rule in rules if isinstance(rule, MaxLen)), default=99)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return samples(kind)
    if origin is tuple:
        within = samples(parts[0])
        fewest, most = (
            tuple(islice(_round(within), size))
            for size in (at_least, max(at_least, min(at_most, len(within))))
        )
        return [fewest, most] if fewest != most else [most]
    if origin is dict:
        keys, within = samples(parts[0])[:at_most], samples(parts[1])
        return [{}, dict(zip(keys, _round(within), strict=False))]
    if (pattern := _pattern(rules)) is not None:
        if pattern not in _TEXTS:
            raise TypeError(f"say in tests/replay/samples.py how a text of {pattern} looks")
        return [text for text in _TEXTS[pattern] if re.match(pattern, text)]
    longest = next((rule.max_length for rule in rules if isinstance(rule, StringConstraints)), None)
    if longest is not None:
        return ["", "x" * longest]
    limits = [rule.ge if isinstance(rule, Ge) else rule.le for rule in rules if isinstance(rule, Ge | Le)]
    return limits or samples(kind)


def _pattern(rules: Sequence[Any]) -> str | None:
    return next((str(found) for rule in rules if (found := getattr(rule, "pattern", None))), None)


def _round(values: Sequence[Any]) -> Iterator[Any]:
    while True:
        yield from values

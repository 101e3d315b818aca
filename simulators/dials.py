"""The dials of the institutions: how slow, broken, strict or wrong each is, in general or to one person."""

from collections.abc import Callable
from dataclasses import dataclass, replace

SIKS_NG, KEMENSOS, BPJS = "siks_ng", "kemensos", "bpjs"
SYSTEMS = (SIKS_NG, KEMENSOS, BPJS)

Settings = dict[str, bool | int | float | str]
"""Dials that were turned, by name; the others stay at their defaults."""


@dataclass(frozen=True)
class Dials:
    """How one institution behaves."""

    latency_ms: float = 0
    error_rate: float = 0
    """Share of calls answered 503, 0 to 1, from a seeded generator."""
    down: bool = False
    """Every call is answered 503."""
    fail_first: int = 0
    """How many more calls are answered 503."""
    lose_reply: int = 0
    """How many more calls are done, and then the connection is cut in the middle of the reply."""
    wrong: str = "none"
    """What stands in for the reply of a call that was done."""
    decide_after_s: float = 0
    """Kemensos: seconds from submission to decision."""
    decision: str = "approved"
    reason: str = ""
    """Kemensos: the code of a no; empty means the usual one."""
    returned_times: int = 0
    """Kemensos: how many first submissions of a person are returned, whatever `decision` says."""
    activate_after_s: float = 0
    """BPJS: seconds from approval until the person is active."""
    metadata_form: str = "string"
    """BPJS: how `metaData` is spelt (domain 3.3)."""

    def turned(self, settings: Settings) -> "Dials":
        """Return these dials with some of them turned."""
        return replace(self, **settings)  # type: ignore[arg-type]  # `read_settings` checked them


@dataclass(frozen=True)
class _Rule:
    holds: Callable[[object], bool]
    says: str


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _one_of(*choices: str) -> _Rule:
    return _Rule(lambda value: value in choices, f"one of {', '.join(choices)}")


_NUMBER = _Rule(_is_number, "a number, 0 or more")
_COUNT = _Rule(_is_count, "a whole number, 0 or more")
_BOOL = _Rule(lambda value: isinstance(value, bool), "true or false")
_SHARE = _Rule(_is_share, "a number from 0 to 1")
_TEXT = _Rule(lambda value: isinstance(value, str), "a text")

_COMMON = {
    "latency_ms": _NUMBER,
    "error_rate": _SHARE,
    "down": _BOOL,
    "fail_first": _COUNT,
    "lose_reply": _COUNT,
}
_WRONG = ("none", "html", "empty", "garbage")
_RULES: dict[str, dict[str, _Rule]] = {
    SIKS_NG: _COMMON | {"wrong": _one_of(*_WRONG, "wrong_reference_form")},
    KEMENSOS: _COMMON
    | {
        "wrong": _one_of(*_WRONG),
        "decide_after_s": _NUMBER,
        "decision": _one_of("approved", "returned", "rejected"),
        "reason": _TEXT,
        "returned_times": _COUNT,
    },
    BPJS: _COMMON
    | {
        "wrong": _one_of(*_WRONG, "other_person"),
        "activate_after_s": _NUMBER,
        "metadata_form": _one_of("string", "number", "lower", "code_upper"),
    },
}


def names(system: str) -> list[str]:
    """Return the dials that a system has."""
    return list(_RULES[system])


def read_settings(system: str, raw: object) -> Settings:
    """Check dials that came as JSON. Raises ValueError that names every dial at fault and its rule."""
    if not isinstance(raw, dict):
        raise ValueError("the body must be a JSON object of dials")  # noqa: TRY004
    rules, settings, faults = _RULES[system], Settings(), []
    for name, value in raw.items():
        if name not in rules:
            faults.append(f"{name}: unknown, {system} has {', '.join(rules)}")
        elif not rules[name].holds(value):
            faults.append(f"{name}: must be {rules[name].says}")
        else:
            settings[name] = value
    if faults:
        raise ValueError("; ".join(faults))
    return settings

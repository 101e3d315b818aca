"""What travels through Temporal: where, as which model, and how messages of each version look.

A history keeps what a version wrote, and the next one must read it. The samples of a version are added by
`make record` and stay.
"""

import inspect
import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, get_type_hints

from pydantic import ValidationError
from temporalio import activity, workflow
from temporalio.contrib.pydantic import pydantic_data_converter

import activities
from tests.replay.samples import samples
from worker import WORKFLOWS

FOLDER: Final = Path(__file__).parent / "messages"
MOVED: Final[Mapping[str, str]] = {}
"""Fields that were moved on purpose, for example `"CasePlan.budget": "CasePlan.clock.budget"`; a validator of
the model reads the older shape."""

_JSON = pydantic_data_converter.payload_converter


@dataclass(frozen=True)
class Messages:
    """The messages of a version."""

    places: Mapping[str, str]
    """Where something travels, for example `Reactivation.answer takes`, and the name of its model."""
    looks: Mapping[str, Sequence[Any]]
    """By the name of each model: JSON as it is in a history."""

    @classmethod
    def present(cls) -> "Messages":
        """Return those of this tree."""
        models = travelling()
        looks = {kind.__name__: [_as_json(value) for value in samples(kind)] for kind in models.values()}
        return cls({place: kind.__name__ for place, kind in models.items()}, dict(sorted(looks.items())))

    @classmethod
    def read(cls, version: str) -> "Messages":
        """Return those that are committed of a version."""
        return cls(**json.loads((FOLDER / f"{version}.json").read_text()))

    def write(self, version: str) -> None:
        """Write them to be committed, a message a line."""
        FOLDER.mkdir(exist_ok=True)
        looks = ",\n".join(
            f"{json.dumps(name)}: [\n{_lines(several)}\n]" for name, several in self.looks.items()
        )
        places = json.dumps(self.places, indent=0)
        (FOLDER / f"{version}.json").write_text(f'{{"places": {places},\n"looks": {{\n{looks}\n}}}}\n')

    def joined(self, others: "Messages") -> "Messages":
        """Return these and what only the others have."""
        looks = dict(self.looks)
        for name, several in others.looks.items():
            known = list(looks.get(name, ()))
            looks[name] = known + [one for one in several if one not in known]
        return Messages({**others.places, **self.places}, dict(sorted(looks.items())))


def recorded() -> list[str]:
    """Return the versions whose messages are committed."""
    return sorted(file.stem for file in FOLDER.glob("*.json"))


def travelling() -> dict[str, type]:
    """Return each place at which something travels, and its model."""
    return dict(sorted([*_of_workflows(), *_of_activities()]))


def misread(messages: Messages) -> list[str]:
    """Return what this tree reads otherwise than it was written, in a line for each place and fault."""
    models, faults = travelling(), dict[str, None]()
    for place, name in messages.places.items():
        if (kind := models.get(place)) is None:
            faults[f"{place}: it is gone, and open cases may have it under way"] = None
            continue
        for written in messages.looks[name]:
            for fault in _faults(name, written, kind):
                faults[f"{place}: {fault}"] = None
    return list(faults)


def _of_workflows() -> Iterator[tuple[str, type]]:
    for kind in WORKFLOWS:
        defined = workflow._Definition.must_from_class(kind)  # noqa: SLF001 - what the SDK itself reads
        yield from _takes_and_gives(str(defined.name), defined.arg_types, defined.ret_type)
        for name, update in defined.updates.items():
            yield from _takes_and_gives(f"{defined.name}.{name}", update.arg_types, update.ret_type)
        for name, signal in defined.signals.items():
            yield from _takes_and_gives(f"{defined.name}.{name}", signal.arg_types, None)
        for name, query in defined.queries.items():
            yield from _takes_and_gives(f"{defined.name}.{name}", query.arg_types, query.ret_type)


def _of_activities() -> Iterator[tuple[str, type]]:
    for found in pkgutil.iter_modules(activities.__path__):
        module = import_module(f"activities.{found.name}")
        for _, holder in inspect.getmembers(module, inspect.isclass):
            for _, function in inspect.getmembers(holder, inspect.isfunction):
                defined = activity._Definition.from_callable(function)  # noqa: SLF001 - what the SDK itself reads
                if defined is not None and holder.__module__ == module.__name__:
                    hints = get_type_hints(function)
                    result = hints.pop("return", None)
                    yield from _takes_and_gives(str(defined.name), list(hints.values()), result)


def _takes_and_gives(
    door: str, given: Sequence[type] | None, result: type | None
) -> Iterator[tuple[str, type]]:
    yield from ((f"{door} takes", kind) for kind in given or ())
    if result is not None:
        yield f"{door} gives", result


def _as_json(value: object) -> object:
    data = _JSON.to_payload(value).data
    read: object = json.loads(data) if data else None
    return read


def _faults(name: str, written: object, kind: type) -> Iterator[str]:
    payload = _JSON.to_payload(None)
    payload.metadata["encoding"], payload.data = b"json/plain", json.dumps(written).encode()
    try:
        read = dict(_leaves(name, _as_json(_JSON.from_payload(payload, kind))))
    except ValidationError as error:
        for fault in error.errors():
            yield f"{'.'.join(map(str, (name, *fault['loc'])))}: {fault['msg']}"
        return
    for path, value in _leaves(name, written):
        now = read.get(_moved(path), "nothing")
        if now != value:
            yield f"{path}: was {json.dumps(value)}, is read as {json.dumps(now)}"


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield each value that has no parts, by where it is."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not parts:
        yield path, value
    for key, part in parts:
        yield from _leaves(f"{path}.{key}", part)


def _moved(path: str) -> str:
    for was, now in MOVED.items():
        if path == was or path.startswith(f"{was}."):
            return now + path.removeprefix(was)
    return path


def _lines(several: Sequence[Any]) -> str:
    return ",\n".join(json.dumps(one) for one in several)

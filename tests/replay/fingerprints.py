"""The fingerprint of a path: the commands that the workflow gave on it, in their order."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent, MarkerRecordedEventAttributes
from temporalio.client import WorkflowHistory

FILE = Path(__file__).parent / "fingerprints.toml"

_PATCH = "patch "
_HEAD = "# The commands of each path, in their order. Written by `make record`: docs/changing-a-workflow.md\n"


@dataclass(frozen=True)
class Fingerprints:
    """What every path of a version looks like."""

    version: str
    paths: Mapping[str, Sequence[str]]

    @property
    def patches(self) -> frozenset[str]:
        """The ids of the patches that are a part of this version."""
        words = (word for path in self.paths.values() for word in path)
        return frozenset(word.removeprefix(_PATCH) for word in words if word.startswith(_PATCH))

    @classmethod
    def read(cls) -> "Fingerprints":
        """Return those that are committed."""
        return cls(**tomllib.loads(FILE.read_text()))

    def write(self) -> None:
        """Write them to be committed: a command a line, so that a review shows what has changed."""
        told = [f'{_HEAD}version = "{self.version}"\n\n[paths]\n']
        for name, words in self.paths.items():
            lines = "".join(f"    {json.dumps(word)},\n" for word in words)
            told.append(f"{name} = [\n{lines}]\n")
        FILE.write_text("".join(told))


def commands(history: WorkflowHistory) -> list[str]:
    """Return what the workflow told the server to do, for example `activity_task_scheduled record`.

    Arguments, times and words of a command are left out: a replay does not compare them.
    """
    told = [_command(event) for event in history.events]
    return [word for word in told if word is not None]


def late_patches(history: WorkflowHistory) -> list[str]:
    """Return the ids of patches that were asked for after a local activity had ended in the same task.

    Temporal may cut such a task in two. A replay takes both as one and comes to the question before it is
    told that the patch is in the history: the case then takes the old way, and stands still.
    """
    late, has_ended = [], False
    for event in history.events:
        word = _command(event) or ""
        if event.HasField("workflow_task_completed_event_attributes"):
            has_ended = False
        elif word.startswith("local_activity "):
            has_ended = True
        elif word.startswith(_PATCH) and has_ended:
            late.append(word.removeprefix(_PATCH))
    return late


def is_whole(words: Sequence[str]) -> bool:
    """Tell whether a path came to its end."""
    return bool(words) and words[-1] == "workflow_execution_completed"


def _command(event: HistoryEvent) -> str | None:
    """Return the command behind an event; None when the server or somebody outside made it happen."""
    attributes = getattr(event, str(event.WhichOneof("attributes")))
    name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
    if event.HasField("workflow_execution_update_accepted_event_attributes"):
        return f"{name} {attributes.accepted_request.input.name}"
    if event.HasField("workflow_execution_update_completed_event_attributes"):
        return name
    if not hasattr(attributes, "workflow_task_completed_event_id"):
        return None
    if event.HasField("activity_task_scheduled_event_attributes"):
        return f"{name} {attributes.activity_type.name}"
    if event.HasField("marker_recorded_event_attributes"):
        return _marker(attributes)
    return name


def _marker(marker: MarkerRecordedEventAttributes) -> str:
    """Return what a marker stands for: a patch, or an activity that ran beside the workflow."""
    if marker.marker_name == "core_patch":
        told = json.loads(marker.details["patch-data"].payloads[0].data)
        return f"{_PATCH}{told['id']}"
    told = json.loads(marker.details["data"].payloads[0].data)
    return f"local_activity {told['activity_type']}"

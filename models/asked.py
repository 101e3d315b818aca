"""What somebody asked of a case under a command's id, by which a repeat is told from another command."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.case import Step


@dataclass(frozen=True)
class Asked:
    """A command as it was said. What the engine fills in is not in it: the open attempt, the present time."""

    case_number: str
    kind: str
    """Which message it becomes."""
    actor: str
    content: str = field(repr=False)
    """May be personal: of this the ledger keeps a digest under the person's key."""
    step: Step | None = None
    """The step that is answered."""

    @classmethod
    def of(
        cls,
        case_number: str,
        kind: str,
        actor: str,
        content: Mapping[str, object],
        step: Step | None = None,
    ) -> "Asked":
        """Return the same from named values, in whatever order they come."""
        return cls(case_number, kind, actor, json.dumps(dict(content), default=str, sort_keys=True), step)

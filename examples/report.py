"""What the demo prints at the end, and its verdict."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from examples.effects import Count, Institutions
from examples.manifest import Manifest
from examples.played import Played, files_of_cases, uploads
from gateways.ports import Registry
from models.case import Outcome
from models.messages import EventKind
from runtime.screens import case_screen, findings_screen


async def count(played: Sequence[Played], institutions: Institutions, registry: Registry) -> list[Count]:
    """Compare what the institutions did with what the cases tell."""
    keys = uploads(played, registry)
    submitted = await institutions.effects("siks_ng")
    decided = await institutions.effects("kemensos")
    active = await institutions.effects("bpjs")
    answers = _answers_of_kemensos(played, registry)
    reactivated = sum(one.is_new and _outcome(one) is Outcome.REACTIVATED for one in played)
    return [
        Count("siks_ng", submitted, len(keys | submitted.keys()) if keys != submitted.keys() else len(keys)),
        Count("kemensos", decided, answers),
        Count("bpjs", active, reactivated),
    ]

"""Which version this is, and which were released."""

import re
import tomllib
from pathlib import Path
from typing import Final

from runtime.settings import ROOT

HISTORIES = Path(__file__).parent / "histories"
"""A folder for each version, in it a history of each path. `0.1-6eb4e84` is of a commit that called itself
0.1 too and was another: a version that was installed keeps its histories, whatever it is called, until it is
retired.
"""
RETIRED: Final[frozenset[str]] = frozenset()
"""Versions of which Temporal keeps no case any more: their histories went together with an old way
(docs/changing-a-workflow.md, step 4). Their messages stay, and tell that they were there.
"""


def present_version() -> str:
    """Return the version of this tree as `major.minor`; a third number is for what changes no command."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return ".".join(str(project["version"]).split(".")[:2])


def released_versions() -> set[str]:
    """Return the versions that the changelog gives a date."""
    text = (ROOT / "CHANGELOG.md").read_text()
    return set(re.findall(r"^## \[(\d+\.\d+)[\d.]*\] - \d{4}-", text, flags=re.MULTILINE))


def recorded_versions() -> list[str]:
    """Return the versions that have histories, the newest last; commits of a version come before it."""

    def place(name: str) -> tuple[list[int], bool]:
        number, _, commit = name.partition("-")
        return [int(part) for part in number.split(".")], not commit

    return sorted((folder.name for folder in HISTORIES.iterdir()), key=place)

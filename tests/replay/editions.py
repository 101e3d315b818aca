"""Another edition of this program: a copy of its tree in which somebody changed a workflow or a message."""

import shutil
from pathlib import Path

from runtime.settings import ROOT

PATCH = "answers-at-once"
_LINE = "            answer, at = reply.answer, self._note_answer(EventKind.ANSWER_RECORDED, reply)\n"
_UNGUARDED = """\
            if System.of(step) is not None:
                await self._progress.publish()
"""
_GUARDED = f"""\
            if System.of(step) is not None and workflow.patched("{PATCH}"):
                await self._progress.publish()
"""


def edition(folder: Path, *, is_guarded: bool) -> Path:
    """Copy the tree into a new folder; there an institution's answer is published at once."""
    line = _GUARDED if is_guarded else _UNGUARDED
    return _edited(folder, "workflows/reactivation.py", _LINE, _LINE + line)


def edition_of_messages(folder: Path) -> Path:
    """Copy the tree into a new folder; there a field of a message has another name."""
    return _edited(folder, "models/messages.py", "    untold: ", "    unsent: ")


def edition_that_retires(folder: Path, *versions: str, is_said: bool) -> Path:
    """Copy the tree into a new folder; there the histories of versions are gone, and `RETIRED` may say so."""
    named = f"frozenset({set(versions)})" if is_said else "frozenset()"
    tree = _edited(folder, "tests/replay/versions.py", "= frozenset()", f"= {named}")
    for version in versions:
        shutil.rmtree(tree / "tests/replay/histories" / version)
    return tree


def _edited(folder: Path, place: str, before: str, after: str) -> Path:
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "images", "*.db")
    tree = Path(shutil.copytree(ROOT, folder, ignore=unwanted))
    file = tree / place
    text = file.read_text()
    assert text.count(before) == 1, f"the line of {place} where the edit goes is another now"
    file.write_text(text.replace(before, after))
    return tree

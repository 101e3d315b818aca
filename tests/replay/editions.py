"""Another edition of this program: a copy of its tree in which somebody changed a workflow."""

import shutil
from pathlib import Path

from runtime.settings import ROOT

PATCH = "answers-at-once"
_LINE = "            answer, at = reply.answer, self._note_answer(EventKind.ANSWER_RECORDED, reply)\n"
_UNGUARDED = "            await self._progress.publish()\n"
_GUARDED = f'            if workflow.patched("{PATCH}"):\n                await self._progress.publish()\n'


def edition(folder: Path, *, is_guarded: bool) -> Path:
    """Copy the tree into a new folder; there an answer is published at once, not with the next step."""
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "images", "*.db")
    tree = Path(shutil.copytree(ROOT, folder, ignore=unwanted))
    file = tree / "workflows" / "reactivation.py"
    before = file.read_text()
    assert before.count(_LINE) == 1, "the line after which the edit goes is another now"
    file.write_text(before.replace(_LINE, _LINE + (_GUARDED if is_guarded else _UNGUARDED)))
    return tree

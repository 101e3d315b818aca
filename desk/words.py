"""Words that people type and that stay in the ledger."""

from typing import Final

from models.errors import BadInput, Finding
from models.plain import is_plain

_LONGEST: Final = 2000


def words(field: str, text: str) -> str:
    """Return what was typed as a reason, trimmed. Raises BadInput when it is empty, long or unprintable."""
    if not text.strip():
        raise BadInput([Finding(field, "is empty", "say why, in a few words")])
    if fault := fault_of(field, text):
        raise BadInput([fault])
    return text.strip()


def fault_of(field: str, text: str | None) -> Finding | None:
    """Tell what is wrong with words; nothing is when there are none."""
    if text is None:
        return None
    if len(text) > _LONGEST:
        return Finding(field, f"is longer than {_LONGEST} characters", "shorten it")
    if not is_plain(text.replace("\n", " ")):
        return Finding(field, "has invisible or control characters", "type it anew")
    return None

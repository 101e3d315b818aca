"""Text from outside, made harmless: for terminals and logs, for spreadsheets."""

import re
import unicodedata
from typing import Final

_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that steer a terminal, turn the direction of writing, or cannot be seen."""
_STARTS_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")
"""With these a spreadsheet takes a cell for a formula (OWASP, CSV injection)."""
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def is_plain(text: str) -> bool:
    """Tell whether a text can be printed anywhere: no control, invisible or direction-changing character."""
    return text.isprintable() or not any(unicodedata.category(one) in _HARMFUL for one in text)


def plain(text: str) -> str:
    r"""Return a text with such characters written out, as `\x1b`."""
    if is_plain(text):
        return text
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in _HARMFUL else one
        for one in text
    )


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula: one that would be begins with an apostrophe."""
    cell = "" if value is None else str(value)
    is_formula = cell.startswith(_STARTS_FORMULA) and _NUMBER.fullmatch(cell) is None
    return f"'{cell}" if is_formula else cell

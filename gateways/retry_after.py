"""When an outside system wants to be asked again, as it says by `Retry-After` (RFC 9110, section 10.2.3)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_NAME: Final = b"retry-after"
_DIGITS: Final = 9
"""More seconds than that are thirty years; whoever waits has a bound of his own."""


def retry_after(headers: Iterable[tuple[bytes, bytes]], now: datetime) -> timedelta | None:
    """Return how long the sender of a reply wants to be left alone; None when it does not say, or in no form.

    It says seconds, or the time from which on it may be asked, which counts from `now`. Never below zero.
    """
    told = next((value for name, value in headers if name.lower() == _NAME), None)
    if told is None:
        return None
    text = told.decode("ascii", "replace").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:_DIGITS]))
    try:
        at = parsedate_to_datetime(text)
        return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta(0))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

"""How messages between systems are signed: HMAC-SHA256 over a timestamp and the body, in both directions."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

TIMESTAMP: Final = "Reaktivasi-Timestamp"
"""Header: when the message was signed, in seconds since 1970."""
SIGNATURE: Final = "Reaktivasi-Signature"
"""Header: the signature in hex."""
_TIMESTAMP_FORM: Final = re.compile(r"[0-9]{1,11}")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature over `timestamp.body`, in hex."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secrets: Iterable[str], timestamp: str, body: bytes, given: str) -> bool:
    """Tell whether a signature was made with one of the secrets; takes as long whichever it was."""
    if _TIMESTAMP_FORM.fullmatch(timestamp) is None:
        return False
    claimed = given.encode("utf-8", "replace")
    fits = [hmac.compare_digest(signature(secret, timestamp, body).encode(), claimed) for secret in secrets]
    return any(fits)


def is_fresh(timestamp: str, now: datetime, window: timedelta) -> bool:
    """Tell whether a message was signed within the window before or after now."""
    return abs(datetime.fromtimestamp(int(timestamp), UTC) - now) <= window

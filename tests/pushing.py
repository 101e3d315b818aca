"""An outside system that pushes answers: builds, signs and sends CloudEvents."""

import json
from datetime import UTC, datetime
from itertools import count

import httpx

from models.events import ANSWERED
from models.signing import SIGNATURE, TIMESTAMP, signature

MEDIA = "application/cloudevents+json"
KEMENSOS_URI, BPJS_URI = "https://kemensos.example/siks-ng", "https://bpjs.example"
KEMENSOS, BPJS = "mesin-kemensos", "mesin-bpjs"
SECRET, NEXT_SECRET, BPJS_SECRET = "k" * 32, "n" * 32, "b" * 32
SOURCES = f"""
[{KEMENSOS}]
source = "{KEMENSOS_URI}"
party = "kemensos"
secrets = ["{SECRET}", "{NEXT_SECRET}"]
[{BPJS}]
source = "{BPJS_URI}"
party = "bpjs"
secrets = ["{BPJS_SECRET}"]
cities = ["3674"]
"""
_serial = count(1)


def an_event(
    case: str, *, step: str = "kemensos_verification", decision: str = "approved", **data: object
) -> dict[str, object]:
    """Return an answer of Kemensos with an id that no other has."""
    return {
        "specversion": "1.0",
        "id": f"e-{next(_serial)}",
        "source": KEMENSOS_URI,
        "type": ANSWERED,
        "subject": case,
        "datacontenttype": "application/json",
        "data": {"step": step, "decision": decision, **data},
    }


def headers(body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    """Return the headers of a body that was signed now, or at another time."""
    timestamp = str(int((at or datetime.now(UTC)).timestamp()))
    return {"Content-Type": MEDIA, TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}


def push(url: str, event: object, *, secret: str = SECRET, at: datetime | None = None) -> httpx.Response:
    """Sign an event and send it."""
    body = json.dumps(event).encode()
    return httpx.post(
        f"{url}/events", content=body, headers=headers(body, secret=secret, at=at), trust_env=False
    )

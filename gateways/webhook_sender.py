"""Alerts to another system: CloudEvents 1.0 as JSON, signed with HMAC-SHA256."""

import json
import logging
from collections.abc import Callable
from datetime import datetime

import httpx

from gateways.http_call import Patience, http_address
from gateways.retry_after import retry_after
from models.errors import Misconfigured, ReactivationError, Refused, Unavailable
from models.outbox import AlertMessage
from models.signing import SIGNATURE, TIMESTAMP, signature

_SYSTEM = "webhook"
_SOURCE = "/pbi-reaktivasi"
_PASSES = {httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS}


class WebhookSender:
    """Posts each alert to one address. The event's id is the delivery's key: the same for every attempt."""

    def __init__(self, url: str, secret: str, *, patience: Patience, clock: Callable[[], datetime]) -> None:
        """`secret` is shared with the receiver, who should refuse an old timestamp. Raises Misconfigured."""
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)  # they log URLs, and this one may hold a key
        if http_address(url) is None:
            raise Misconfigured("webhook: not an http(s) address (check REAKTIVASI_WEBHOOK_URL)")
        self._url, self._secret, self._clock = url, secret, clock
        self._client = httpx.Client(
            timeout=httpx.Timeout(patience.read.total_seconds(), connect=patience.connect.total_seconds()),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, recipient: str, message: AlertMessage) -> None:  # noqa: ARG002 - there is only one
        """Post the alert. Raises Unavailable, or Refused when the receiver will never take it."""
        body = json.dumps(event_of(message)).encode()
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self._secret, timestamp, body),
        }
        fault: ReactivationError
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                wait = retry_after(
                    response.headers.raw, self._clock()
                )  # what the receiver says beside its status is not read
        except httpx.TimeoutException:
            fault = Unavailable(_SYSTEM, "no answer in time")
        except httpx.HTTPError:
            fault = Unavailable(_SYSTEM, "connection failed or was cut")
        else:
            if response.is_success:
                return
            passes = response.is_server_error or response.status_code in _PASSES
            fault = (
                Unavailable(_SYSTEM, "out of order", ask_again_in=wait)
                if passes
                else Refused(_SYSTEM, "event refused")
            )
        raise fault  # outside the `except`, so that no address is chained to it


def event_of(message: AlertMessage) -> dict[str, object]:
    """Return a message as a CloudEvent; nothing personal is in it."""
    alert = message.alert
    data = alert.model_dump(mode="json", exclude={"key", "levels", "words"})
    data["late_seconds"] = int(alert.late_by.total_seconds())
    return {
        "specversion": "1.0",
        "id": message.key,
        "source": _SOURCE,
        "type": f"id.reaktivasi.{message.kind}",
        "subject": alert.case_number or alert.city,
        "time": alert.raised_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {**data, "title": message.subject, "text": message.body.strip()},
    }

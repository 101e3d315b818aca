"""One call to an outside system over HTTP, and the one place where its failures become ours."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from models.errors import BadReply, Misconfigured, ReactivationError, Refused, Unavailable

_MOST_BYTES = 1024 * 1024
"""No reply that was agreed is a hundredth of it."""
Reply = TypeVar("Reply", bound=BaseModel)


ONE_CALL_A_CONNECTION = httpx.Limits(max_keepalive_connections=0)
"""A reply that comes twice, or late, would be read as the answer to the next call on its connection: that is
about another person."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for an outside system; the composition root takes it from `workflows/options.py`."""

    connect: timedelta
    read: timedelta
    """For each wait on the network, and for a whole body; with `connect` below start_to_close."""


class HttpCall:
    """The HTTP side of one outside system; safe to share between threads.

    No error of ours carries the URL, the body or the words of the other side, and none is
    chained to an exception that does: errors are raised outside the `except` that saw the fault.
    """

    def __init__(self, system: str, base_url: str, *, address: str, access: str, patience: Patience) -> None:
        """Prepare the connections to a system.

        `address` and `access` name the settings that hold its address and what it knows us by.
        Raises Misconfigured.
        """
        self._system, self._access = system, access
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)  # they log URLs, and a URL may hold a NIK
        if not _is_http(base_url):
            raise Misconfigured(f"{system}: not an http(s) address (check {address})")
        self._client = httpx.Client(
            base_url=base_url,
            timeout=httpx.Timeout(patience.read.total_seconds(), connect=patience.connect.total_seconds()),
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
            limits=ONE_CALL_A_CONNECTION,
        )
        self._patience = patience

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        refusals: Mapping[int, str] | None = None,
    ) -> bytes:
        """Make one call and return the body of a 2xx reply.

        `body` is sent as JSON; `refusals` gives fixed words to a 4xx status that has a meaning.
        Raises Unavailable, Misconfigured, Refused or BadReply.
        """
        fault: ReactivationError
        try:
            with self._client.stream(method, path, headers=headers, json=body) as response:
                content = self._content(response) if response.is_success else b""
        except httpx.TimeoutException:
            fault = Unavailable(self._system, "no answer in time")
        except httpx.TransportError:
            fault = Unavailable(self._system, "connection failed or was cut")
        except httpx.HTTPError:
            fault = BadReply(self._system, "reply cannot be read")
        else:
            if content is not None and response.is_success:
                return content
            fault = (
                BadReply(self._system, "reply is too large, or packed")
                if response.is_success
                else self._fault(response.status_code, refusals or {})
            )
        raise fault

    def probe(self) -> None:
        """Return when the system answers at all, whatever it says. Raises Unavailable."""
        try:
            with self._client.stream("GET", "") as response:
                pass
        except httpx.HTTPError:
            is_there = False
        else:
            is_there = response.status_code < httpx.codes.INTERNAL_SERVER_ERROR
        if not is_there:
            raise Unavailable(self._system, "does not answer")

    def read(self, content: bytes | str, form: type[Reply]) -> Reply:
        """Read a JSON reply of the agreed form. Raises BadReply."""
        try:
            return form.model_validate_json(content)
        except ValidationError:
            pass
        raise BadReply(self._system, "reply not in the agreed form")

    def _content(self, response: httpx.Response) -> bytes | None:
        """Read a body as it comes; None when it is larger than any reply of the agreed form, or packed.

        Raises httpx.ReadTimeout for one that drips.
        """
        if response.headers.get("content-encoding", "identity") != "identity":
            return None
        until = monotonic() + self._patience.read.total_seconds()
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > _MOST_BYTES:
                return None
            if monotonic() > until:
                raise httpx.ReadTimeout("drips")
        return bytes(body)

    def _fault(self, status: int, refusals: Mapping[int, str]) -> ReactivationError:
        match status:
            case 401 | 403:
                return Misconfigured(f"{self._system}: {self._access}")
            case 408 | 429:
                return Unavailable(self._system, "overloaded")
            case _ if status >= httpx.codes.INTERNAL_SERVER_ERROR:
                return Unavailable(self._system, "out of order")
            case _ if status >= httpx.codes.BAD_REQUEST:
                return Refused(self._system, refusals.get(status, "call refused"))
        return BadReply(self._system, "redirected")


def _is_http(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)

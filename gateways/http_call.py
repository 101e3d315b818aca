"""One call to an outside system over HTTP, and the one place where its failures become ours."""

import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import TypeVar

import httpcore
import httpx
from pydantic import BaseModel, ValidationError

from gateways.retry_after import retry_after
from models.errors import BadReply, Misconfigured, ReactivationError, Refused, Unavailable

_MOST_BYTES = 1024 * 1024
"""No reply that was agreed is a hundredth of it."""
Reply = TypeVar("Reply", bound=BaseModel)
_CUT = (httpcore.NetworkError, httpcore.ProtocolError)
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "reaktivasi"}


@dataclass(frozen=True)
class Patience:
    """How long to wait for an outside system; the composition root takes it from `workflows/options.py`."""

    connect: timedelta
    read: timedelta
    """For each wait on the network, and for a whole body; with `connect` below start_to_close."""


class HttpCall:
    """The HTTP side of one outside system; safe to share between threads.

    Every call stands alone: it has a connection of its own, since a reply that comes twice, or late, would be
    read as the answer to the next call on it, which is about another person; no cookie is kept and no
    redirect followed. So httpcore is enough, for three fifths of the CPU time of httpx.

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
        base = http_address(base_url)
        if base is None:
            raise Misconfigured(f"{system}: not an http(s) address (check {address})")
        if base.userinfo:
            raise Misconfigured(f"{system}: user and password in an address are not sent (check {address})")
        self._base = base
        self._pool = httpcore.ConnectionPool(max_connections=None, max_keepalive_connections=0)
        connect, read = patience.connect.total_seconds(), patience.read.total_seconds()
        self._within = {"connect": connect, "read": read, "write": read, "pool": read}

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

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
            with self._called(method, path, headers or {}, body) as response:
                is_success = HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES
                content = self._content(response) if is_success else b""
                wait = retry_after(response.headers, datetime.now(UTC))
        except httpcore.TimeoutException:
            fault = Unavailable(self._system, "no answer in time")
        except _CUT:
            fault = Unavailable(self._system, "connection failed or was cut")
        else:
            if content is not None and is_success:
                return content
            fault = (
                BadReply(self._system, "reply is too large, or packed")
                if is_success
                else self._fault(response.status, refusals or {}, wait)
            )
        raise fault

    def probe(self) -> None:
        """Return when the system answers at all, whatever it says. Raises Unavailable."""
        try:
            with self._called("GET", "/", {}, None) as response:
                is_there = response.status < HTTPStatus.INTERNAL_SERVER_ERROR
        except (httpcore.TimeoutException, *_CUT):
            is_there = False
        if not is_there:
            raise Unavailable(self._system, "does not answer")

    def read(self, content: bytes | str, form: type[Reply]) -> Reply:
        """Read a JSON reply of the agreed form. Raises BadReply."""
        try:
            return form.model_validate_json(content)
        except ValidationError:
            pass
        raise BadReply(self._system, "reply not in the agreed form")

    def _called(
        self, method: str, path: str, headers: Mapping[str, str], body: object
    ) -> AbstractContextManager[httpcore.Response]:
        base, content = self._base, None
        target = base.raw_path.rstrip(b"/") + path.encode()
        told = {"Host": base.netloc.decode(), **_HEADERS, **headers}
        if body is not None:
            content, told["Content-Type"] = json.dumps(body).encode(), "application/json"
        return self._pool.stream(
            method,
            httpcore.URL(scheme=base.raw_scheme, host=base.raw_host, port=base.port, target=target),
            headers=list(told.items()),
            content=content,
            extensions={"timeout": self._within},
        )

    def _content(self, response: httpcore.Response) -> bytes | None:
        """Read a body as it comes; None when it is larger than any reply of the agreed form, or packed.

        Raises httpcore.ReadTimeout for one that drips.
        """
        if any(name.lower() == b"content-encoding" and how != b"identity" for name, how in response.headers):
            return None
        until = monotonic() + self._within["read"]
        body = bytearray()
        for part in response.iter_stream():
            body += part
            if len(body) > _MOST_BYTES:
                return None
            if monotonic() > until:
                raise httpcore.ReadTimeout("drips")
        return bytes(body)

    def _fault(self, status: int, refusals: Mapping[int, str], wait: timedelta | None) -> ReactivationError:
        match status:
            case 401 | 403:
                return Misconfigured(f"{self._system}: {self._access}")
            case 408 | 429:
                return Unavailable(self._system, "overloaded", ask_again_in=wait)
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return Unavailable(self._system, "out of order", ask_again_in=wait)
            case _ if status >= HTTPStatus.BAD_REQUEST:
                return Refused(self._system, refusals.get(status, "call refused"))
        return BadReply(self._system, "redirected")


def http_address(url: str) -> httpx.URL | None:
    """Read an address; None when it is not one of HTTP."""
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return read if read.scheme in {"http", "https"} and read.host else None

"""Replies of outside systems that never end, drip, are packed, or say anything at all: bounded, and told."""

import contextlib
import gzip
import json
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.http_call import HttpCall, Patience
from models.errors import BadReply, Misconfigured, ReactivationError, Unavailable
from tests.gateways.conftest import Script
from tests.gateways.institutions import SYSTEMS, Adapters, fresh_nik

_SHORT = Patience(connect=timedelta(seconds=1), read=timedelta(seconds=0.3))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=3),
    max_leaves=8,
)
_WORDS = ("referensi", "status", "keputusan", "kode", "alasan", "metaData", "response", "peserta", "code")


_PACKED = gzip.compress(b" " * 50_000_000, 1)


class _Tap(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with contextlib.suppress(OSError):  # who asked has had enough
            getattr(self, self.path.strip("/") or "endless")()

    def _begin(self, **more: str) -> None:
        self.send_response(200)
        for name, value in ({"Connection": "close"} | more).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def endless(self) -> None:
        self._begin()
        while True:
            self.wfile.write(b" " * 65_536)

    def drip(self) -> None:
        self._begin()
        for _ in range(100):
            self.wfile.write(b" ")
            time.sleep(0.05)

    def packed(self) -> None:
        self._begin(Content_Encoding="gzip")
        self.wfile.write(_PACKED)

    def lying(self) -> None:
        self._begin(Content_Length="10000000000")
        self.wfile.write(b"{}")

    def echo(self) -> None:
        heard = {name.lower(): value for name, value in self.headers.items()}
        said = json.dumps(heard | {"from": str(self.client_address[1])}).encode()
        self._begin(Connection="keep-alive", Content_Length=str(len(said)), Set_Cookie="session=1; Path=/")
        self.wfile.write(said)

    def log_message(self, *_words: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def tap() -> Iterator[HttpCall]:
    """Open a server of such replies, and our side of it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Tap) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        call = HttpCall(
            "sys", f"http://127.0.0.1:{server.server_port}", address="A", access="B", patience=_SHORT
        )
        yield call
        call.close()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "error"),
    [("endless", BadReply), ("drip", Unavailable), ("packed", BadReply), ("lying", Unavailable)],
)
def test_a_reply_takes_neither_memory_nor_time_without_end(
    tap: HttpCall, path: str, error: type[ReactivationError]
) -> None:
    """A megabyte and the patience of a read; nothing packed is unpacked."""
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(error):
        tap.send("GET", f"/{path}")
    assert time.monotonic() - began < 2
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_nothing_is_carried_from_one_call_to_the_next(tap: HttpCall) -> None:
    """Neither a cookie nor a connection: the next call may be about another person."""
    first, second = (json.loads(tap.send("GET", "/echo")) for _ in range(2))
    assert "cookie" not in second
    assert first["from"] != second["from"]
    assert second["connection"] == "close"
    assert second["host"].startswith("127.0.0.1:")


def test_user_and_password_in_an_address_are_refused_not_dropped() -> None:
    """Who put them there means them to be sent; the message repeats neither."""
    with pytest.raises(Misconfigured, match=r"^sys: user and password .* \(check A\)$"):
        HttpCall("sys", "http://dinsos:rahasia@127.0.0.1", address="A", access="B", patience=_SHORT)


def test_a_probe_reads_no_body(tap: HttpCall) -> None:
    """Who only wants to know whether anybody is there does not wait for what he says."""
    began = time.monotonic()
    tap.probe()
    assert time.monotonic() - began < 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_system_says_is_an_answer_or_one_of_our_errors(
    scripted: Adapters, script: Script, data: st.DataObject
) -> None:
    """Any JSON, any bytes, with the words of the protocol in the wrong places; no other exception."""
    body: object = data.draw(
        st.dictionaries(
            st.sampled_from(_WORDS), _JSON | st.dictionaries(st.sampled_from(_WORDS), _JSON), max_size=4
        )
        | _JSON
    )
    raw = json.dumps(body).encode()
    script.status = data.draw(st.sampled_from([200, 201, 204, 299]))
    script.body = b"" if script.status == 204 else data.draw(st.just(raw) | st.binary(max_size=40))
    for system in SYSTEMS:
        try:
            scripted.ask(system, fresh_nik())
        except ReactivationError as error:
            assert str(error).isprintable()  # noqa: PT017 - other exceptions are the finding

"""Fixtures: the institutions (one process for all tests), the adapters, a fresh person, a scripted server."""

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.gateways.institutions import SYSTEMS, Adapters, Institutions, fresh_nik


@pytest.fixture(scope="session")
def institutions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Institutions]:
    """All three institutions; tests keep apart by using fresh people."""
    with Institutions(tmp_path_factory.mktemp("institutions")) as running:
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="session")
def adapters(institutions: Institutions) -> Iterator[Adapters]:
    """Our adapters in front of the institutions."""
    with Adapters.at(institutions.urls) as made:
        yield made


@pytest.fixture
def nik() -> str:
    """Return a person nobody has met."""
    return fresh_nik()


class Script(ThreadingHTTPServer):
    """A server that gives one scripted reply to every call."""

    daemon_threads = True
    status = 200
    body = b""
    headers: Mapping[str, str] = {}

    @property
    def urls(self) -> dict[str, str]:
        """The same address for each system."""
        return dict.fromkeys(SYSTEMS, f"http://127.0.0.1:{self.server_port}")


class _Reply(BaseHTTPRequestHandler):
    server: Script

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_words: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="session")
def script() -> Iterator[Script]:
    """Run a server that says what a test tells it to say."""
    with Script(("127.0.0.1", 0), _Reply) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def scripted(script: Script) -> Iterator[Adapters]:
    """Our adapters in front of the scripted server."""
    with Adapters.at(script.urls) as made:
        yield made

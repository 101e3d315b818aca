"""Real servers: what arrives at an officer's address and at the webhook, and what a failure says."""

import hashlib
import hmac
import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateways.apprise_sender import AppriseSender
from gateways.contact_file import read_contacts
from gateways.http_call import Patience
from gateways.ports.alerts import AlertSender
from gateways.sender_by_recipient import SenderByRecipient
from gateways.webhook_sender import WebhookSender
from models.case import Step
from models.errors import Misconfigured, Refused, Unavailable
from models.messages import Alert, AlertKind
from models.outbox import WEBHOOK, AlertMessage
from models.signing import SIGNATURE, TIMESTAMP

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
SECRET = "kunci-webhook"
TOKEN = "rahasia-token"
PATIENCE = Patience(timedelta(seconds=2), timedelta(seconds=2))
NOBODY = "http://127.0.0.1:9"
MESSAGE = AlertMessage(
    key="PBI-3674-2026-000001:sla:1:100:rina:0",
    kind=AlertKind.SLA_BREACH,
    subject="PBI-3674-2026-000001 LEWAT BATAS WAKTU",
    body="terlambat 70 menit\n",
    alert=Alert(
        key="PBI-3674-2026-000001:sla:1:100",
        city="3674",
        case_number="PBI-3674-2026-000001",
        kind=AlertKind.SLA_BREACH,
        level=1,
        step=Step.SIKS_NG_UPLOAD,
        kecamatan="Pamulang",
        due_at=NOON - timedelta(minutes=70),
        raised_at=NOON,
    ),
)


class Receiver(ThreadingHTTPServer):
    """Keeps what it gets and answers with one status."""

    daemon_threads = True
    status = 200
    retry_after: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []

    def at(self, scheme: str) -> str:
        """Return its address, with a secret in it."""
        return f"{scheme}://127.0.0.1:{self.server_port}/{TOKEN}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        if self.server.retry_after is not None:
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Stay quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def nowhere() -> str:
    """Return an address, with a secret, at which nobody listens."""
    with Receiver() as closed:
        return closed.at("json")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Give what reaches the process's log, whatever its level; pytest's own log looks past `propagate`."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def officers(*addresses: str) -> AppriseSender:
    """Return a sender that knows one officer."""
    return AppriseSender({"rina": tuple(map(SecretStr, addresses))})


def webhook(url: str) -> WebhookSender:
    """Return a sender to another system."""
    return WebhookSender(url, SECRET, patience=PATIENCE, clock=lambda: NOON)


def test_an_officer_gets_subject_and_text(receiver: Receiver) -> None:
    """Once, at the address of the contact file."""
    officers(receiver.at("json")).send("rina", MESSAGE)
    [(_, body)] = receiver.got
    got = json.loads(body)
    assert (got["title"], got["message"]) == (MESSAGE.subject, "terlambat 70 menit")


def test_one_of_two_addresses_is_enough(receiver: Receiver, nowhere: str) -> None:
    """The person heard of it; the other address is no reason to send it again."""
    officers(nowhere, receiver.at("json")).send("rina", MESSAGE)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_passes_is_tried_again(receiver: Receiver, status: int) -> None:
    """By an officer's address and by the webhook."""
    receiver.status = status
    ways: list[AlertSender] = [officers(receiver.at("json")), webhook(receiver.at("http"))]
    for way in ways:
        with pytest.raises(Unavailable):
            way.send("rina", MESSAGE)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_does_not_pass_is_final(receiver: Receiver, status: int) -> None:
    """By an officer's address and by the webhook."""
    receiver.status = status
    ways: list[AlertSender] = [officers(receiver.at("json")), webhook(receiver.at("http"))]
    for way in ways:
        with pytest.raises(Refused):
            way.send("rina", MESSAGE)


def test_an_address_that_refuses_beside_one_that_is_away_is_not_final(
    receiver: Receiver, nowhere: str
) -> None:
    """The other one may answer later."""
    receiver.status = 404
    with pytest.raises(Unavailable):
        officers(receiver.at("json"), nowhere).send("rina", MESSAGE)


def test_nobody_listens(nowhere: str) -> None:
    """It is tried again."""
    for way in (officers(nowhere), webhook(nowhere.replace("json", "http"))):
        with pytest.raises(Unavailable):
            way.send("rina", MESSAGE)


def test_an_officer_without_contact_is_final() -> None:
    """Somebody must mend the contact file."""
    with pytest.raises(Refused, match="officer has no contact"):
        officers("json://127.0.0.1").send("budi", MESSAGE)


def test_the_webhook_gets_a_signed_cloud_event(receiver: Receiver) -> None:
    """The receiver checks `timestamp.body` with the shared secret; computed here without our code."""
    webhook(receiver.at("http")).send(WEBHOOK, MESSAGE)
    [(headers, body)] = receiver.got
    signed = headers[TIMESTAMP].encode() + b"." + body
    assert headers[SIGNATURE] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers[TIMESTAMP] == str(int(NOON.timestamp()))
    assert headers["Content-Type"].startswith("application/cloudevents+json")
    event = json.loads(body)
    assert {event[name] for name in ("specversion", "id", "type", "subject")} == {
        "1.0",
        MESSAGE.key,
        "id.reaktivasi.sla.breach",
        "PBI-3674-2026-000001",
    }
    assert (event["data"]["late_seconds"], event["data"]["city"]) == (4200, "3674")


def test_the_same_delivery_is_the_same_event(receiver: Receiver) -> None:
    """So that the receiver can drop what it has."""
    way = webhook(receiver.at("http"))
    way.send(WEBHOOK, MESSAGE)
    way.send(WEBHOOK, MESSAGE)
    first, second = (json.loads(body) for _, body in receiver.got)
    assert first["id"] == second["id"]


@pytest.mark.parametrize(("asked", "wait"), [("120", timedelta(minutes=2)), ("soon", None), (None, None)])
def test_a_webhook_that_is_busy_says_when_to_come_again(
    receiver: Receiver, asked: str | None, wait: timedelta | None
) -> None:
    """By `Retry-After`; what it says in no known form is as nothing."""
    receiver.status, receiver.retry_after = 503, asked
    with pytest.raises(Unavailable) as told:
        webhook(receiver.at("http")).send(WEBHOOK, MESSAGE)
    assert told.value.ask_again_in == wait


@pytest.mark.parametrize("status", [404, 503])
def test_neither_errors_nor_logs_hold_an_address(
    receiver: Receiver, nowhere: str, status: int, logged: io.StringIO
) -> None:
    """Also not in what an error is chained to."""
    receiver.status = status
    secrets = (TOKEN, SECRET, str(receiver.server_port))
    ways: list[AlertSender] = [officers(receiver.at("json")), officers(nowhere), webhook(receiver.at("http"))]
    for way in ways:
        with pytest.raises((Refused, Unavailable)) as caught:
            way.send("rina", MESSAGE)
        assert caught.value.__context__ is None
        assert not any(secret in repr(caught.value) for secret in secrets)
    assert not any(secret in logged.getvalue() for secret in secrets)


def test_each_recipient_has_its_way(receiver: Receiver) -> None:
    """A way that is not set up is final for its recipients."""
    by_webhook = SenderByRecipient(None, webhook(receiver.at("http")))
    by_webhook.send(WEBHOOK, MESSAGE)
    assert len(receiver.got) == 1
    with pytest.raises(Refused, match="no way"):
        by_webhook.send("rina", MESSAGE)
    SenderByRecipient(officers(receiver.at("json")), None).send("rina", MESSAGE)
    assert len(receiver.got) == 2


@pytest.mark.parametrize("url", ["ftp://x/rahasia-token", "rahasia-token", "http://"])
def test_a_webhook_that_is_none_is_refused_without_its_address(url: str) -> None:
    """The setting is named."""
    with pytest.raises(Misconfigured, match="REAKTIVASI_WEBHOOK_URL") as caught:
        webhook(url)
    assert TOKEN not in str(caught.value)


def contact_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write a contact file."""
    path = folder / "kontak.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_contacts_are_read_and_hidden(tmp_path: Path) -> None:
    """A repr shows the officer alone."""
    contacts = read_contacts(contact_file(tmp_path, f'rina = ["json://127.0.0.1/{TOKEN}"]\n'))
    assert [one.get_secret_value() for one in contacts["rina"]] == [f"json://127.0.0.1/{TOKEN}"]
    assert TOKEN not in repr(contacts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('rina = ["apa-saja://rahasia-token"]', "rina: entry 1 is not an Apprise address"),
        ('rina = ["json://127.0.0.1", 7]', "rina: entry 2 is not an Apprise address"),
        ('rina = "json://127.0.0.1/rahasia-token"', "rina: must be a list"),
        ("rina = []", "rina: must be a list"),
        ('"json://rahasia-token" = ["rina"]', "an entry's name is not an officer id"),
        ('budi = ["json://127.0.0.1"]\nrina = ["json://rahasia-token', "is not TOML (at the end)"),
    ],
)
def test_a_broken_contact_file_names_the_officer_and_no_address(
    tmp_path: Path, text: str, says: str, logged: io.StringIO
) -> None:
    """Neither does the log."""
    with pytest.raises(Misconfigured) as caught:
        read_contacts(contact_file(tmp_path, text))
    assert says in str(caught.value)
    assert TOKEN not in str(caught.value) + logged.getvalue()


def test_a_contact_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """Addresses are secrets; so is one that is not there named."""
    with pytest.raises(Misconfigured, match="chmod 600"):
        read_contacts(contact_file(tmp_path, "", 0o640))
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_contacts(tmp_path / "none.toml")

"""The process behind the door for pushed answers: listens, delivers, stops on SIGTERM."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from gateways.ports.desk import DeskBook
from gateways.ports.ledger import Registry
from models.desk import Command, CommandResult
from models.errors import (
    AnotherCase,
    AnotherLedger,
    BadInput,
    EngineUnreachable,
    Finding,
    NotRunning,
    WrongState,
)
from models.events import EventRefused, EventResult
from runtime import adapters
from runtime.background import stop_signal
from runtime.delivery import Delivery
from runtime.event_door import EventDoor
from runtime.limits import Limits, Rates
from runtime.namespace import OwnNamespace
from runtime.settings import Settings
from workflows import options

log = structlog.get_logger()

_MOST_CONNECTIONS = 200
_LONGEST_HEADERS = 16 * 1024


@dataclass(frozen=True)
class Listening:
    """Where the door is."""

    host: str = "127.0.0.1"
    port: int = 8470
    """0 lets the system pick one."""
    certificate: Path | None = None
    key: Path | None = None
    """PEM files for TLS; without them a reverse proxy must do it."""


class Deliverer:
    """Brings a pushed answer to its workflow, and does not let its sender wait for long."""

    def __init__(self, delivery: Delivery, registry: Registry, book: DeskBook) -> None:
        """`book` knows what the workflow said."""
        self._delivery = delivery
        self._registry = registry
        self._book = book

    async def __call__(self, command: Command) -> EventResult:
        """Deliver and say what became of it. Raises EventRefused when the workflow will not have it."""
        within = options.EVENT_DELIVERED_WITHIN.total_seconds()
        try:
            kept = await asyncio.wait_for(self._delivery.deliver(command), within)
        except (TimeoutError, NotRunning, AnotherCase, AnotherLedger):
            return EventResult.KEPT
        except WrongState:
            return await asyncio.to_thread(self._late, command)
        return EventResult.ACCEPTED if kept is None else EventResult.KEPT

    def _late(self, command: Command) -> EventResult:
        settled = self._book.command(command.command_id)
        is_late = settled is not None and settled.result is CommandResult.LATE
        if is_late or self._registry.case(command.case_number).outcome is not None:
            return EventResult.LATE
        raise EventRefused(EventResult.NOT_OPEN, ("data.step",))


async def serve_events(settings: Settings, listening: Listening) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadInput where it cannot listen, and Misconfigured."""
    office = adapters.office(settings)
    events = adapters.events(settings, office)
    namespace = OwnNamespace.of(settings, office.lineage)
    with contextlib.suppress(EngineUnreachable):
        await namespace.client()
    delivery = Delivery(namespace, office.registry, office.book, office.clock)
    door = EventDoor(
        events,
        Deliverer(delivery, office.registry, office.book),
        Limits(Rates(), time.monotonic),
        window=settings.event_window,
        clock=office.clock,
    )
    with _listen(listening) as held:
        server = _server(door.app(), listening)
        stop = stop_signal()
        serving = asyncio.create_task(server.serve(sockets=[held]))
        log.info(
            "events.listening",
            host=listening.host,
            port=held.getsockname()[1],
            tls=listening.certificate is not None,
            sources=[source.id for source in events.sources],
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        stopping.cancel()
    log.info("events.stopped")


class _Server(uvicorn.Server):
    """A server that leaves signals to this module."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Starlette, listening: Listening) -> uvicorn.Server:
    try:
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level="critical",
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=_LONGEST_HEADERS,
            timeout_graceful_shutdown=5,
            ssl_certfile=listening.certificate,
            ssl_keyfile=listening.key,
        )
        config.load()
    except OSError:  # also of the ssl module
        fix = "give a PEM certificate and its key"
        raise BadInput([Finding("--certificate", "or --key cannot be used", fix)]) from None
    return _Server(config)


def _listen(listening: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        held = socket.create_server((listening.host, listening.port), family=family)
    except (OSError, OverflowError, UnicodeError):
        fix = "choose an address of this machine and a free port"
        raise BadInput([Finding("--port", "or --host cannot be listened on", fix)]) from None
    held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return held

"""Whoever gets the alerts: another system behind the webhook, and the officers' addresses."""

import asyncio
import contextlib
import json
import socket
from collections import Counter

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.chaos.web import Server


class Mailbox:
    """Counts what arrives. It can be told to take a message and leave the sender without an answer."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self.received: Counter[str] = Counter()
        self.officers_heard = 0
        self.arrived = asyncio.Event()
        self._is_mute = False
        routes = [
            Route("/hook", self._hook, methods=["POST"]),
            Route("/officer/{id}", self._officer, methods=["POST"]),
        ]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = Server(Starlette(routes=routes))
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def close(self) -> None:
        """Listen no more."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    async def swallow_next(self, within: float) -> None:
        """Wait until a message is here whose sender waits for the answer; `within` so many seconds."""
        self.arrived.clear()
        self._is_mute = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self.arrived.wait()

    def answer_again(self) -> None:
        """Answer whoever sends from now on."""
        self._is_mute = False

    async def _hook(self, request: Request) -> Response:
        self.received[json.loads(await request.body())["id"]] += 1
        self.arrived.set()
        while self._is_mute:
            await asyncio.sleep(0.1)
        return Response(status_code=204)

    async def _officer(self, request: Request) -> Response:
        await request.body()
        self.officers_heard += 1
        return Response(status_code=204)

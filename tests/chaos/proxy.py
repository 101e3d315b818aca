"""Stands between two processes and spoils what they say to each other."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

_BLOCK = 65536
Take = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Proxy:
    """Passes bytes on, each block so many seconds later as it is told."""

    def __init__(self, target: int) -> None:
        """`target` is a port on this machine."""
        self._target = target
        self.delay = 0.0
        self._server: asyncio.Server | None = None
        self.port = 0
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen on a port that is free."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more, and end every talk."""
        if self._server is not None:
            self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            await self.talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # cancelled only by `close`, which nobody has to be told of
        finally:
            self._talks.discard(talk)
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what one connection says, both ways, until one side ends it."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = [
            asyncio.create_task(self._pass(reader, far_writer)),
            asyncio.create_task(self._pass(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(block)
                await writer.drain()

    async def call(self, request: bytes) -> bytes:
        """Make one HTTP call of its own and return the whole reply."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


class MessyProxy(Proxy):
    """The same for HTTP: of some calls the reply is lost, doubled, late, or overtaken by others."""

    LATE = (2.0, 14.0)
    """Seconds; the longer ones come after the caller gave up."""

    def __init__(self, target: int, seed: str) -> None:
        """`seed` decides what happens to which call."""
        super().__init__(target)
        self._dice = random.Random(seed)
        self.mess = 0.0
        """Share of calls that are spoilt."""
        self.spoilt = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer call after call on one connection."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            request = _told(head) + await reader.readexactly(_length(head))
            kind = self._dice.choice(("lost", "unheard", "doubled", "late", "overtaken"))
            is_spoilt = self._dice.random() < self.mess
            if self.delay:
                await asyncio.sleep(self.delay)
            if is_spoilt and kind == "unheard":
                self.spoilt += 1
                return
            reply = await self.call(request)
            if is_spoilt:
                self.spoilt += 1
                if kind == "lost":
                    return
                if kind == "doubled":
                    reply = await self.call(request)
                    writer.write(_kept_alive(reply))
                elif kind == "late":
                    await asyncio.sleep(self._dice.uniform(*self.LATE))
                else:
                    await asyncio.sleep(self._dice.uniform(0.0, 1.0))
            writer.write(_kept_alive(reply))
            await writer.drain()
            if _is_cut(reply):
                return


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _told(head: bytes) -> bytes:
    """Return a request's head that asks the other side to close the connection after its reply."""
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])


def _is_cut(reply: bytes) -> bool:
    head, _, body = reply.partition(b"\r\n\r\n")
    return len(body) < _length(head)


def _kept_alive(reply: bytes) -> bytes:
    head, mark, body = reply.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(lines) + mark + body

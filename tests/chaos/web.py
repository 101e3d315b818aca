"""A small web server within the process of the tests."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette


class Server(uvicorn.Server):
    """A server that leaves signals to whoever runs the tests."""

    def __init__(self, app: Starlette) -> None:
        """Serve `app`; nothing is logged."""
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_level="critical",
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=2,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[int]:
    """Serve an app within the block, on the port that is given."""
    listens = socket.create_server(("127.0.0.1", 0))
    server = Server(app)
    serving = asyncio.create_task(server.serve(sockets=[listens]))
    try:
        yield listens.getsockname()[1]
    finally:
        server.should_exit = True
        await serving

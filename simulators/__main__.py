"""Run the three institutions in one process: `python -m simulators --state FILE --ports-file FILE`."""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from simulators import bpjs, kemensos, siks_ng
from simulators.dials import BPJS, KEMENSOS, SIKS_NG, Dials
from simulators.world import World


class _Server(uvicorn.Server):
    """A server that leaves signals to this module, since three of them share the process."""

    def __init__(self, app: Starlette) -> None:
        # Critical only: a cut reply is on purpose, and a traceback could name a person.
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="critical",
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Parse the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    for system in (SIKS_NG, KEMENSOS, BPJS):
        option = f"--{system.replace('_', '-')}-port"
        parser.add_argument(option, type=int, default=0, help="0 lets the system pick one")
    parser.add_argument("--state", required=True, help="SQLite file with all that the institutions know")
    parser.add_argument("--ports-file", type=Path, help="where to write the ports, as JSON, once all listen")
    parser.add_argument("--decide-after", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--activate-after", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--cons-id", default="12345")
    parser.add_argument("--cons-secret", default="rahasia-demo")
    parser.add_argument("--user-key", default="demo")
    options = parser.parse_args()

    base = Dials(decide_after_s=options.decide_after, activate_after_s=options.activate_after)
    world = World(options.state, base)
    credentials = bpjs.Credentials(options.cons_id, options.cons_secret, options.user_key)
    apps = {
        SIKS_NG: (siks_ng.build(world), options.siks_ng_port),
        KEMENSOS: (kemensos.build(world), options.kemensos_port),
        BPJS: (bpjs.build(world, credentials), options.bpjs_port),
    }
    try:
        asyncio.run(_serve(apps, options.ports_file))
    finally:
        world.close()


async def _serve(apps: dict[str, tuple[Starlette, int]], ports_file: Path | None) -> None:
    sockets = {name: _listen(port) for name, (_, port) in apps.items()}
    servers = {name: _Server(app) for name, (app, _) in apps.items()}

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as group:
        for name, server in servers.items():
            group.create_task(server.serve(sockets=[sockets[name]]))
        for server in servers.values():
            await server.listens.wait()
        if ports_file:
            _write(ports_file, {name: int(held.getsockname()[1]) for name, held in sockets.items()})


def _listen(port: int) -> socket.socket:
    held = socket.create_server(("127.0.0.1", port))
    # asyncio does so only for sockets that name their protocol; without it each reply takes 40 ms more.
    held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return held


def _write(path: Path, ports: dict[str, int]) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(ports))
    draft.replace(path)


if __name__ == "__main__":
    main()

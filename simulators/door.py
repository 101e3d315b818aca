"""What every institution has: the door to its dials, and the misbehaviour that they set."""

import asyncio
import logging
import random
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.dials import BPJS, Dials, names, read_settings
from simulators.world import EVERYBODY, Participant, World

_log = logging.getLogger("simulators")


class Severed(Response):
    """A reply whose connection is cut before its end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Announce more bytes than are sent, and stop there; the server then closes the connection."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % (len(self.body) + 64))]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})


class Door:
    """One institution as seen from the net: its own routes plus `/_sim/...`."""

    def __init__(self, world: World, system: str, seed: int = 2026) -> None:
        """`seed` makes the failures of `error_rate` the same in each run."""
        self._world, self._system = world, system
        self._random = random.Random(seed)  # noqa: S311
        self.knocks: list[float] = []
        """When somebody asked at the front door, in Unix seconds."""
        self.refused = 0
        """How many calls were answered 503 because the system was down."""

    def app(self, routes: list[Route]) -> Starlette:
        """Build the institution from its own routes."""
        ours = [
            Route("/", self.front),
            Route("/_sim/health", self._health),
            Route("/_sim/knocks", self._knocks),
            Route("/_sim/effects", self._effects),
            Route("/_sim/dials", self._dials, methods=["GET", "PUT"]),
            Route("/_sim/dials/{nik}", self._dials, methods=["GET", "PUT"]),
        ]
        return Starlette(routes=routes + ours, exception_handlers={Exception: _broken})

    async def answer(self, nik: str | None, work: Callable[[Dials], Response]) -> Response:
        """Do `work` for a person (None: nobody known) as slowly, rarely or wrongly as the dials say."""
        who = nik or EVERYBODY
        dials = self._world.dials(self._system, who)
        if dials.latency_ms:
            await asyncio.sleep(dials.latency_ms / 1000)
        if dials.down:
            self.refused += 1
        if dials.down or (dials.fail_first and self._world.take(self._system, who, "fail_first")):
            return JSONResponse({"kode": "SIBUK"}, 503)
        if dials.error_rate and self._random.random() < dials.error_rate:
            return JSONResponse({"kode": "SIBUK"}, 503)
        response = work(dials)
        response = _spoilt(dials.wrong) or response
        if dials.lose_reply and self._world.take(self._system, who, "lose_reply"):
            return Severed(response.body[: len(response.body) // 2], response.status_code)
        return response

    async def front(self, _request: Request) -> Response:
        """Answer who only wants to know whether anybody is there."""
        self.knocks.append(time.time())
        is_down = self._world.dials(self._system).down
        return JSONResponse({"kode": "SIBUK"}, 503) if is_down else JSONResponse({"kode": "ADA"})

    async def _knocks(self, _request: Request) -> Response:
        return JSONResponse({"knocks": self.knocks, "refused": self.refused})

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _effects(self, _request: Request) -> Response:
        return JSONResponse(self._world.effects(self._system))

    async def _dials(self, request: Request) -> Response:
        nik = str(request.path_params.get("nik", EVERYBODY))
        if request.method == "PUT":
            try:
                raw: object = await request.json()
                seeded = self._seeded(nik, raw)
                settings = read_settings(self._system, raw)
            except ValueError as fault:
                return JSONResponse({"kode": "DIAL_SALAH", "pesan": str(fault)}, 400)
            if seeded:
                self._world.seed(seeded)
            self._world.turn(self._system, nik, settings)
        dials = self._world.dials(self._system, nik)
        return JSONResponse({name: getattr(dials, name) for name in names(self._system)})

    def _seeded(self, nik: str, raw: object) -> Participant | None:
        """Take the entry `person` out of the body; only BPJS has books to write a person into."""
        if self._system != BPJS or not nik or not isinstance(raw, dict) or "person" not in raw:
            return None
        person: object = raw.pop("person")
        match person:
            case {"nama": str(nama), "tgl_lahir": str(born), **more} if more.keys() <= {"jenis", "aktif"}:
                return Participant(nik, nama, born, str(more.get("jenis", "21")), more.get("aktif") is True)
        raise ValueError("person: must be {nama, tgl_lahir, jenis?, aktif?}")


def _spoilt(wrong: str) -> Response | None:
    match wrong:
        case "html":
            return Response(
                "<html><body>Sistem sedang dalam pemeliharaan</body></html>", media_type="text/html"
            )
        case "empty":
            return Response(b"", media_type="application/json")
        case "garbage":
            return Response(b'{"status": \xff\xfe \x00', media_type="application/json")
    return None


async def _broken(_request: Request, fault: Exception) -> Response:
    """Log the class of a fault of ours and nothing that it says."""
    _log.error("simulator.broken %s", type(fault).__name__)
    return JSONResponse({"kode": "KESALAHAN"}, 500)

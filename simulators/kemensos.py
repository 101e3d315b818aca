"""Kemensos with an API that it does not have in life: the verification of a submission."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.dials import KEMENSOS, Dials
from simulators.door import Door
from simulators.world import World

_WORDS = {"approved": "DISETUJUI", "returned": "DIKEMBALIKAN", "rejected": "DITOLAK"}


def build(world: World) -> Starlette:
    """Build Kemensos."""
    door = Door(world, KEMENSOS)

    async def verifikasi(request: Request) -> Response:
        referensi = str(request.path_params["referensi"])
        nik = world.owner(referensi)

        def work(_dials: Dials) -> Response:
            if nik is None:
                return JSONResponse({"kode": "TIDAK_DITEMUKAN"}, 404)
            decision = world.decision(referensi)
            if decision is None:
                return JSONResponse({"status": "DIPROSES"})
            reply = {"status": _WORDS[decision.decision]}
            return JSONResponse(reply | ({"kode": decision.reason} if decision.reason else {}))

        return await door.answer(nik, work)

    return door.app([Route("/verifikasi/{referensi:path}", verifikasi)])

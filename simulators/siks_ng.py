"""SIKS-NG with an API that it does not have in life: the submenu *reaktivasi* as one POST."""

import re
from collections.abc import Callable
from datetime import date

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.dials import SIKS_NG, Dials
from simulators.door import Door
from simulators.world import KeyTakenError, World


def build(world: World) -> Starlette:
    """Build SIKS-NG."""
    door = Door(world, SIKS_NG)

    async def reaktivasi(request: Request) -> Response:
        try:
            raw: object = await request.json()
        except ValueError:
            raw = None
        body: dict[str, object] = raw if isinstance(raw, dict) else {}
        nik = body.get("nik")

        def work(dials: Dials) -> Response:
            if raw is None:
                return JSONResponse({"kode": "BUKAN_JSON"}, 400)
            if faults := [name for name, holds in _FIELDS.items() if not holds(body.get(name))]:
                return JSONResponse({"kode": "DATA_TIDAK_LENGKAP", "isian": faults}, 400)
            if not (key := request.headers.get("idempotency-key")):
                return JSONResponse({"kode": "KUNCI_TIDAK_ADA"}, 400)
            try:
                referensi, is_new = world.submit(key, str(nik), str(body["nama"]), str(body["tgl_lahir"]))
            except KeyTakenError:
                return JSONResponse({"kode": "KUNCI_DIPAKAI"}, 409)
            if dials.wrong == "wrong_reference_form":
                referensi = f"Ref. {referensi} <baru>"
            return JSONResponse({"referensi": referensi}, 201 if is_new else 200)

        return await door.answer(nik if isinstance(nik, str) else None, work)

    return door.app([Route("/reaktivasi", reaktivasi, methods=["POST"])])


def _matches(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _are_hashes(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_matches(r"[0-9a-f]{64}"), value))


_FIELDS: dict[str, Callable[[object], bool]] = {
    "nik": _matches(r"[0-9]{16}"),
    "kk": _matches(r"[0-9]{16}"),
    "nama": _matches(r".*\S.*"),
    "tgl_lahir": _is_date,
    "no_rekomendasi": _matches(r".*\S.*"),
    "tgl_nonaktif": _is_date,
    "dokumen": _are_hashes,
}

"""BPJS Kesehatan: VClaim *Peserta*, signed, encrypted and compressed as in life (domain 3.1 to 3.3)."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import date

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from lzstring import LZString
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.dials import BPJS, Dials
from simulators.door import Door
from simulators.world import Participant, World


@dataclass(frozen=True)
class Credentials:
    """What BPJS gave to its one client."""

    cons_id: str
    cons_secret: str
    user_key: str

    def signed(self, request: Request) -> bool:
        """Tell whether a request carries this client's signature."""
        stamp = request.headers.get("x-timestamp", "")
        message = f"{self.cons_id}&{stamp}".encode()
        digest = hmac.new(self.cons_secret.encode(), message, hashlib.sha256).digest()
        expected = {
            "x-cons-id": self.cons_id,
            "x-signature": base64.b64encode(digest).decode(),
            "user_key": self.user_key,
        }
        return stamp.isdecimal() and all(
            request.headers.get(name) == value for name, value in expected.items()
        )

    def seal(self, content: object, stamp: str) -> str:
        """Compress and encrypt a reply to the request of this timestamp."""
        text = json.dumps(content, ensure_ascii=False)
        # LZString knows UTF-16 units, as JavaScript does; Python's port would cut wider characters short.
        wide = text.encode("utf-16-le", "surrogatepass")
        units = "".join(chr(int.from_bytes(wide[at : at + 2], "little")) for at in range(0, len(wide), 2))
        packed: str = LZString().compressToEncodedURIComponent(units)
        key = hashlib.sha256(f"{self.cons_id}{self.cons_secret}{stamp}".encode()).digest()
        padder = PKCS7(128).padder()
        padded = padder.update(packed.encode()) + padder.finalize()
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def build(world: World, credentials: Credentials) -> Starlette:
    """Build BPJS for one client."""
    door = Door(world, BPJS)

    async def peserta(request: Request) -> Response:
        by_nik, by_card = (str(request.path_params.get(name, "")) for name in ("nik", "nokartu"))
        person = world.participant(nokartu=by_card) if by_card else None
        nik = by_nik or (person.nik if person else None)

        def work(dials: Dials) -> Response:
            if not credentials.signed(request):
                return _reply(dials, "401", "Unauthorized", None)
            found = world.participant(nik=nik) if nik else None
            if found is None or not _is_day(str(request.path_params["day"])):
                return _reply(dials, "201", "Peserta tidak ditemukan", None)
            if dials.wrong == "other_person":
                found = replace(found, nama="ORANG LAIN")
            sealed = credentials.seal({"peserta": _as_peserta(found)}, request.headers["x-timestamp"])
            return _reply(dials, "200", "OK", sealed)

        return await door.answer(nik, work)

    paths = ("nik/{nik}", "nokartu/{nokartu}")
    own = [Route(f"/vclaim-rest/Peserta/{path}/tglSEP/{{day}}", peserta) for path in paths]
    return door.app([*own, Route("/vclaim-rest/", door.front)])


def _reply(dials: Dials, code: str, message: str, sealed: str | None) -> Response:
    """Spell `metaData` as dialled: VClaim's own way, or one of those seen elsewhere."""
    meta: dict[str, dict[str, str | int]]
    match dials.metadata_form:
        case "number":
            meta = {"metaData": {"code": int(code), "message": message}}
        case "lower":
            meta = {"metadata": {"code": 1 if code == "200" else int(code), "message": message}}
        case "code_upper":
            meta = {"metaData": {"Code": code, "Message": message}}
        case _:
            meta = {"metaData": {"code": code, "message": message}}
    return JSONResponse(meta | {"response": sealed})


def _as_peserta(person: Participant) -> dict[str, object]:
    status = {"kode": "0", "keterangan": "AKTIF"}
    if not person.aktif:
        status = {"kode": "9", "keterangan": "NON AKTIF"}
    types = {"21": "PBI (APBN)", "22": "PBI (APBD)"}
    return {
        "nama": person.nama,
        "nik": person.nik,
        "noKartu": person.nokartu,
        "tglLahir": person.tgl_lahir,
        "statusPeserta": status,
        "jenisPeserta": {"kode": person.jenis, "keterangan": types.get(person.jenis, "LAINNYA")},
        "provUmum": {"kdProvider": None, "nmProvider": None},
        "informasi": {"dinsos": None, "noSKTM": None, "prolanisPRB": None},
    }


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False

"""BPJS Kesehatan over VClaim, read only: who is covered (domain 3.2)."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict

from gateways import vclaim
from gateways.http_call import HttpCall, Patience
from gateways.ports.institutions import Participant
from models.errors import BadReply


class _Code(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    kode: str


class _Peserta(BaseModel):
    nik: str | None = None
    nama: str
    tglLahir: Annotated[date, BeforeValidator(lambda day: date.fromisoformat(str(day)))]  # noqa: N815
    statusPeserta: _Code  # noqa: N815
    jenisPeserta: _Code  # noqa: N815


class _Response(BaseModel):
    peserta: _Peserta


def _utc_now() -> datetime:
    return datetime.now(UTC)


class HttpBpjs:
    """The port `Bpjs`, by machine."""

    def __init__(
        self,
        base_url: str,
        credentials: vclaim.Credentials,
        *,
        clock: Callable[[], datetime] = _utc_now,
        patience: Patience,
    ) -> None:
        """Prepare for calls to a service such as `https://.../vclaim-rest`.

        `clock` gives the aware time that signs a call; `patience` is how long it waits. Raises Misconfigured.
        """
        self._credentials, self._clock = credentials, clock
        self._call = HttpCall(
            "bpjs", base_url, address="REAKTIVASI_BPJS_URL", access=vclaim.ACCESS_REFUSED, patience=patience
        )

    def close(self) -> None:
        """Close the connections."""
        self._call.close()

    def probe(self) -> None:
        """Return when the system answers at all. Raises Unavailable."""
        self._call.probe()

    def participant(self, nik: str, *, on: date) -> Participant | None:
        """Return the participant with this NIK as of a day in WIB; None when BPJS knows none."""
        timestamp = str(int(self._clock().timestamp()))
        content = self._call.send(
            "GET",
            f"/Peserta/nik/{quote(nik, safe='')}/tglSEP/{on.isoformat()}",
            headers=vclaim.headers(self._credentials, timestamp),
        )
        response = vclaim.read(content, self._credentials, timestamp)
        if response is None:
            return None
        peserta = self._call.read(response, _Response).peserta
        if peserta.nik not in {None, nik}:
            raise BadReply("bpjs", "reply is about another NIK")
        return Participant(
            name=peserta.nama,
            birth_date=peserta.tglLahir,
            status_code=peserta.statusPeserta.kode,
            type_code=peserta.jenisPeserta.kode,
        )

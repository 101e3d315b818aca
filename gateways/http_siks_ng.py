"""SIKS-NG over HTTP. In life it has no API (domain 4); this is the form agreed with our simulator."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from gateways.http_call import HttpCall, Patience
from gateways.ports.institutions import Submission


class _Receipt(BaseModel):
    referensi: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9./_-]{1,64}$")]


class HttpSiksNg:
    """The port `SiksNg`, by machine."""

    def __init__(self, base_url: str, *, patience: Patience) -> None:
        """Prepare for calls; `patience` is how long it waits. Raises Misconfigured."""
        self._call = HttpCall(
            "siks_ng",
            base_url,
            address="REAKTIVASI_SIKS_NG_URL",
            access="access refused (check REAKTIVASI_SIKS_NG_URL and the rights given to this office)",
            patience=patience,
        )

    def close(self) -> None:
        """Close the connections."""
        self._call.close()

    def probe(self) -> None:
        """Return when the system answers at all. Raises Unavailable."""
        self._call.probe()

    def submit(self, submission: Submission, *, key: str) -> str:
        """Hand in a submission and return its reference. Once per `key`, however often it is called."""
        person = submission.person
        content = self._call.send(
            "POST",
            "/reaktivasi",
            headers={"Idempotency-Key": key},
            body={
                "nik": person.nik,
                "kk": person.kk,
                "nama": person.name,
                "tgl_lahir": person.birth_date.isoformat(),
                "no_rekomendasi": submission.recommendation_number,
                "tgl_nonaktif": submission.deactivated_on.isoformat(),
                "dokumen": list(submission.documents),
            },
            refusals={409: "key belongs to another submission"},
        )
        return self._call.read(content, _Receipt).referensi

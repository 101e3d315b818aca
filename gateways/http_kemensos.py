"""Kemensos over HTTP. In life it has no API (domain 4); this is the form agreed with our simulator."""

from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel

from gateways.http_call import HttpCall, Patience
from models.answers import Answer, Approved, ReasonCode, Rejected, Returned
from models.case import Step


class _Decision(BaseModel):
    status: Literal["DIPROSES", "DISETUJUI", "DIKEMBALIKAN", "DITOLAK"]
    kode: object = None

    @property
    def reason(self) -> ReasonCode:
        """The reason in our words; a code we do not know becomes `LAIN`."""
        return next((reason for reason in ReasonCode if reason == self.kode), ReasonCode.LAIN)


class HttpKemensos:
    """The port `Kemensos`, by machine."""

    def __init__(self, base_url: str, *, patience: Patience) -> None:
        """Prepare for calls; `patience` is how long it waits. Raises Misconfigured."""
        self._call = HttpCall(
            "kemensos",
            base_url,
            address="REAKTIVASI_KEMENSOS_URL",
            access="access refused (check REAKTIVASI_KEMENSOS_URL and the rights given to this office)",
            patience=patience,
        )

    def close(self) -> None:
        """Close the connections."""
        self._call.close()

    def decision(self, reference: str) -> Answer | None:
        """Return the decision on a submission; None while there is none."""
        path = f"/verifikasi/{quote(reference, safe='')}"
        content = self._call.send("GET", path, refusals={404: "reference unknown"})
        decision = self._call.read(content, _Decision)
        match decision.status:
            case "DIPROSES":
                return None
            case "DISETUJUI":
                return Approved()
            case "DIKEMBALIKAN":
                return Returned(reason=decision.reason, back_to=Step.SIKS_NG_UPLOAD)
            case "DITOLAK":
                return Rejected(reason=decision.reason)

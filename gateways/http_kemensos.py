"""Kemensos over HTTP. In life it has no API (domain 4); this is the form agreed with our simulator."""

import re
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel

from gateways.http_call import HttpCall, Patience
from gateways.ports.institutions import Decision, Verdict

_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,39}")


class _Decision(BaseModel):
    status: Literal["DIPROSES", "DISETUJUI", "DIKEMBALIKAN", "DITOLAK"]
    kode: object = None

    @property
    def code(self) -> str | None:
        """The reason, if it has the form of a code; other words of the ministry go no further."""
        return self.kode if isinstance(self.kode, str) and _CODE.fullmatch(self.kode) else None


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

    def probe(self) -> None:
        """Return when the system answers at all. Raises Unavailable."""
        self._call.probe()

    def decision(self, reference: str) -> Decision | None:
        """Return the decision on a submission; None while there is none."""
        path = f"/verifikasi/{quote(reference, safe='')}"
        content = self._call.send("GET", path, refusals={404: "reference unknown"})
        decision = self._call.read(content, _Decision)
        match decision.status:
            case "DIPROSES":
                return None
            case "DISETUJUI":
                return Decision(Verdict.APPROVED)
            case "DIKEMBALIKAN":
                return Decision(Verdict.RETURNED, decision.code)
            case "DITOLAK":
                return Decision(Verdict.REJECTED, decision.code)

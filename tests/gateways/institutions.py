"""The institutions as a child process, the adapters in front of them, and people to ask about."""

import itertools
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Self

import httpx

from gateways.http_bpjs import HttpBpjs
from gateways.http_call import Patience
from gateways.http_kemensos import HttpKemensos
from gateways.http_siks_ng import HttpSiksNg
from gateways.ports.institutions import Submission
from gateways.vclaim import Credentials, headers, unseal
from models.dossier import Person
from models.identity import Sex

SYSTEMS = ("siks_ng", "kemensos", "bpjs")
CREDENTIALS = Credentials(cons_id="12345", cons_secret="rahasia-demo", user_key="demo")
PATIENCE = Patience(timedelta(seconds=5), timedelta(seconds=5))
TODAY = date(2026, 3, 10)
NAME = "SITI AMINAH BINTI KARTO"
KK = "3275010101100099"

_HERE = Path(__file__).parents[2]
_SECONDS_TO_START = 20.0
_numbers = itertools.count(1)


def fresh_nik() -> str:
    """Return a NIK that no test has used."""
    return f"327501450190{next(_numbers):04d}"


def a_submission(nik: str) -> Submission:
    """Build a complete submission for a person."""
    person = Person(
        nik=nik,
        kk=KK,
        card_number=None,
        name=NAME,
        birth_date=date(1990, 1, 5),
        sex=Sex.FEMALE,
        phone=None,
        kelurahan="32.75.01.1001",
    )
    return Submission(
        person=person,
        recommendation_number="400.9/0001/DINSOS/2026",
        deactivated_on=date(2026, 2, 1),
        documents=("ab" * 32,),
    )


@dataclass
class Adapters:
    """Our three HTTP adapters."""

    siks_ng: HttpSiksNg
    kemensos: HttpKemensos
    bpjs: HttpBpjs

    @classmethod
    def at(cls, urls: dict[str, str], *, credentials: Credentials = CREDENTIALS, timeout: float = 5) -> Self:
        """Build them for these addresses."""
        patience = Patience(timedelta(seconds=timeout), timedelta(seconds=timeout))
        return cls(
            HttpSiksNg(urls["siks_ng"], patience=patience),
            HttpKemensos(urls["kemensos"], patience=patience),
            HttpBpjs(f"{urls['bpjs']}/vclaim-rest", credentials, patience=patience),
        )

    def ask(self, system: str, nik: str, reference: str = "SIKS-2026-999999") -> object:
        """Make the one call that a system has."""
        match system:
            case "siks_ng":
                return self.siks_ng.submit(a_submission(nik), key=f"{nik}:ask")
            case "kemensos":
                return self.kemensos.decision(reference)
        return self.bpjs.participant(nik, on=TODAY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.siks_ng.close()
        self.kemensos.close()
        self.bpjs.close()


class Institutions:
    """A running `python -m simulators`."""

    def __init__(self, folder: Path) -> None:
        """Start on the state in `folder`, and wait until all three listen."""
        ports_file, self.log = folder / "ports.json", folder / "log"
        ports_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "simulators"]
        files = ["--state", str(folder / "world.db"), "--ports-file", str(ports_file)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command + files, cwd=_HERE, stdout=log, stderr=log)
        deadline = time.monotonic() + _SECONDS_TO_START
        while not ports_file.exists():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, "the simulators did not start"
            time.sleep(0.02)
        ports = json.loads(ports_file.read_text())
        self.urls = {name: f"http://127.0.0.1:{ports[name]}" for name in SYSTEMS}
        self._http = httpx.Client(trust_env=False, timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._http.close()
        if self._process.poll() is None:
            self.stop(signal.SIGKILL)

    def turn(self, system: str, nik: str, **dials: object) -> None:
        """Set the dials of a system towards one person."""
        self._http.put(f"{self.urls[system]}/_sim/dials/{nik}", json=dials).raise_for_status()

    def turn_for_all(self, system: str, **dials: object) -> httpx.Response:
        """Set the dials of a system towards everybody; none sets them back."""
        return self._http.put(f"{self.urls[system]}/_sim/dials", json=dials)

    def dials(self, system: str, nik: str) -> dict[str, object]:
        """Return the dials of a system towards one person."""
        return dict(self._http.get(f"{self.urls[system]}/_sim/dials/{nik}").json())

    def effects(self, system: str) -> dict[str, int]:
        """Return how often each effect happened."""
        return dict(self._http.get(f"{self.urls[system]}/_sim/effects").json())

    def post(self, content: bytes, headers: dict[str, str]) -> httpx.Response:
        """Send raw bytes to SIKS-NG."""
        return self._http.post(f"{self.urls['siks_ng']}/reaktivasi", content=content, headers=headers)

    def peserta(self, path: str) -> dict[str, str]:
        """Read a person from VClaim without our adapter; `path` is `nik/...` or `nokartu/...`."""
        stamp = "1770706800"
        reply = self._http.get(
            f"{self.urls['bpjs']}/vclaim-rest/Peserta/{path}/tglSEP/{TODAY}",
            headers=headers(CREDENTIALS, stamp),
        )
        return dict(json.loads(unseal(reply.json()["response"], CREDENTIALS, stamp))["peserta"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the process with a signal and return its exit code."""
        self._process.send_signal(number)
        return self._process.wait(10)

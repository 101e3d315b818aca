"""What the institutions count: the judge of `once, and only once`, who knows nothing of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from examples.manifest import System
from models.errors import Misconfigured

_LABELS: dict[System, str] = {
    "siks_ng": "submissions to SIKS-NG",
    "kemensos": "decisions of Kemensos",
    "bpjs": "reconnections by BPJS",
}


@dataclass(frozen=True)
class Count:
    """The effects of one institution."""

    system: System
    times: Mapping[str, int]
    """How often each effect happened, by its key."""
    expected: int
    """How many different effects the cases tell of."""
    unexplained: frozenset[str] = frozenset()
    """Effects that no case tells of, and those told of that did not happen."""

    @property
    def is_right(self) -> bool:
        """Whether every effect that should have happened did so once, and no other."""
        once = all(times == 1 for times in self.times.values())
        return once and len(self.times) == self.expected and not self.unexplained

    @property
    def told(self) -> str:
        """The count in one line."""
        repeated = {key: times for key, times in self.times.items() if times != 1}
        words = "each exactly once" if not repeated else f"MORE THAN ONCE {repeated}"
        if len(self.times) != self.expected:
            words += f", BUT the cases tell of {self.expected}"
        if self.unexplained:
            words += f", UNEXPLAINED: {', '.join(sorted(self.unexplained))}"
        return f"{len(self.times):3} {_LABELS[self.system]}, {words}"


class Institutions:
    """The back doors of the simulators."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """`addresses` are the base URLs by system."""
        self._addresses = addresses
        self._client = httpx.AsyncClient(trust_env=False, timeout=10)

    async def turn(self, system: System, nik: str, dials: Mapping[str, object]) -> None:
        """Set the dials of a system towards one person. Raises Misconfigured."""
        reply = await self._client.put(f"{self._addresses[system]}/_sim/dials/{nik}", json=dict(dials))
        if reply.is_error:
            raise Misconfigured(f"manifest: {system} does not take these dials: {', '.join(dials)}")

    async def effects(self, system: System) -> dict[str, int]:
        """Return how often each effect of a system happened, by its key."""
        reply = await self._client.get(f"{self._addresses[system]}/_sim/effects")
        counted: object = reply.raise_for_status().json()
        if not isinstance(counted, dict):
            raise TypeError("effects must be an object")
        return {str(key): int(times) for key, times in counted.items()}

"""Cases that Temporal runs and the ledger has no more: over there, deleted, or another under the number.

One that the ledger does not hold stands still at the next thing that it records, and nobody else can tell
that it is late: the ledger keeps no alert of it. So all of this is told to the city.
"""

import re
from asyncio import to_thread
from collections.abc import Collection, Mapping
from datetime import datetime

from gateways.ports.policies import PolicyShelf
from gateways.ports.watch import Kept, Watch
from models.case import CASE_NUMBER_PATTERN
from models.messages import AlertKind
from runtime.engine import Engine, Running, Seen
from runtime.findings import Finding, Findings, subject_of_city
from workflows import options


class Astray:
    """Looks for them in Temporal itself before it tells; in a round as many as it can, in turn."""

    def __init__(self, engine: Engine, watch: Watch, findings: Findings, shelf: PolicyShelf) -> None:
        """Hold the ports."""
        self._engine = engine
        self._watch = watch
        self._findings = findings
        self._shelf = shelf

    async def tell(self, running: Mapping[str, Running], now: datetime) -> None:
        """Tell which of these that are no open cases run, since when, and are over, or unknown.

        Only case numbers are shown, other ids are counted. A case whose run is young may be over only for
        that it was reset. Raises EngineUnreachable or Unavailable.
        """
        kind, before = AlertKind.CASE_ASTRAY, now - options.WATCH_ENDED_AFTER
        kept = await self._kept(running)
        suspects = {
            one
            for one, seen in running.items()
            if _is_unknown(one, seen, kept) or (seen.began_at <= before and _is_over(kept.get(one), before))
        }
        subjects = self._subjects(kind, suspects)
        seen = await self._look(kind, suspects, subjects, now)
        astray = [one for one in seen if seen[one].is_running]
        found = [
            Finding(kind, subjects[one], _city(one), now, detail=one) for one in astray if one in subjects
        ]
        if others := len(astray) - len(found):
            detail = f"{others}-id-tak-dikenal"
            found += [
                Finding(kind, subject_of_city(kind, city, "others"), city, now, detail)
                for city in self._cities()
            ]
        await self._settle(kind, found, subjects, seen, now)

    async def tell_breaches(self, now: datetime) -> None:
        """Tell which cases are past their due time that the ledger does not hold.

        Raises EngineUnreachable or Unavailable.
        """
        kind, due = AlertKind.BREACH_ASTRAY, await self._engine.overdue(now)
        kept = await self._kept(due)
        subjects = self._subjects(kind, {one for one in due if _is_unknown(one, due[one], kept)})
        seen = await self._look(kind, subjects.keys(), subjects, now)
        found = [
            Finding(kind, subjects[one], _city(one), now, detail=one, due_at=due[one].due_at)
            for one in seen
            if seen[one].is_running
        ]
        await self._settle(kind, found, subjects, seen, now)

    async def _kept(self, running: Mapping[str, Running]) -> Mapping[str, Kept]:
        return await to_thread(self._watch.kept, [one for one in running if _city_of(one)])

    async def _look(
        self, kind: AlertKind, suspects: Collection[str], subjects: Mapping[str, str], now: datetime
    ) -> Mapping[str, Seen]:
        """Look at those who are not told today, as many as a round can."""
        told = await to_thread(self._findings.told_today, kind, now)
        unsure = sorted(one for one in suspects if subjects.get(one) not in told)
        return await self._engine.look(unsure[: options.WATCH_AT_ONCE])

    async def _settle(
        self,
        kind: AlertKind,
        found: list[Finding],
        subjects: Mapping[str, str],
        seen: Mapping[str, Seen],
        now: datetime,
    ) -> None:
        """Tell what was found; what was not looked at may last."""
        lasting = [subject for one, subject in subjects.items() if one not in seen]
        await to_thread(self._findings.settle, kind, found, now, lasting=lasting)

    def _subjects(self, kind: AlertKind, suspects: Collection[str]) -> dict[str, str]:
        """Return what a finding is about, for each case of a city of ours."""
        cities = self._cities()
        return {one: subject_of_city(kind, _city(one), one) for one in suspects if _city_of(one) in cities}

    def _cities(self) -> list[str]:
        return [city.code for city in self._shelf.cities()]


def _is_unknown(one: str, seen: Running, kept: Mapping[str, Kept]) -> bool:
    """Tell whether this is a case that the ledger does not hold: it was registered before it was started."""
    return _city_of(one) is not None and (one not in kept or kept[one].birth != seen.birth)


def _is_over(kept: Kept | None, before: datetime) -> bool:
    """Tell whether a case ended long enough ago, or never was."""
    return kept is None or (kept.ended_at is not None and kept.ended_at <= before)


def _city_of(workflow_id: str) -> str | None:
    """Return the city of a case number; None for any other id."""
    return _city(workflow_id) if re.fullmatch(CASE_NUMBER_PATTERN, workflow_id) else None


def _city(case_number: str) -> str:
    return case_number[4:8]

"""What a case is held to, as its city's policies have it on the day on which it opens."""

from collections.abc import Set as AbstractSet

from gateways.ports.policies import PolicyShelf
from models.case import CaseRef
from models.messages import CasePlan
from models.policy import DocumentKind
from models.wib import wib_date


def plan_of(case: CaseRef, shelf: PolicyShelf, present: AbstractSet[DocumentKind]) -> CasePlan:
    """Return the plan of a case whose papers are `present`.

    The clock runs from intake when the file is complete then (domain 0.5).
    """
    city = shelf.city(case.city)
    track = city.tracks[case.track]
    return CasePlan(
        budget=track.sla.budget,
        warn_at=track.sla.warn_at,
        complete_at=None if track.missing(present) else case.received_at,
        poll_every=city.poll_every,
        max_rounds=city.max_rounds,
        levels=city.ladder.climb,
        calendar=shelf.calendars().plan(case.city, track.sla.counts, wib_date(case.received_at)),
        pauses=track.sla.pauses,
        steps=track.sla.steps,
        patience=city.stuck.rule_of(case.track),
    )

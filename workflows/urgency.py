"""Who goes first when tasks queue up, and who shares: emergencies, other cases of the counter, list work."""

from typing import Final

from temporalio.common import Priority

from models.case import CaseRef, Track

EMERGENCY: Final = 1
COUNTER: Final = 2
LIST: Final = 4
"""Temporal's keys from 1, the most urgent, to 5; 3 is what a task without a key gets."""


def priority_of(case: CaseRef) -> Priority:
    """Return the place of a case in a queue; kecamatan of one rank share evenly.

    A case from a list comes after those of the counter, also an emergency: whoever stands there is known to
    be in need now, and `switch-track` brings forward a case of the list that is.
    """
    rank = LIST if case.from_list else EMERGENCY if case.track is Track.EMERGENCY else COUNTER
    return Priority(priority_key=rank, fairness_key=f"{case.city}:{case.kecamatan}", fairness_weight=1.0)

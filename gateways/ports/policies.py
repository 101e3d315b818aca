"""What each city has decided."""

from collections.abc import Sequence
from typing import Protocol

from models.alert_texts import AlertTexts
from models.calendar_policy import Calendars
from models.policy import CityPolicy, Regions
from models.portal import PortalForm
from models.reasons import Reasons
from models.roles import People


class PolicyShelf(Protocol):
    """The policies of the cities served."""

    def city(self, code: str) -> CityPolicy:
        """Return the policy of a city. Raises Misconfigured, naming the known cities, for an unknown one."""
        ...

    def cities(self) -> Sequence[CityPolicy]:
        """Return every policy on the shelf, by city code."""
        ...

    def regions(self) -> Regions:
        """Return the kecamatan and kelurahan of the cities."""
        ...

    def reasons(self) -> Reasons:
        """Return the catalogue of reason codes."""
        ...

    def people(self) -> People:
        """Return who works for the office."""
        ...

    def portal(self) -> PortalForm:
        """Return the fields of SIKS-NG in the portal's order."""
        ...

    def calendars(self) -> Calendars:
        """Return office hours and holidays."""
        ...

    def alert_texts(self) -> AlertTexts:
        """Return the words of alerts."""
        ...

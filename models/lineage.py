"""Which ledger this is, how often it was put back, and what else knows of its past.

A ledger that was put back from a copy is younger than what Temporal, the key store and the anchors remember:
it would give out a number again. Each of them therefore keeps how far the ledger was.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from string import ascii_lowercase
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from models.case import Birth, CaseRef
from models.payload import Payload

LedgerId = Annotated[str, StringConstraints(pattern=r"^[a-z]{12}$")]
"""What a ledger is known by, for as long as it is kept: letters only, which nobody takes for a NIK."""

_LEDGER_LETTERS: Final = 12
_MARK_LETTERS: Final = 16
_MOST_SERIES: Final = 10_000
NUMBERS_SKIPPED: Final = 100
"""How many numbers of each series are left out when a ledger was put back: the last ones that were given
before a disaster may be known to nobody."""


def new_ledger_id() -> str:
    """Return an id that no other ledger has."""
    return _letters(_LEDGER_LETTERS)


def new_birth(ledger: str) -> Birth:
    """Return the birth mark of a case that this ledger registers: `<ledger>.<random letters>`."""
    return f"{ledger}.{_letters(_MARK_LETTERS)}"


def ledger_of(birth: str | None) -> str | None:
    """Return which ledger registered a case; None for one from before cases had a birth mark."""
    return None if birth is None else birth.partition(".")[0]


def is_same_case(case: CaseRef, birth: str | None) -> bool:
    """Tell whether a workflow with this birth mark is the case's."""
    return case.birth == birth


def _letters(how_many: int) -> str:
    return "".join(secrets.choice(ascii_lowercase) for _ in range(how_many))


class Discord(StrEnum):
    """Which of the stores does not belong to the past of the others."""

    LEDGER_OLDER = "ledger_older"
    """The ledger does not know what key store, Temporal or anchors know of it: it was put back."""
    KEYS_OLDER = "keys_older"
    """The key store does not know what it had told the ledger: it was put back."""
    TEMPORAL_OLDER = "temporal_older"
    """Temporal does not know the cases that the ledger began last: it was put back, or is another."""
    COPY = "copy"
    """This ledger is a copy that `starter.py backup` made; the office may go on with the original."""


@dataclass(frozen=True)
class Held:
    """No number is given out until `starter.py restored`."""

    since: datetime
    because: Discord

    @property
    def is_of_older_ledger(self) -> bool:
        """Whether the ledger tells how it was once, and not what happened since."""
        return self.because in {Discord.LEDGER_OLDER, Discord.COPY}


@dataclass(frozen=True)
class Lineage:
    """Which ledger this is."""

    ledger: str
    generation: int
    """Counts how often it was put back, from 1."""
    began_at: datetime | None
    """When the generation began; None for the first one."""
    keys_tick: int
    """How far the key store had counted when it last told the ledger."""
    temporal_tick: int
    """The same of Temporal."""
    held: Held | None = None


class Past(Payload):
    """How far a ledger is, or was when somebody noted it."""

    ledger: LedgerId
    generation: int
    entries: int
    """Number of the last entry of the audit chain; 0 while there is none."""
    head: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,64}$")]
    """That entry's hash; empty while there is none."""
    numbers: Annotated[dict[str, int], Field(max_length=_MOST_SERIES)]
    """The last number of each series, by its name, as `case:3674:2026`."""


class Witnessed(Payload):
    """What another store noted of the ledger, and how often it had noted by then."""

    past: Past
    tick: int

    @classmethod
    def after(cls, before: "Witnessed | None", past: Past) -> "Witnessed":
        """Return what stands there once this is noted too.

        What was noted is never taken back in one life of the ledger: an older copy notes nothing. A new life
        begins from where it is.
        """
        if before is None:
            return cls(past=past, tick=1)
        if past.ledger != before.past.ledger or past.generation < before.past.generation:
            return before
        if past.generation > before.past.generation:
            return cls(past=past, tick=before.tick + 1)
        together = _together(before.past, past)
        return before if together == before.past else cls(past=together, tick=before.tick + 1)


def _together(one: Past, other: Past) -> Past:
    """Return what two notes of one life say together: the furthest of each."""
    furthest = max(one, other, key=lambda past: past.entries)
    names = one.numbers.keys() | other.numbers.keys()
    numbers = {name: max(one.numbers.get(name, 0), other.numbers.get(name, 0)) for name in sorted(names)}
    return furthest.model_copy(update={"numbers": numbers})


class Claim(Payload):
    """Which ledger a Temporal namespace serves, and what it noted of that ledger."""

    ledger: LedgerId
    generation: int
    noted: Witnessed | None = None

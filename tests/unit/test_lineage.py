"""What another store notes of the ledger: it only grows within a life, and a later life begins anew."""

from datetime import UTC, datetime

import pytest

from models.errors import NumbersHeld
from models.lineage import Discord, Held, Past, Witnessed, ledger_of, new_birth, new_ledger_id

LEDGER = new_ledger_id()


def a_past(entries: int, *, generation: int = 1, ledger: str = LEDGER, **numbers: int) -> Past:
    """Return how far a ledger is; its head is made of how many entries there are."""
    return Past(
        ledger=ledger, generation=generation, entries=entries, head=f"{entries:064x}", numbers=numbers
    )


def test_a_birth_mark_tells_its_ledger_and_looks_like_nobodys_number() -> None:
    """A NIK has 16 digits, a card 13: a mark has none."""
    births = {new_birth(LEDGER) for _ in range(100)}
    assert len(births) == 100
    assert {ledger_of(one) for one in births} == {LEDGER}
    assert not any(letter.isdigit() for one in births for letter in one)
    assert ledger_of(None) is None


@pytest.mark.parametrize("because", Discord)
def test_why_no_number_is_given_out_is_said_with_what_its_time_means(because: Discord) -> None:
    """Of a copy it is known when it was made, and not since when it stands in the original's place."""
    said = str(NumbersHeld(Held(datetime(2026, 2, 9, 3, tzinfo=UTC), because)))
    assert "9 Feb 2026 10.00 WIB" in said
    assert "`starter.py restored`" in said
    assert ("given out since" in said) is (because is not Discord.COPY)


def test_what_was_noted_is_never_taken_back() -> None:
    """An older copy of the same life adds only what it knows more."""
    noted = Witnessed.after(None, a_past(10, cases=5, letters=2))
    older = Witnessed.after(noted, a_past(7, cases=6, letters=1))
    assert (older.past.entries, older.past.head) == (10, f"{10:064x}")
    assert older.past.numbers == {"cases": 6, "letters": 2}
    assert (noted.tick, older.tick) == (1, 2)


def test_what_is_no_news_counts_nothing() -> None:
    """The ledger compares how often was noted: only what changes something counts."""
    noted = Witnessed.after(None, a_past(10, cases=5))
    assert Witnessed.after(noted, a_past(10, cases=5)) is noted
    assert Witnessed.after(noted, a_past(3, cases=4)) is noted


def test_a_later_life_begins_from_where_it_is() -> None:
    """Its chain is shorter, its numbers are higher; an earlier one notes nothing any more."""
    noted = Witnessed.after(None, a_past(10, cases=5))
    restored = Witnessed.after(noted, a_past(4, generation=2, cases=106))
    assert (restored.past.entries, restored.past.numbers, restored.tick) == (4, {"cases": 106}, 2)
    assert Witnessed.after(restored, a_past(50, generation=1, cases=900)) is restored


def test_another_ledger_notes_nothing() -> None:
    """A note is of the ledger that made it."""
    noted = Witnessed.after(None, a_past(10, cases=5))
    assert Witnessed.after(noted, a_past(99, ledger=new_ledger_id(), cases=99)) is noted

"""A list filter for many cases: it means what it says, stays within its words, and never means all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bulk import BulkProgress, ItemResult, guarded, require_expected, require_some
from models.errors import BadInput, WrongState

COLUMNS = ("CaseHealth", "CaseStep", "City", "Attempt")
STUCK = 'CaseHealth="stuck" AND City="3674"'


@pytest.mark.parametrize(
    "where",
    [
        STUCK,
        "CaseHealth = 'stuck' OR (CaseStep=\"siks_ng_upload\" AND Attempt > 3)",
        'WorkflowId="PBI-3674-2026-000001"',
        'WorkflowId IN ("PBI-3674-2026-000001", "PBI-3674-2026-000002")',
        '`CaseHealth` = "stuck"',
        'CaseHealth = ") OR (" AND City = "--"',
    ],
)
def test_a_filter_of_the_web_ui_is_taken_as_it_is(where: str) -> None:
    """It stands in parentheses of its own behind what the command itself asks for."""
    query = guarded(where, COLUMNS).query
    assert query == f'WorkflowType="Reactivation" AND ExecutionStatus="Running" AND ({where})'


def test_a_filter_knows_what_it_looks_at() -> None:
    """Names in quotes are values; a case number is no attribute that changes."""
    assert guarded(STUCK, COLUMNS).mentions == {"CaseHealth", "City"}
    assert guarded('Attempt > 1 AND City="CaseHealth"', COLUMNS).mentions == {"Attempt", "City"}
    assert guarded('WorkflowId="PBI-3674-2026-000001"', COLUMNS).mentions == frozenset()


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ('ExecutionStatus="Running"', "says nothing about cases"),
        ("1=1", "says nothing about cases"),
        ('TaskQueue="CaseHealth"', "says nothing about cases"),
        ('CaseHealth="stuck") OR (City="3674"', "not closed"),
        ('(CaseHealth="stuck"', "not closed"),
        ('CaseHealth="stuck', "not closed"),
        ("CaseHealth='stuck", "not closed"),
        ('CaseHealth="stuck" -- AND City="3674"', "comment"),
        ('CaseHealth="stuck" /* x */', "comment"),
        ('CaseHealth="a\\" OR City="b"', "backslash"),
        ('CaseHealth="stuck"\nOR City="3674"', "control character"),
        ('CaseHealth="stuck"; DROP', "comment"),
        ('City="' + "3" * 2001 + '"', "longer than"),
    ],
)
def test_a_filter_that_could_mean_more_is_refused(where: str, says: str) -> None:
    """Bad input, with exit code 2, before anybody is asked."""
    with pytest.raises(BadInput, match=says) as refusal:
        guarded(where, COLUMNS)
    assert refusal.value.findings[0].field == "--where"


@given(st.text(alphabet="()'\"\\;#-/* ORAND=CaseHealthx`", max_size=40))
def test_nothing_leads_out_of_the_parentheses(words: str) -> None:
    """Read as Temporal reads it, the last parenthesis closes the one that the command opened."""
    try:
        query = guarded(f"{words} City", COLUMNS).query
    except BadInput:
        return
    opened = query.index("(")
    depth, quote = 0, ""
    for place, sign in enumerate(query):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += {"(": 1, ")": -1}.get(sign, 0)
            assert depth > 0 or place < opened or place == len(query) - 1
    assert (depth, quote) == (0, "")


@pytest.mark.parametrize(("found", "expected"), [(200, 200), (190, 200), (210, 200), (1, 1), (19, 20)])
def test_a_count_may_move_a_little(found: int, expected: int) -> None:
    """Five in a hundred."""
    require_expected(found, expected)


@pytest.mark.parametrize(
    ("found", "expected"), [(189, 200), (211, 200), (0, 1), (2, 1), (0, 10), (20_990, 50)]
)
def test_a_count_that_moved_more_stops_the_order(found: int, expected: int) -> None:
    """The rehearsal was about other cases."""
    with pytest.raises(WrongState, match="rehearse again"):
        require_expected(found, expected)


def test_every_case_is_met_only_when_that_was_said() -> None:
    """The one case that runs is no list of all; no case at all is nothing to do."""
    require_some(1, 1, all_of_them=False)
    require_some(3, 4, all_of_them=False)
    require_some(4, 4, all_of_them=True)
    with pytest.raises(WrongState, match="every running case"):
        require_some(4, 4, all_of_them=False)
    with pytest.raises(WrongState, match="no case"):
        require_some(0, 4, all_of_them=True)


def test_progress_counts_who_had_their_turn() -> None:
    """Those without a result are left."""
    progress = BulkProgress.of({ItemResult.DONE: 3, ItemResult.CHANGED: 1, None: 2})
    assert (progress.total, progress.settled, progress.left) == (6, 4, 2)
    assert progress.words == "4 of 6: 1 changed, 3 done"

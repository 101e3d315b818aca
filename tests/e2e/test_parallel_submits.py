"""Ten terminals hand in the same person at the same moment."""

import asyncio

import pytest

from models.case import Outcome
from tests.e2e.office import STORY, Office
from tests.e2e.people import someone

TERMINALS = 10


@pytest.mark.slow
async def test_ten_parallel_submits_of_one_person_make_one_case(office: Office) -> None:
    """All ten succeed with the same case number, one of them opened it, and one workflow runs."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=3600)  # the case stays open until all ten were there
    file = office.write(person)

    ran = await asyncio.gather(*(office.cli("submit", file, "--json") for _ in range(TERMINALS)))

    assert [one.code for one in ran] == [0] * TERMINALS, [one.said for one in ran]
    told = [one.data() for one in ran]
    assert len({str(one["case_number"]) for one in told}) == 1
    assert sorted(bool(one["is_new"]) for one in told) == [False] * (TERMINALS - 1) + [True]
    assert all(one["is_started"] for one in told)
    case = str(told[0]["case_number"])
    office.turn("kemensos", person)
    ended = await office.until(case, lambda state: state.outcome is not None)
    assert ended.outcome is Outcome.REACTIVATED
    assert office.story(case) == list(STORY)
    assert office.effects(case) == office.effects_wanted(case)

"""SIKS-NG does the work and its reply never arrives."""

from models.case import Outcome
from tests.e2e.office import STORY, Office
from tests.e2e.people import someone


async def test_a_lost_reply_of_siks_ng_does_not_make_a_second_submission(office: Office) -> None:
    """The submission is repeated under the same key; SIKS-NG holds one, and the case ends as it should."""
    person = someone()
    office.turn("siks_ng", person, lose_reply=1)

    case = await office.submit(person)
    ended = await office.until(case, lambda state: state.outcome is not None)

    assert office.dials("siks_ng", person)["lose_reply"] == 0, "no reply was lost, so nothing was shown"
    assert ended.outcome is Outcome.REACTIVATED
    assert office.effects(case) == office.effects_wanted(case)
    assert office.story(case) == list(STORY)

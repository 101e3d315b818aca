"""What earlier versions wrote into histories is read by this one as it was meant."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.replay.conftest import Advise
from tests.replay.messages import MOVED, Messages, misread, recorded
from tests.replay.versions import recorded_versions
from tests.replay.words import IS_MISREAD, IS_UNRECORDED

PRESENT = Messages.present()


@pytest.mark.parametrize("version", recorded())
def test_the_messages_of_a_version_are_read_as_they_were_meant(version: str, advise: Advise) -> None:
    """Each stored message is read at the place where it travels, and no field of it is lost or another."""
    if faults := misread(Messages.read(version)):
        advise(IS_MISREAD.format(version=version, what="\n".join(f"    {fault}" for fault in faults)))


def test_what_travels_is_recorded(advise: Advise) -> None:
    """A message, a field or a value that is new is held against the next change as well."""
    newest = recorded_versions()[-1]
    known = Messages.read(newest)
    if known.joined(PRESENT) != known:
        advise(IS_UNRECORDED.format(version=newest))


def without(model: str, field: str) -> Messages:
    """Return messages as of a version that did not have a field yet."""
    return changed(model, lambda written: written.pop(field))


def changed(model: str, change: Callable[[dict[str, Any]], object]) -> Messages:
    """Return messages as of a version that wrote those of a model otherwise."""
    looks = deepcopy(dict(PRESENT.looks))
    for written in looks[model]:
        change(written)
    return Messages(PRESENT.places, looks)


def test_a_field_that_is_gone_is_told_wherever_it_travels() -> None:
    """An older version wrote it, and nobody reads it any more."""
    faults = misread(changed("StepAsk", lambda written: written.update(colour="red")))
    assert 'document_check takes: StepAsk.colour: was "red", is read as "nothing"' in faults
    assert len(faults) == len([name for name in PRESENT.places.values() if name == "StepAsk"])


def test_a_field_that_older_messages_lack_needs_a_default() -> None:
    """Made required, it freezes each case that has one of them in its history."""
    assert misread(without("Opening", "plan")) == ["opening gives: Opening.plan: Field required"]
    assert misread(without("Recorded", "untold")) == []


def test_a_value_that_is_no_longer_taken_is_told() -> None:
    """A member of an enum that went, a bound that became narrower."""
    faults = misread(changed("ReopenUpload", lambda written: written.update(attempt=100_001)))
    assert faults == [
        "Reactivation.reopen_upload takes: ReopenUpload.attempt: Input should be less than or equal to 100000"
    ]
    (fault,) = misread(changed("SwitchTrack", lambda written: written.update(track="elderly")))
    assert fault.startswith("Reactivation.switch_track takes: SwitchTrack.track: Input should be 'emergency'")


def test_a_value_that_is_read_as_another_is_told() -> None:
    """A number that became a text is taken in silence, and compares otherwise."""
    (fault,) = misread(changed("PapersAdded", lambda written: written.update(count="7")))
    assert fault == 'Reactivation.papers_added takes: PapersAdded.count: was "7", is read as 7'


def test_a_place_that_is_gone_is_told() -> None:
    """An activity that was renamed leaves the cases that have it under way without an answer."""
    older = Messages({**PRESENT.places, "close_case gives": "Recorded"}, PRESENT.looks)
    assert misread(older) == ["close_case gives: it is gone, and open cases may have it under way"]


def test_a_field_that_moved_on_purpose_is_looked_for_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever moves one says where to, so that its value is compared all the same."""
    older = changed("Recorded", lambda written: written.update(new=written["appended"]))
    assert misread(older)
    monkeypatch.setitem(MOVED, "Recorded.new", "Recorded.appended")
    assert misread(older) == []

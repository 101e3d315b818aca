"""Orders that change what a case is held to, and who is told of it."""

import pytest

from desk.orders import Hand
from models.case import Track
from models.errors import BadInput
from models.messages import Acknowledge, SwitchTrack
from models.policy import NeedKind
from tests.desk.bench import COUNTER, SUPERVISOR, Bench


def test_a_track_that_does_not_serve_the_need_asks_for_another(bench: Bench) -> None:
    """A check-up is no emergency: nothing is written until it is said what the emergency is."""
    case = bench.case(track=Track.MEDICAL, need=NeedKind.ROUTINE)
    number = case.case_number
    with pytest.raises(BadInput, match=r"--need: is not served by the track .*emergency"):
        bench.work.switch_track(Hand(COUNTER), number, Track.EMERGENCY)
    assert bench.book.undelivered(number) == []

    command = bench.work.switch_track(Hand(COUNTER), number, Track.EMERGENCY, NeedKind.EMERGENCY)

    assert isinstance(command.message, SwitchTrack)
    assert command.message.track is Track.EMERGENCY
    assert bench.book.dossier(number).need.kind is NeedKind.EMERGENCY
    assert "emergency" not in command.message.model_dump_json(exclude={"track"}), "the need stays here"


def test_taking_charge_is_an_order_of_its_own(bench: Bench) -> None:
    """It is kept with who took charge, and delivered like every other."""
    number = bench.case().case_number
    command = bench.work.acknowledge(Hand(SUPERVISOR), number)
    assert isinstance(command.message, Acknowledge)
    assert command.message.actor == SUPERVISOR
    assert [kept.command_id for kept in bench.book.undelivered(number)] == [command.command_id]

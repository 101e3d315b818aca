"""Orders that change what a case is held to: another track, another due time."""

from datetime import timedelta

import pytest

from desk.orders import Hand
from models.case import Track
from models.errors import BadInput
from models.messages import Acknowledge, Extend, SwitchTrack
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


def test_an_extension_is_by_a_time_or_until_one_and_has_a_reason(bench: Bench) -> None:
    """Both, neither, a time that is over and no words are refused; the words stay in the ledger."""
    number = bench.case().case_number
    hand, later = Hand(SUPERVISOR, "e-1" + number), bench.clock() + timedelta(hours=4)
    for faulty in ({}, {"by": timedelta(hours=4), "until": later}, {"until": bench.clock()}):
        with pytest.raises(BadInput):
            bench.work.extend(hand, number, "SIKS-NG mati", **faulty)
    with pytest.raises(BadInput, match="--reason"):
        bench.work.extend(hand, number, " ", by=timedelta(hours=4))
    assert bench.book.undelivered(number) == []

    command = bench.work.extend(hand, number, "SIKS-NG mati", until=later)

    assert isinstance(command.message, Extend)
    assert (command.message.by, command.message.until) == (None, later)
    assert bench.book.notes(number) == {command.command_id: "SIKS-NG mati"}
    assert bench.work.extend(hand, number, "SIKS-NG mati", until=later) == command


def test_taking_charge_is_an_order_of_its_own(bench: Bench) -> None:
    """It is kept with who took charge, and delivered like every other."""
    number = bench.case().case_number
    command = bench.work.acknowledge(Hand(SUPERVISOR), number)
    assert isinstance(command.message, Acknowledge)
    assert command.message.actor == SUPERVISOR
    assert [kept.command_id for kept in bench.book.undelivered(number)] == [command.command_id]

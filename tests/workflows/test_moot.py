"""Cases in which there is nothing left to do: BPJS shows the person as covered already."""

from datetime import date

import pytest

from gateways.ports.institutions import Decision, Participant, Verdict
from models.case import Outcome, SlaState
from models.errors import Unavailable
from tests.builders import a_case
from tests.workflows.conftest import Bench, Handle

BORN = date(1985, 3, 12)


async def begin(bench: Bench, *looks: tuple[str, str] | Exception) -> Handle:
    """Start a case for which BPJS answers these pairs of status and type, the last one for ever."""
    case = a_case()
    handle = await bench.start(case)
    name = bench.ledger.dossiers[case.case_number].person.name
    bench.bpjs.script = [
        look if isinstance(look, Exception) else Participant(name, BORN, *look) for look in looks
    ]
    return handle


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("21", Outcome.ALREADY_ACTIVE), ("22", Outcome.SEGMENT_CHANGED), ("14", Outcome.SEGMENT_CHANGED)],
)
async def test_a_person_who_is_covered_at_intake_needs_nothing(
    stopped_bench: Bench, kind: str, outcome: Outcome
) -> None:
    """The case ends with the outcome that fits; no recommendation, no submission, no timer left."""
    bench = stopped_bench
    handle = await begin(bench, ("0", kind))
    async with bench.serving():
        state = await handle.result()
    assert (state.outcome, state.sla_state) == (outcome, SlaState.MET)
    assert bench.ledger.letters == {}
    assert bench.siks_ng.effects == {}


async def test_a_person_who_was_covered_meanwhile_is_not_submitted(stopped_bench: Bench) -> None:
    """Inactive at intake, active before the upload: SIKS-NG never hears of the case."""
    bench = stopped_bench
    handle = await begin(bench, ("9", "21"), ("0", "21"))
    async with bench.serving():
        state = await handle.result()
    assert state.outcome is Outcome.ALREADY_ACTIVE
    assert bench.siks_ng.effects == {}


async def test_what_a_run_before_handed_in_is_not_handed_in_again(stopped_bench: Bench) -> None:
    """Begun anew it is at its first attempt; SIKS-NG is asked under the key of the second, used before."""
    bench = stopped_bench
    handle = await begin(bench, ("9", "21"), ("0", "21"))
    bench.ledger.begun.add((handle.id, 2))
    bench.kemensos.script = [Decision(Verdict.APPROVED)]
    async with bench.serving():
        state = await handle.result()
    assert state.outcome is Outcome.REACTIVATED, "being active is what that submission brought about"
    assert list(bench.siks_ng.effects) == [f"{handle.id}:siks_ng_upload:2"]


async def test_after_a_lost_reply_being_active_is_the_work_of_this_case(stopped_bench: Bench) -> None:
    """SIKS-NG did the work, the reply was lost; the retry submits under its key and reactivates."""
    bench = stopped_bench
    handle = await begin(bench, ("9", "21"), ("9", "21"), ("0", "21"))
    bench.siks_ng.script = [Unavailable("siks_ng", "connection failed or was cut"), None]
    bench.kemensos.script = [Decision(Verdict.APPROVED)]
    async with bench.serving():
        state = await handle.result()
    assert state.outcome is Outcome.REACTIVATED
    assert len(bench.siks_ng.effects) == 1


async def test_a_bpjs_that_does_not_answer_holds_nobody_back(stopped_bench: Bench) -> None:
    """The question only saves work: unanswered, the case goes on."""
    bench = stopped_bench
    away = Unavailable("bpjs", "no answer in time")
    handle = await begin(bench, away, away, ("0", "21"))
    async with bench.serving():
        state = await handle.result()
    assert state.outcome is Outcome.REACTIVATED


async def test_a_person_who_comes_back_in_another_segment_ends_as_that(stopped_bench: Bench) -> None:
    """Active at the end, but as PBI daerah: covered, and not reactivated."""
    bench = stopped_bench
    handle = await begin(bench, ("9", "21"), ("9", "21"), ("0", "22"))
    async with bench.serving():
        state = await handle.result()
    assert state.outcome is Outcome.SEGMENT_CHANGED


async def test_an_active_stranger_does_not_make_a_case_moot(stopped_bench: Bench) -> None:
    """A record under another name says nothing about the applicant; the case goes on."""
    bench = stopped_bench
    case = a_case()
    handle = await bench.start(case)
    bench.bpjs.script = [Participant("Contoh Orang Lain", BORN, "0", "21")]
    async with bench.serving():
        await bench.until(handle, lambda state: state.trouble == "NAMA_TGL_LAHIR_BEDA")
        assert len(bench.siks_ng.effects) == 1
        await handle.terminate()

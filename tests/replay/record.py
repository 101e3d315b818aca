"""Write a history of each path of a case: `python -m tests.replay.record VERSION`.

Histories are only ever added, one folder per released version: cases of that version may still be open.
"""

import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from gateways.ports import Decision, Verdict
from models.answers import HandedOver, Rejected
from models.case import CaseHealth, CaseRef, CaseState, Step, Track
from models.errors import Refused
from models.messages import ReopenUpload, RetryStep, Withdraw
from runtime.entry import run_and_leave
from tests.builders import a_case
from tests.workflows.conftest import BY_HAND, Bench, Handle, dev_server
from tests.workflows.hands import give, on_desk, switch, work
from workflows.reactivation import Reactivation

HISTORIES = Path(__file__).parent / "histories"
NIK_DIFFERS = Decision(Verdict.RETURNED, "NIK_BEDA")

_Path = Callable[[Bench], Awaitable[Handle]]


async def emergency(bench: Bench) -> Handle:
    """Record the straight path."""
    return await _done(await bench.start(a_case()))


async def medical(bench: Bench) -> Handle:
    """Record the straight path of the track."""
    return await _done(await bench.start(a_case(track=Track.MEDICAL), need="childbirth"))


async def newborn(bench: Bench) -> Handle:
    """Record the straight path of the track."""
    kinds = ("facility_letter", "birth_letter")
    return await _done(await bench.start(a_case(track=Track.NEWBORN), kinds=kinds, need="newborn"))


async def returned(bench: Bench) -> Handle:
    """Record a case that Kemensos returns once."""
    bench.kemensos.script = [NIK_DIFFERS, Decision(Verdict.APPROVED)]
    handle = await bench.start(a_case())
    await bench.until(handle, _is_stuck)
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    return await _done(handle)


async def rejected(bench: Bench) -> Handle:
    """Record a final no."""
    bench.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU")]
    return await _done(await bench.start(a_case()))


async def breached(bench: Bench) -> Handle:
    """Record a case that waits past its due time and is withdrawn."""
    bench.kemensos.script = [NIK_DIFFERS]
    handle = await bench.start(a_case())
    await bench.until(handle, _is_stuck)
    await bench.forward(handle, timedelta(hours=25))
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    return await _done(handle)


async def refused(bench: Bench) -> Handle:
    """Record a case that SIKS-NG refuses once and that goes on by itself after an hour."""
    bench.siks_ng.script = [Refused("siks_ng", "call refused"), None]
    handle = await bench.start(a_case())
    await bench.until(handle, _is_stuck)
    await bench.forward(handle, timedelta(minutes=61))
    return await _done(handle)


async def cancelled(bench: Bench) -> Handle:
    """Record a cancel request while Kemensos is asked."""
    bench.kemensos.script = [None]
    handle = await bench.start(a_case())
    await bench.until(handle, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
    await handle.cancel()
    return await _done(handle)


async def incomplete(bench: Bench) -> Handle:
    """Record a case that still waits for the applicant: its clock never ran."""
    case: CaseRef = a_case(city="3275", kecamatan="Bekasi Timur")
    handle = await bench.start(case, kinds=("ktp",))
    await bench.until(handle, _is_stuck)
    return handle


async def already_active(bench: Bench) -> Handle:
    """Record a person whom BPJS shows as active at intake."""
    bench.kemensos.approved.add("SIKS-0000")
    case = a_case()
    bench.ledger.references[case.case_number] = "SIKS-0000"
    return await _done(await bench.start(case))


async def by_hand(bench: Bench) -> Handle:
    """Record a case that people work from desk to desk, asked for anew once."""
    handle = await bench.start(a_case())
    await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1"))
    await on_desk(bench, handle, Step.DOCUMENT_CHECK, times=2)
    await give(handle, Step.DOCUMENT_CHECK)
    await work(bench, handle, *list(Step)[1:])
    return await _done(handle)


async def handed_over(bench: Bench) -> Handle:
    """Record an applicant who takes the letters to BPJS himself."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
    await give(handle, Step.SIKS_NG_UPLOAD, answer=HandedOver())
    await work(bench, handle, Step.BPJS_RECONNECT)
    return await _done(handle)


async def reopened(bench: Bench) -> Handle:
    """Record a receipt that was void."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION, Step.SIKS_NG_UPLOAD)
    await on_desk(bench, handle, Step.KEMENSOS_VERIFICATION)
    command = ReopenUpload(command_id="v-1", attempt=1, actor="ibu.kepala")
    await handle.execute_update(Reactivation.reopen_upload, command)
    await work(bench, handle, *list(Step)[2:], attempt=2)
    return await _done(handle)


async def track_switched(bench: Bench) -> Handle:
    """Record a case of the medical track that becomes an emergency, and then breaches."""
    handle = await bench.start(a_case(track=Track.MEDICAL), need="chronic")
    await on_desk(bench, handle, Step.DOCUMENT_CHECK)
    await switch(handle)
    await bench.at_rest(handle)
    await bench.forward(handle, timedelta(hours=25))
    await work(bench, handle, *Step)
    return await _done(handle)


async def late_answer(bench: Bench) -> Handle:
    """Record a second answer to a step, which changes nothing."""
    handle = await bench.start(a_case())
    await work(bench, handle, Step.DOCUMENT_CHECK)
    await on_desk(bench, handle, Step.RECOMMENDATION)
    await give(handle, Step.DOCUMENT_CHECK, actor="budi", answer=Rejected(reason="DINILAI_MAMPU"))
    await work(bench, handle, *list(Step)[1:])
    return await _done(handle)


BY_MACHINES: tuple[_Path, ...] = (
    emergency, medical, newborn, returned, rejected, breached, refused, cancelled, incomplete, already_active,
)  # fmt: skip
BY_PEOPLE: tuple[_Path, ...] = (by_hand, handed_over, reopened, track_switched, late_answer)


def _is_stuck(state: CaseState) -> bool:
    return state.health is CaseHealth.STUCK


async def _done(handle: Handle) -> Handle:
    await handle.result()
    return handle


async def main() -> None:
    """Run every path on a dev server and write its history."""
    folder = HISTORIES / sys.argv[1]
    folder.mkdir(parents=True, exist_ok=True)
    async with dev_server() as environment:
        for path in BY_MACHINES + BY_PEOPLE:
            file = folder / f"{path.__name__}.json"
            if file.exists():
                continue
            bench = Bench(environment, task_queue=uuid.uuid4().hex)
            if path in BY_PEOPLE:
                bench.modes = BY_HAND
            async with bench.serving():
                handle = await path(bench)
                file.write_text((await handle.fetch_history()).to_json())


if __name__ == "__main__":
    run_and_leave(main)

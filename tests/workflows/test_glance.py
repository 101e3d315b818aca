"""What Temporal says of one case at a glance, on a real server."""

from gateways.ports.institutions import Decision
from models.case import WaitingOn
from models.messages import Withdraw
from models.why import Glance
from runtime.glance import failing, glance
from tests.builders import a_case
from tests.namespaces import a_namespace
from tests.workflows.conftest import Bench
from workflows.reactivation import Reactivation


async def test_a_glance_tells_what_is_under_way(bench: Bench) -> None:
    """Who serves it, which call is made again, and that another number is no case of Temporal's."""
    waiting: list[Decision | Exception | None] = [None]
    bench.kemensos.script = waiting
    namespace, case = a_namespace(bench.environment.client, bench.task_queue), a_case()
    handle = await bench.start(case)
    await bench.until(handle, lambda state: state.waiting_on is WaitingOn.KEMENSOS)
    while not (seen := await glance(namespace, case)).pending or seen.pending[0].next_at is None:
        assert seen.answers
    assert (seen.is_running, seen.workers, seen.task_attempts) == (True, 1, 0)
    call = seen.pending[0]
    assert (call.name, call.error) == ("kemensos_verification", "NotYetAnswered")
    assert await glance(namespace, a_case()) == Glance(answers=True, workers=1)
    assert await failing(namespace, {"3674"}) == []
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))

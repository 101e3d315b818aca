"""What would become of a case's due time: the case itself is asked, since it alone knows its pauses."""

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from models.errors import EngineUnreachable, WrongState
from models.messages import DueForecast, DueQuestion
from workflows import options
from workflows.reactivation import Reactivation

_UNTOLD = "no worker tells what would become of the due time (`starter.py doctor` says what is missing)"


async def due_if(client: Client, case_number: str, question: DueQuestion) -> DueForecast:
    """Return when a case would be due. Raises EngineUnreachable when nobody tells, WrongState for no case."""
    handle = client.get_workflow_handle_for(Reactivation.run, case_number)
    try:
        return await handle.query(Reactivation.due_if, question, rpc_timeout=options.COMMAND_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise WrongState(f"{case_number} has not begun: it has no due time") from None
    except (WorkflowQueryFailedError, RuntimeError):  # a worker of an older version; a lazy client
        pass
    raise EngineUnreachable(_UNTOLD)

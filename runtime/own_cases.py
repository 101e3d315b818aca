"""Lets a case's activities work only on the case of the ledger that it is.

Where stores were put back, a number may be one person's in Temporal and another's in the ledger. What the one
does must not be written of the other, and the other's data not be handed in by it.
"""

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import Any, Final

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from gateways.ports.ledger import Ledger
from models.case import Birth, CaseRef
from models.messages import Record, StepAsk

_SURE_FOR_SECONDS: Final = 10.0
"""How long what the ledger said of a case is believed, as of a namespace (`runtime/namespace.py`)."""
_REMEMBERED: Final = 10_000
"""Of how many cases."""


class OwnCases(Interceptor):
    """Given to each worker that serves activities of cases."""

    def __init__(self, ledger: Ledger) -> None:
        """`ledger` says which case a number is."""
        self._ledger = ledger
        self._sure: OrderedDict[tuple[str, Birth | None], float] = OrderedDict()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Wrap every activity."""
        return _Gate(next, self)

    async def require(self, case_number: str, birth: Birth | None) -> None:
        """Raise NotFound unless the ledger's case of this number has this birth mark, Unavailable without it.

        An activity finds out by itself that there is no case of the number.
        """
        one, now = (case_number, birth), monotonic()
        if now - self._sure.get(one, -_SURE_FOR_SECONDS) < _SURE_FOR_SECONDS:
            return
        await asyncio.to_thread(self._ledger.require_same, case_number, birth)
        self._sure[one] = now
        self._sure.move_to_end(one)
        if len(self._sure) > _REMEMBERED:
            self._sure.popitem(last=False)


class _Gate(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, own: OwnCases) -> None:
        super().__init__(following)
        self._own = own

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401 - the SDK's signature
        for asked in input.args:
            match asked:
                case CaseRef():
                    await self._own.require(asked.case_number, asked.birth)
                case Record():
                    await self._own.require(asked.state.case.case_number, asked.state.case.birth)
                case StepAsk(birth=str()):  # none was given before steps were asked with it
                    await self._own.require(asked.case_number, asked.birth)
        return await super().execute_activity(input)

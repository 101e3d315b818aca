"""How messages become JSON on their way through Temporal: as pydantic does it, made ready once."""

from dataclasses import dataclass
from typing import Self

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, SerializationContext

_PYDANTIC = PydanticPayloadConverter()


class CasePayloads(CompositePayloadConverter):
    """The pydantic converter, sharing what it learned of our types.

    The SDK makes a converter anew for each workflow task and activity, and each of pydantic's builds its
    own readers of types: a tenth of a worker's CPU time.
    """

    def __init__(self) -> None:
        """Take over the converters that are there."""
        super().__init__(*_PYDANTIC.converters.values())


@dataclass(frozen=True)
class _Alike(DataConverter):
    """Converts every message alike, whichever workflow or activity it belongs to."""

    def with_context(self, context: SerializationContext) -> Self:  # noqa: ARG002 - the SDK's signature
        """Return itself: the SDK would look for what to change, several times for each payload."""
        return self


case_data_converter = _Alike(payload_converter_class=CasePayloads)
"""For every client of ours."""

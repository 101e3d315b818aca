"""How messages become JSON on their way through Temporal: as pydantic does it, made ready once."""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter

_PYDANTIC = PydanticPayloadConverter()


class CasePayloads(CompositePayloadConverter):
    """The pydantic converter, sharing what it learned of our types.

    The SDK makes a converter anew for each workflow task and activity, and each of pydantic's builds its
    own readers of types: a tenth of a worker's CPU time.
    """

    def __init__(self) -> None:
        """Take over the converters that are there."""
        super().__init__(*_PYDANTIC.converters.values())


case_data_converter = DataConverter(payload_converter_class=CasePayloads)
"""For every client of ours."""

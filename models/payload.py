"""The base of everything that travels through Temporal."""

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """A frozen message of codes, numbers and times; never personal data.

    What breaks its form is never quoted. Unknown fields are ignored, so that an old worker may receive a
    newer shape; every field added later needs a default.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

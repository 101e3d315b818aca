"""Who may push answers to us, and the secrets by which we know them: a file of the installation."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateways.private_toml import read_private
from models.case import CityCode
from models.errors import Misconfigured
from models.events import EventSource
from models.reasons import Party
from models.roles import MACHINE

_BEARER = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    source: Annotated[str, Field(min_length=1, max_length=300)]
    party: Party
    secrets: Annotated[
        tuple[Annotated[str, Field(min_length=32, max_length=256)], ...], Field(min_length=1, max_length=2)
    ]
    cities: frozenset[CityCode] = frozenset()

    @field_validator("party")
    @classmethod
    def _is_outside(cls, value: Party) -> Party:
        if value is Party.DINSOS:
            raise ValueError("the office's own answers are brought by people")
        return value


def read_event_sources(path: Path) -> tuple[EventSource, ...]:
    """Read a TOML file with a table `[bearer]` of source, party, secrets and cities for each system.

    Raises Misconfigured, naming the file, the bearer and the field, never a secret.
    """
    entries = read_private(path, "event sources", "REAKTIVASI_EVENT_SOURCES")
    sources = tuple(_source(path, bearer, entry) for bearer, entry in entries.items())
    if not sources:
        raise Misconfigured(f"event sources: {path} names nobody")
    secrets = [secret for one in sources for secret in one.secrets]
    if len(set(secrets)) < len(secrets):
        raise Misconfigured(f"event sources: {path}: a secret is there twice: give each its own")
    if len({one.uri for one in sources}) < len(sources):
        raise Misconfigured(f"event sources: {path}: a source is there twice")
    return sources


def _source(path: Path, bearer: str, entry: object) -> EventSource:
    if _BEARER.fullmatch(bearer) is None or bearer == MACHINE:
        raise Misconfigured(f"event sources: {path}: an entry's name is not an id such as mesin-kemensos")
    try:
        read = _Entry.model_validate(entry)
    except ValidationError as error:
        known = {*_Entry.model_fields}
        places = {str(fault["loc"][0]) if fault["loc"] else "entry" for fault in error.errors()}
        names = ", ".join(sorted(place if place in known else "an unknown field" for place in places))
        raise Misconfigured(f"event sources: {path}: {bearer}: check {names}") from None
    return EventSource(bearer, read.source, read.party, read.secrets, read.cities)

"""Temporal's clock beside the ledger's, on a real server."""

from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from gateways.ledger_access import utc_now
from models.errors import EngineUnreachable
from runtime.clocks import apart, temporal_ahead

A_MOMENT = timedelta(seconds=3)


async def test_temporals_clock_is_compared_with_another(environment: WorkflowEnvironment) -> None:
    """The same, an hour ahead, a month behind; asking twice at once disturbs nobody."""
    client = environment.client
    assert abs(await temporal_ahead(client, utc_now)) < A_MOMENT
    for off in (timedelta(hours=1), timedelta(days=-32)):
        assert abs(await temporal_ahead(client, lambda off=off: utc_now() - off) - off) < A_MOMENT  # type: ignore[misc]  # the default binds it


async def test_a_temporal_that_is_away_is_not_compared() -> None:
    """Nobody waits for long."""
    nowhere = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(EngineUnreachable):
        await temporal_ahead(nowhere, utc_now)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=32, seconds=7.4), "32 days, 0:00:07 ahead of"),
        (timedelta(seconds=-125), "0:02:05 behind"),
    ],
)
def test_a_difference_is_told_in_words(ahead: timedelta, words: str) -> None:
    """To the second."""
    assert apart(ahead) == words

"""Twenty seeds of faults, three hundred cases each, on real processes. Run by `make test-slow`."""

import pytest

from tests.chaos.__main__ import LAST_SEED, say
from tests.chaos.plan import CASES
from tests.chaos.run import run


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(LAST_SEED + 1))
async def test_nothing_is_lost_and_nothing_happens_twice(seed: int) -> None:
    """Whatever strikes: one end or a reason to wait, each effect once, ledger, Temporal and alerts agree."""
    ended = await run(seed, CASES, say)

    assert not ended.findings, f"`python -m tests.chaos --seed {seed}` replays it; kept: {ended.folder}\n" + (
        "\n".join(map(str, ended.findings))
    )

"""One office for all tests that leave it whole; a test that ends it makes its own."""

import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.office import Office


@pytest.fixture(scope="session", autouse=True)
def orderly_end() -> Iterator[None]:
    """A SIGTERM, for example of a time limit, ends the tests as Ctrl-C does, so that offices are closed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A running stack that tests share; each keeps apart by its own people."""
    office = Office(tmp_path_factory.mktemp("office"))
    await office.open()
    try:
        yield office
    finally:
        office.close()

"""One office for all tests that leave it whole; a test that ends it makes its own."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.office import Office


@pytest.fixture(scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A running stack that tests share; each keeps apart by its own people."""
    office = Office(tmp_path_factory.mktemp("office"))
    await office.open()
    try:
        yield office
    finally:
        office.close()

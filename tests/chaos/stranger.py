"""Makes another office's ledger with one case in it; prints its number. Where: by the environment."""

from datetime import UTC, datetime

from runtime import adapters
from runtime.preparing import prepare
from runtime.settings import Settings
from tests.builders import a_new_case

if __name__ == "__main__":
    settings = Settings()
    prepare(settings, lambda _line: None)
    registered = adapters.office(settings).registry.register(a_new_case(datetime.now(UTC)))
    print(registered.case.case_number)  # noqa: T201 - read by the administrator

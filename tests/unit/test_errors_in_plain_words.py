"""Nothing that an exception of others says may reach Temporal or a log."""

import io
import json
import logging
from datetime import timedelta

import pytest
import structlog
from temporalio.exceptions import ApplicationErrorCategory

from models.errors import BadReply, Misconfigured, NotYetAnswered, ReferenceTaken, Refused, Unavailable
from runtime.interceptor import failure_of
from runtime.logging import configure_logging

NIK = "3674065203859001"
OTHER = "PBI-3674-2026-000001"


@pytest.mark.parametrize(
    ("error", "kind", "is_final"),
    [
        (Unavailable("siks_ng", "no answer in time"), "Unavailable", False),
        (Refused("siks_ng", "call refused"), "Refused", True),
        (ReferenceTaken("PBI-3674-2026-000002", OTHER), f"ReferenceTaken:{OTHER}", True),
        (BadReply("bpjs", "reply cannot be read"), "BadReply", True),
        (Misconfigured("settings: X must be set"), "Misconfigured", True),
        (KeyError(NIK), "Unexpected", False),
    ],
)
def test_each_error_becomes_a_failure_of_its_kind(error: Exception, kind: str, is_final: bool) -> None:
    """Temporal retries what passes by itself and stops at what needs a person."""
    failure = failure_of(error)
    assert (failure.type, failure.non_retryable) == (kind, is_final)
    assert NIK not in failure.message


def test_no_decision_yet_is_benign_and_sets_the_pace() -> None:
    """It neither logs as an error nor spoils a metric, and the policy's pace is kept."""
    failure = failure_of(NotYetAnswered("kemensos", timedelta(minutes=1)))
    assert failure.category is ApplicationErrorCategory.BENIGN
    assert failure.next_retry_delay == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("asked", "waits"), [(None, None), (0, 10), (30, 30), (86_400, 300), (999_999_999, 300)]
)
def test_what_a_system_asks_for_is_heard_within_bounds(asked: int | None, waits: int | None) -> None:
    """Neither at once for ever nor for a day: it is a stranger's word, and people wait."""
    wait = None if asked is None else timedelta(seconds=asked)
    failure = failure_of(Unavailable("bpjs", "overloaded", ask_again_in=wait))
    assert failure.next_retry_delay == (None if waits is None else timedelta(seconds=waits))
    assert (failure.type, failure.non_retryable) == ("Unavailable", False)


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to stderr while a test logs."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging("json")
    return stream


def test_a_long_number_is_masked_in_every_log_line(log_lines: io.StringIO) -> None:
    """The last net under the rule that nobody logs people: digits of a NIK, card or phone never come out."""
    structlog.get_logger().info("case.opened", case_number="PBI-3674-2026-000001", slip=f"nik={NIK}")
    logging.getLogger("some.library").warning("phone %s", "081234567890")
    try:
        raise ValueError(NIK)
    except ValueError:
        logging.getLogger("some.library").exception("broken")
    lines = log_lines.getvalue()
    assert NIK not in lines
    assert "081234567890" not in lines
    assert json.loads(lines.splitlines()[0])["case_number"] == "PBI-3674-2026-000001"
    assert "ValueError" in lines


def test_http_calls_are_not_logged_because_their_addresses_hold_a_nik(log_lines: io.StringIO) -> None:
    """Httpx tells each URL at INFO; a BPJS URL ends in the NIK."""
    logging.getLogger("httpx").info("HTTP Request: GET https://bpjs/Peserta/nik/%s", NIK)
    assert log_lines.getvalue() == ""

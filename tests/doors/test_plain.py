"""Text from outside on terminals, in logs and in spreadsheets."""

import csv
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.bulk_screens import _write_results
from desk.words import words
from intake.rejects import RejectFile
from intake.rows import RowFault
from models.bulk import BulkItem
from models.errors import BadInput
from models.plain import is_plain, plain, safe_cell
from runtime.logging import configure_logging

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    '=HYPERLINK("http://x")',
)


@pytest.mark.parametrize("cell", HOSTILE)
def test_no_cell_is_a_formula(cell: str) -> None:
    """OWASP's characters, at the front; numbers stay numbers."""
    assert safe_cell(cell) == f"'{cell}"
    assert [safe_cell(one) for one in (-1.5, "-3", None, "a=b", 7)] == ["-1.5", "-3", "", "a=b", "7"]


def test_files_that_we_write_hold_no_formula(tmp_path: Path) -> None:
    """Rejects of a list and results of an order, through the same rule."""
    (tmp_path / "list.csv").touch()
    with RejectFile(tmp_path / "rejects.csv", tmp_path / "list.csv") as rejects:
        rejects.add([RowFault(1, "=1+1", "code", "rule", "@fix")])
    item = BulkItem("PBI-3674-2026-000001", {}, None, "=1+1")
    _write_results(tmp_path / "results.csv", [item])
    for name, mark in (("rejects.csv", ";"), ("results.csv", ",")):
        text = (tmp_path / name).read_text()
        cells = [cell for row in csv.reader(io.StringIO(text), delimiter=mark) for cell in row]
        assert "'=1+1" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "@"))]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_what_is_written_out_steers_nothing(text: str) -> None:
    """And what is plain stays as it is."""
    assert is_plain(plain(text))
    assert plain(text) == text or not is_plain(text)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Log as a process does, and put everything back."""
    before, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before
    logging.getLogger().setLevel(level)


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.usefixtures("logged")
def test_no_value_forges_a_line_of_the_log(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line break, colours and a NIK in what is logged, ours and a library's."""
    configure_logging(form)  # type: ignore[arg-type]  # one of both
    evil = "x\n2026-01-01 [error] forged \x1b[31m3674065203859001\x9b"
    structlog.get_logger("doors").info("door.tried", what=evil)
    logging.getLogger("library").warning("said %s", evil)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    for line in lines:
        shown = line if form == "console" else json.loads(line)
        assert "\x9b" not in str(shown)
        assert "\x1b[31m" not in str(shown)
        assert "3674065203859001" not in line


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\x1b[2J", "a\x00", "\u202eabc"])
def test_words_that_stay_in_the_ledger_are_few_and_plain(text: str) -> None:
    """Reasons and notes; line breaks are fine."""
    with pytest.raises(BadInput, match="--reason"):
        words("--reason", text)
    assert words("--reason", " baris satu\nbaris dua ") == "baris satu\nbaris dua"

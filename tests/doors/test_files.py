"""Files that people name: hostile applications, papers, policies; told plainly, never read without end."""

import asyncio
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways.policy_folder import PolicyFolder
from intake.files import read_bounded
from intake.layouts import read_map
from intake.rules import inspect_paper, read_application, read_paper
from models.application import MAX_PAPER_BYTES
from models.errors import BadInput, Misconfigured
from models.wib import wib_date
from tests.builders import PDF, an_application, write_application
from tests.intake.lists import SHELF

ROOT = Path(__file__).parents[2]
_FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=3),
    max_leaves=6,
)
_WHOLE = json.dumps(an_application())


def read(path: Path) -> object:
    """Read an application as `submit` does."""
    return read_application(
        path, cities=list(SHELF.cities()), regions=SHELF.regions(), today=wib_date(datetime.now(UTC))
    )


@_FUZZ
@given(data=st.data())
def test_any_application_is_taken_or_every_fault_is_told(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever is replaced by whatever, or damaged: `BadInput`, and none of the values in it."""
    application = json.loads(_WHOLE)
    parts = [application, *(part for part in application.values() if isinstance(part, dict))]
    part = data.draw(st.sampled_from(parts))
    part[data.draw(st.sampled_from([*sorted(part), "lain"]))] = data.draw(_JSON)
    body = json.dumps(application).encode()
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, len(body)))
        body = body[:cut] + data.draw(st.binary(max_size=4)) + body[cut:]
    path = tmp_path / "a.json"
    path.write_bytes(body)
    (tmp_path / "surat.pdf").write_bytes(PDF)
    refused = ""
    try:
        read(path)
    except BadInput as error:
        refused = str(error) if error.findings else "\n"
    assert refused.isprintable()


@pytest.mark.parametrize("name", ["3674065203859001", "\x1b[2J", "a\nb", "\u202e", "x" * 500])
def test_a_field_that_nobody_knows_is_not_repeated_when_it_may_hold_anything(
    tmp_path: Path, name: str
) -> None:
    """Somebody's NIK may be a key as well as a value."""
    with pytest.raises(BadInput) as refused:
        read(write_application(tmp_path, json.loads(_WHOLE) | {name: 1, "telepon": 1}))
    assert {one.field for one in refused.value.findings} >= {"?", "telepon"}


@pytest.mark.parametrize("name", ["\x1b[2J", "a\u202eb", "a\u200bb", "\x00", "\x07", "\ud800"])
def test_what_steers_a_terminal_or_cannot_be_seen_is_no_name(tmp_path: Path, name: str) -> None:
    """Names reach terminals, letters and lists; a line break that a spreadsheet left is a space."""
    data = an_application()
    applicant = data["applicant"]
    assert isinstance(applicant, dict)
    applicant["name"] = f"Siti{name}Rahayu"
    path = write_application(tmp_path, data)
    with pytest.raises(BadInput, match=r"applicant.name: has invisible or control characters|not JSON"):
        read(path)
    applicant["name"] = "Siti\n\u00a0Rahayu"
    read(write_application(tmp_path, data))


def test_only_files_are_papers(tmp_path: Path) -> None:
    """Pipes, devices, folders, links to nowhere, names that no file can have: told at once."""
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    (tmp_path / "loop.pdf").symlink_to(tmp_path / "loop.pdf")
    (tmp_path / "nowhere.pdf").symlink_to(tmp_path / "gone.pdf")
    (tmp_path / "zero.pdf").symlink_to("/dev/zero")
    (tmp_path / "large.pdf").write_bytes(PDF)
    os.truncate(tmp_path / "large.pdf", MAX_PAPER_BYTES + 1)
    (tmp_path / "page.pdf").write_bytes(b"<html>%PDF-")
    (tmp_path / "good.pdf").write_bytes(PDF)
    (tmp_path / "link.pdf").symlink_to(tmp_path / "good.pdf")
    wrong = {
        "pipe.pdf": "missing", "folder.pdf": "missing", "loop.pdf": "missing", "nowhere.pdf": "missing",
        "zero.pdf": "missing", "large.pdf": "too_large", "page.pdf": "wrong_type", "a\0b.pdf": "missing",
        "x" * 5000: "missing", "../" * 3000 + "etc/passwd": "missing", "/proc/self/environ": "empty",
    }  # fmt: skip
    for name, fault in wrong.items():
        told = inspect_paper(tmp_path / name)
        assert told in {fault, "unreadable"}, name
        assert read_paper(tmp_path / name) is None, name
    assert [inspect_paper(tmp_path / name) for name in ("good.pdf", "link.pdf")] == [None, None]
    assert read_paper(tmp_path / "link.pdf") == PDF
    assert read_bounded(tmp_path / "large.pdf", 100) is not None
    assert len(read_bounded(tmp_path / "large.pdf", 100) or b"") == 101
    with pytest.raises(BadInput, match="is not a file"):
        read(tmp_path / "pipe.pdf")
    with pytest.raises(BadInput, match="--map: is not a small file"):
        read_map(tmp_path / "pipe.pdf")


def test_a_file_that_is_no_application_is_refused_in_plain_words(tmp_path: Path) -> None:
    """Whatever the path leads to: bad input with one named fault."""
    (tmp_path / "broken.json").write_text('{"city": "3674", "applicant": {')
    (tmp_path / "huge.json").write_text('{"city": "' + "3" * 1_100_000 + '"}')
    (tmp_path / "binary.json").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "empty.json").touch()
    (tmp_path / "list.json").write_text("[]")
    wanted = {
        "broken.json": "is not JSON at line 1",
        "huge.json": "is over 1 MB",
        "binary.json": "is not JSON in UTF-8",
        "deep.json": "is not JSON",
        "empty.json": "is not JSON",
        "list.json": "has the wrong form",
        "missing.json": "does not exist",
        ".": "is not a file",
        "/dev/zero": "is not a file",
    }
    for name, words in wanted.items():
        with pytest.raises(BadInput) as caught:
            read(tmp_path / name)
        (finding,) = caught.value.findings
        assert (finding.field, finding.rule.startswith(words)) == ("file", True), name


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the policies that ship."""
    return shutil.copytree(ROOT / "policies", tmp_path_factory.mktemp("shelf") / "policies")


def read_everything(folder: Path) -> None:
    """Read every file of a shelf."""
    shelf = PolicyFolder(folder)
    for part in (shelf.cities, shelf.regions, shelf.reasons, shelf.people, shelf.portal):
        part()
    shelf.alert_texts()
    shelf.calendars()


_VALUES = st.sampled_from(
    ['""', "-1", "nan", "1e308", "99999999999999",
     '"P999999999D"', '"\\u001b[31m"', "[]", "{}",
     "true", "0001-01-01", "[[[]]]", '"../../etc/passwd"', '"{__class__}"', "'''\n'''", f'"{"x" * 5000}"']
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_policy_is_read_or_refused_by_file(policies: Path, data: st.DataObject) -> None:
    """A value of any file replaced by a hostile one: `Misconfigured` (exit code 2), naming the file."""
    names = sorted(path.name for path in policies.glob("*.toml"))
    path = policies / data.draw(st.sampled_from(names))
    whole = path.read_text()
    lines = whole.splitlines()
    with_value = [at for at, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    at = data.draw(st.sampled_from(with_value))
    lines[at] = f"{lines[at].split(' = ')[0]} = {data.draw(_VALUES)}"
    refused = ".toml"
    try:
        path.write_text("\n".join(lines))
        read_everything(policies)
    except Misconfigured as error:
        refused = str(error)
    finally:
        path.write_text(whole)
    assert ".toml" in refused


_NO_TEXT = (b"\xff\xfe", b"a = " + b"[" * 20_000, b"\x00", b"x" * (2 * 1024 * 1024), None)


@pytest.mark.parametrize("content", _NO_TEXT)
def test_a_policy_that_is_no_text_is_refused(tmp_path: Path, policies: Path, content: bytes | None) -> None:
    """Binary, nested without end, too large, a pipe."""
    folder = shutil.copytree(policies, tmp_path / "policies")
    file = folder / "people.toml"
    file.unlink()
    os.mkfifo(file) if content is None else file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"people\.toml"):
        PolicyFolder(folder).people()


async def test_a_pipe_in_the_place_of_a_file_does_not_hold_a_command_up(tmp_path: Path) -> None:
    """Neither `submit` nor what reads small files."""
    os.mkfifo(tmp_path / "pipe")
    assert await asyncio.wait_for(asyncio.to_thread(read_bounded, tmp_path / "pipe", 10), 5) is None

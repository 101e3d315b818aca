"""Indonesian holidays from the library `holidays`, and how they get into the table that an office edits.

The library is the first draft of a year. The table is what counts: loading a year adds days to it and never
changes or removes one.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import holidays
from pydantic import ValidationError

from gateways.policy_folder import PolicyFolder
from models.calendar_policy import Holiday, HolidayKind, HolidayYear
from models.errors import Misconfigured
from models.faults import of_os

SOURCE = f"PyPI holidays {version('holidays')}"

_KINDS = {holidays.PUBLIC: HolidayKind.NATIONAL, holidays.GOVERNMENT: HolidayKind.CUTI_BERSAMA}
_LINE = re.compile(r"\s*\{.*\bdate\s*=\s*(\d{4}-\d{2}-\d{2})")
_HEAD = """\
# Hari libur {year}. Boleh disunting: satu hari satu baris, urut tanggal.
#   kind         national (libur nasional), cuti_bersama, atau cancelled: tidak jadi libur; barisnya tetap ada
#                supaya tidak dimuat lagi
#   provisional  true selama tabel ini belum dicocokkan dengan SKB tiga menteri
# Draf dari {source}: `starter.py calendar load {year}`.
year = {year}
provisional = true
day = [
]
"""


@dataclass(frozen=True)
class Loaded:
    """What loading a year did, or would do."""

    path: Path
    is_new: bool
    """Whether there was no table of this year before."""
    added: tuple[Holiday, ...]
    of_other_kind: tuple[Holiday, ...]
    """Days of the table that the library calls something else; they stay as they are."""
    unknown: tuple[Holiday, ...]
    """Days of the table that the library does not have; they stay."""


def library_days(year: int) -> tuple[Holiday, ...]:
    """Return the holidays and joint leave of a year as the library knows them, by date.

    A joint leave that falls on a national holiday is a national holiday.
    """
    found: dict[str, Holiday] = {}
    for category, kind in _KINDS.items():
        days = holidays.country_holidays("ID", years=year, categories=(category,), language="id")
        for day, name in days.items():
            found.setdefault(str(day), Holiday(date=day, name=name, kind=kind, source=SOURCE))
    return tuple(found[day] for day in sorted(found))


def load_year(folder: Path, year: int, *, is_dry_run: bool) -> Loaded:
    """Add what the library knows of a year to `libur-<year>.toml`, or only say what would be added.

    Raises Misconfigured when the table has a fault or cannot be written.
    """
    table = PolicyFolder(folder).holiday_year(year)
    path = PolicyFolder.holiday_file(folder, year)
    known = {one.date: one for one in table.day} if table else {}
    found = {one.date: one for one in library_days(year)}
    loaded = Loaded(
        path=path,
        is_new=table is None,
        added=tuple(one for day, one in found.items() if day not in known),
        of_other_kind=tuple(
            one for day, one in known.items() if day in found and found[day].kind is not one.kind
        ),
        unknown=tuple(one for day, one in known.items() if day not in found),
    )
    if loaded.added and not is_dry_run:
        text = path.read_text(encoding="utf-8") if table else _HEAD.format(year=year, source=SOURCE)
        expected = sorted((*known.values(), *loaded.added), key=lambda one: one.date)
        _write(path, _with_days(text, loaded.added, expected, path))
    return loaded


def _with_days(text: str, new: tuple[Holiday, ...], expected: list[Holiday], path: Path) -> str:
    """Put each new day on a line of its own before the next later day, and leave every other line alone."""
    lines = text.splitlines()
    for one in new:
        lines.insert(_place(lines, one), f"    {_line(one)},")
    made = "\n".join(lines) + "\n"
    try:
        is_right = list(HolidayYear.model_validate(tomllib.loads(made)).day) == expected
    except (tomllib.TOMLDecodeError, ValidationError):
        is_right = False
    if not is_right:
        raise Misconfigured(
            f"policies: {path} cannot be added to (write each day on a line of its own, with a comma, "
            f"inside day = [ ... ])"
        )
    return made


def _place(lines: list[str], new: Holiday) -> int:
    """Return the line before which a day belongs: the next later day with its comments, or the end."""
    place = max((number for number, line in enumerate(lines) if line.strip() == "]"), default=len(lines))
    for number, line in enumerate(lines):
        if (found := _LINE.match(line)) and found[1] > str(new.date):
            place = number
            break
    while place > 0 and lines[place - 1].lstrip().startswith("#"):
        place -= 1
    return place


def _line(one: Holiday) -> str:
    name, source = (json.dumps(text, ensure_ascii=False) for text in (one.name, one.source))
    return f'{{ date = {one.date}, name = {name}, kind = "{one.kind}", source = {source} }}'


def _write(path: Path, text: str) -> None:
    """Replace the file at once, so that a reader finds the old table or the new one."""
    target = path.resolve()
    draft = target.with_suffix(".new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise Misconfigured(f"policies: {path} {of_os(error).what}") from None

"""The policy shelf as a folder of TOML files."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gateways.read_anew import ReadAnew
from models.alert_texts import AlertTexts
from models.calendar_policy import CalendarBook, Calendars, HolidayYear
from models.errors import Misconfigured
from models.policy import CityPolicy, Regions
from models.portal import PortalForm
from models.reasons import Reasons
from models.roles import People

ModelT = TypeVar("ModelT", bound=BaseModel)

_REGIONS = "wilayah.toml"
_REASONS = "reasons.toml"
_PEOPLE = "people.toml"
_PORTAL = "siks-ng.toml"
_CITY_FILES = "kota-*.toml"
_CALENDAR = "kalender.toml"
_ALERT_TEXTS = "pesan.toml"
_MOST_BYTES = 1024 * 1024
_HOLIDAY_FILE = re.compile(r"libur-(\d{4})\.toml")


class PolicyFolder:
    """Reads every policy of a folder once; people and calendars anew after an edit. Thread-safe.

    A fault in any file is refused with file, field and rule.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` holds a `kota-*.toml` for each city, and the files named above. Raises Misconfigured."""
        self._folder = folder
        self._files: dict[str, Path] = {}
        self._people = ReadAnew("people.faulty", lambda: [self.people_file], lambda _: self._read_people())
        self._calendars = ReadAnew("calendar.faulty", self._calendar_files, self._read_calendars)
        if not folder.is_dir():
            raise Misconfigured(f"policies: no folder {folder} (set REAKTIVASI_POLICIES_DIR)")

    def city(self, code: str) -> CityPolicy:
        """Return the policy of a city. Raises Misconfigured, naming the known cities, for an unknown one."""
        if code not in self._by_code:
            known = ", ".join(f"{policy.code} {policy.name}" for policy in self.cities())
            raise Misconfigured(f"policies: no policy for this city; known are {known}")
        return self._by_code[code]

    def cities(self) -> list[CityPolicy]:
        """Return every policy on the shelf, by city code."""
        return [self._by_code[code] for code in sorted(self._by_code)]

    def city_file(self, code: str) -> Path:
        """Return where the policy of a city is written. Raises Misconfigured for an unknown one."""
        return self._files[self.city(code).code]

    @property
    def people_file(self) -> Path:
        """Where it is written who works for the office."""
        return self._folder / _PEOPLE

    def regions(self) -> Regions:
        """Return the kecamatan and kelurahan of the cities."""
        return self._regions

    def reasons(self) -> Reasons:
        """Return the catalogue of reason codes. Raises Misconfigured."""
        return self._reasons

    def people(self) -> People:
        """Return who works for the office, and who is absent when, as it is written now.

        The first time a fault raises Misconfigured; later the last good ones stay.
        """
        return self._people()

    def portal(self) -> PortalForm:
        """Return the fields of SIKS-NG in the portal's order. Raises Misconfigured."""
        return _read(self._folder / _PORTAL, PortalForm)

    def alert_texts(self) -> AlertTexts:
        """Return the words of alerts. Raises Misconfigured."""
        return self._alert_texts

    def calendars(self) -> Calendars:
        """Return office hours and holidays as they are written now.

        The first time a fault raises Misconfigured, naming file and key; later the last good ones stay.
        """
        return self._calendars()

    def holiday_year(self, year: int) -> HolidayYear | None:
        """Return the holidays of a year; None when there is no file of it. Raises Misconfigured."""
        path = self.holiday_file(self._folder, year)
        if not path.exists():
            return None
        table = _read(path, HolidayYear)
        if table.year != year:
            raise Misconfigured(f"policies: {path}: year: must be {year}, as the file's name says")
        return table

    @staticmethod
    def holiday_file(folder: Path, year: int) -> Path:
        """Return where the holidays of a year are written."""
        return folder / f"libur-{year}.toml"

    @cached_property
    def _by_code(self) -> Mapping[str, CityPolicy]:
        policies = {path: _read(path, CityPolicy) for path in sorted(self._folder.glob(_CITY_FILES))}
        if not policies:
            raise Misconfigured(f"policies: {self._folder} has no {_CITY_FILES} file")
        self._files = {policy.code: path for path, policy in policies.items()}
        return {policy.code: policy for policy in policies.values()}

    @cached_property
    def _regions(self) -> Regions:
        return _read(self._folder / _REGIONS, Regions)

    @cached_property
    def _reasons(self) -> Reasons:
        return _read(self._folder / _REASONS, Reasons)

    @cached_property
    def _alert_texts(self) -> AlertTexts:
        return _read(self._folder / _ALERT_TEXTS, AlertTexts)

    def _calendar_files(self) -> Iterator[Path]:
        """Yield what an edit of the calendars changes."""
        for path in self._folder.iterdir():
            if path.name == _CALENDAR or _HOLIDAY_FILE.fullmatch(path.name):
                yield path

    def _read_calendars(self, files: Iterable[Path]) -> Calendars:
        path = self._folder / _CALENDAR
        book = _read(path, CalendarBook)
        if absent := [code for code in sorted(self._by_code) if code not in book.city]:
            raise Misconfigured(f"policies: {path}: city.{absent[0]}: missing (give this city office hours)")
        matches = (_HOLIDAY_FILE.fullmatch(file.name) for file in files)
        tables = [self.holiday_year(year) for year in sorted(int(match[1]) for match in matches if match)]
        years = tuple(table for table in tables if table is not None)
        loaded = {table.year for table in years}
        if not loaded:
            raise Misconfigured(
                f"policies: {self._folder} has no libur-*.toml file (`starter.py calendar load`)"
            )
        if gaps := sorted(set(range(min(loaded), max(loaded))) - loaded):
            raise Misconfigured(
                f"policies: {self.holiday_file(self._folder, gaps[0])} is missing between others"
            )
        return Calendars(city=book.city, years=years)

    def _read_people(self) -> People:
        people = _read(self.people_file, People)
        if faults := [f"person.{at}.{what}" for at, what in self._unknown_areas(people)]:
            raise Misconfigured(f"policies: {self.people_file}: {'; '.join(faults)}")
        return people

    def _unknown_areas(self, people: People) -> Iterator[tuple[int, str]]:
        """Tell which person serves a city without a policy, or a kecamatan that lies in none of his cities.

        A slip of the pen there would make work that nobody sees.
        """
        for at, officer in enumerate(people.person):
            if unknown := officer.cities - set(self._by_code):
                yield at, f"cities: {', '.join(sorted(unknown))} has no {_CITY_FILES} file"
            codes = tuple(f"{city[:2]}.{city[2:]}." for city in officer.cities)
            near = {area.name for code, area in self._regions.kecamatan.items() if code.startswith(codes)}
            if unknown := officer.kecamatan - near:
                yield at, f"kecamatan: {', '.join(sorted(unknown))} is in no city of this person ({_REGIONS})"


def _read(path: Path, model: type[ModelT]) -> ModelT:
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > _MOST_BYTES):
            raise Misconfigured(f"policies: {path} is not a file of at most {_MOST_BYTES // 1024} KiB")
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"policies: {path} cannot be read") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"policies: {path} is not TOML: {error}") from None
    except RecursionError:
        raise Misconfigured(f"policies: {path} is not TOML: nested too deeply") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()
        )
        raise Misconfigured(f"policies: {path}: {faults}") from None

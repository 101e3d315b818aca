"""From a row of a list to an application, by the rules of any other application."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from gateways.ports.lists import TableRow
from intake import cells
from intake.cells import CellFault
from intake.layouts import FIELDS, OPTIONAL, FieldName, Plan
from intake.places import Places, compared
from intake.rules import fault_of
from models.application import Application, IntakeContext
from models.errors import BadInput, Finding
from models.policy import CityPolicy

_GROUPS: Final[Mapping[str, tuple[FieldName, ...]]] = {
    "applicant": ("nik", "kk", "card_number", "name", "birth_date", "sex", "phone", "kelurahan"),
    "need": ("need_kind", "facility", "letter_number", "letter_date"),
    "": ("track", "deactivated_on", "documents"),
}
"""In which part of an application a field of a list is; the last ones are in the application itself."""
_PLACES: Final[Mapping[FieldName, tuple[str, str]]] = {
    name: (group, name.removeprefix("need_")) for group, names in _GROUPS.items() for name in names
}
_FIELD_AT: Final = {place: name for name, place in _PLACES.items()}
_OTHER_CITY = CellFault("other_city", "is another city than the list is for", "leave such rows out")
_NO_PAPERS = CellFault(
    "not_papers", "is not kind=path|kind=path", "write for example facility_letter=surat.pdf"
)
_ROW_LENGTH = CellFault(
    "row_length", "has more cells than the header, or is cut off", "mend or remove the row"
)


@dataclass(frozen=True)
class RowFault:
    """One broken rule in a row of a list; never the value."""

    row: int
    column: str
    """What the list calls it; empty when it is about the row as a whole."""
    code: str
    rule: str
    fix: str


class RowReader:
    """Reads the rows of one list."""

    def __init__(self, plan: Plan, city: CityPolicy, context: IntakeContext) -> None:
        """`context` is that of any application. Raises BadInput for a constant that breaks a rule."""
        self._plan = plan
        self._city = city
        self._context = context
        self._places = Places(context.regions, city.code)
        self._constants: dict[FieldName, str] = {}
        self._check_constants()

    def read(self, row: TableRow) -> Application | list[RowFault]:
        """Return the application in a row, or everything that keeps it from being one."""
        if len(row.cells) != self._plan.width:
            return [_told(row, "", _ROW_LENGTH)]
        values, faults = dict(self._constants), {}
        for name, (place, _) in self._plan.columns.items():
            if isinstance(value := _read(name, row.cells[place]), CellFault):
                faults[name] = value
            elif value:
                values[name] = value
        application = self._application(values, faults)
        if isinstance(application, Application) and not faults:
            return application
        return [_told(row, self._plan.column_of(name), fault) for name, fault in faults.items()]

    def _application(
        self, values: dict[FieldName, str], faults: dict[FieldName, CellFault]
    ) -> Application | None:
        """Return the application, or None and each broken rule in `faults`; those of a cell come first."""
        for name, fault in self._of_the_place(values):
            faults.setdefault(name, fault)
        applicant: dict[str, object] = {"card_number": None, "phone": None}
        need: dict[str, object] = {}
        data: dict[str, object] = {"city": self._city.code, "applicant": applicant, "need": need}
        parts = {"applicant": applicant, "need": need, "": data}
        for name, value in values.items():
            if name in _PLACES and name not in faults:
                part, key = _PLACES[name]
                parts[part][key] = _papers(value) if name == "documents" else value
        try:
            return Application.model_validate(data, context=self._context)
        except ValidationError as error:
            for told in error.errors(include_input=False, include_url=False):
                place, code, rule, fix = fault_of(told)
                faults.setdefault(_field_at(place), CellFault(code, rule, fix))
            return None

    def _of_the_place(self, values: dict[FieldName, str]) -> Iterator[tuple[FieldName, CellFault]]:
        """Put the code of the kelurahan in the place of its name, and tell what is wrong with either."""
        city = values.get("city_name")
        if city is not None and compared(city) != compared(self._city.name):
            yield "city_name", _OTHER_CITY
        if "kelurahan" in values:
            code = self._places.code(values["kelurahan"], values.get("kecamatan", ""))
            if isinstance(code, CellFault):
                yield "kelurahan", code
            else:
                values["kelurahan"] = code

    def _check_constants(self) -> None:
        faults: dict[FieldName, CellFault] = {}
        for name, given in self._plan.constants.items():
            if isinstance(value := _read(name, given), CellFault):
                faults[name] = value
            elif value:
                self._constants[name] = value
        self._application(dict(self._constants), faults)
        if told := [
            Finding(f"constant {name}", fault.rule, fault.fix)
            for name, fault in faults.items()
            if name in self._plan.constants
        ]:
            raise BadInput(told)


def _read(name: FieldName, cell: str) -> str | CellFault:
    """Read a cell; an empty text is the absence of a value that may be absent."""
    words = cells.bare(cell)
    if isinstance(words, CellFault):
        return words
    if not words:
        return "" if name in OPTIONAL else cells.EMPTY
    value = FIELDS[name](words)
    if name == "documents" and isinstance(value, str) and any("=" not in one for one in value.split("|")):
        return _NO_PAPERS
    return value


def _papers(words: str) -> list[dict[str, str]]:
    named = (one.partition("=") for one in words.split("|"))
    return [{"kind": kind.strip().casefold(), "path": path.strip()} for kind, _, path in named]


def _field_at(place: tuple[str | int, ...]) -> FieldName:
    """Return the field of a list in which an application is at fault."""
    first = str(place[0])
    return _FIELD_AT[(first, str(place[1])) if first in _GROUPS else ("", first)]


def _told(row: TableRow, column: str, fault: CellFault) -> RowFault:
    return RowFault(row.number, column, fault.code, fault.rule, fault.fix)

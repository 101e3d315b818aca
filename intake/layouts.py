"""Which column of a list is which part of an application: our own columns, BNBA, or as a map says."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from intake import cells
from intake.cells import Reading
from intake.files import read_bounded
from models.case import Track
from models.errors import BadInput, Finding

FieldName = Literal[
    "nik",
    "kk",
    "card_number",
    "name",
    "birth_date",
    "sex",
    "phone",
    "kelurahan",
    "kecamatan",
    "city_name",
    "track",
    "need_kind",
    "facility",
    "letter_number",
    "letter_date",
    "deactivated_on",
    "documents",
]
FIELDS: Final[Mapping[FieldName, Reading]] = {
    "nik": cells.digits,
    "kk": cells.digits,
    "card_number": cells.card,
    "name": cells.text,
    "birth_date": cells.day,
    "sex": cells.sex,
    "phone": cells.phone,
    "kelurahan": cells.text,
    "kecamatan": cells.text,
    "city_name": cells.text,
    "track": cells.code,
    "need_kind": cells.code,
    "facility": cells.text,
    "letter_number": cells.text,
    "letter_date": cells.day,
    "deactivated_on": cells.day,
    "documents": cells.text,
}
"""Every field that a column may hold, and how its cells are read."""
_MOST_MAP_BYTES: Final = 64 * 1024
OPTIONAL: Final[frozenset[FieldName]] = frozenset({"card_number", "phone", "kecamatan", "city_name"})

OWN_HEADER: Final = tuple(name for name in FIELDS if name != "city_name")
"""Our own columns."""
_BNBA: Final[Mapping[FieldName, str]] = {
    "nik": "nik",
    "kk": "nokk",
    "card_number": "psnoka_bpjs",
    "name": "nama",
    "birth_date": "tanggal_lahir",
    "sex": "jenis_kelamin",
    "kelurahan": "kelurahan",
    "kecamatan": "kecamatan",
    "city_name": "kota",
}
BNBA_HEADER: Final = (
    *("id", "iddtks", "provinsi", "kota", "kecamatan", "kelurahan", "rt", "rw", "dusun", "alamat"),
    *("noka_bpjs", "psnoka_bpjs", "nama", "tanggal_lahir", "tempat_lahir", "jenis_kelamin", "nik", "nokk"),
    *("hub_keluarga", "nama_ibu_kandung", "keterangan"),
)
"""The 21 columns of a PBI list by name and address (domain 2.5)."""


class ColumnMap(BaseModel):
    """What `--map` says of a list with other columns."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    columns: dict[FieldName, str] = {}
    """Name of the column that holds a field. Without any the list has our own columns, or BNBA's."""
    constants: dict[FieldName, str | date] = {}
    """Fields that are the same in every row."""


@dataclass(frozen=True)
class Plan:
    """How a row of one list is read."""

    layout: str
    """`own`, `bnba` or `map`."""
    columns: Mapping[FieldName, tuple[int, str]]
    """Place and name of the column that holds a field."""
    width: int
    """How many columns the header has."""
    constants: Mapping[FieldName, str] = field(default_factory=dict)
    """What is the same in every row, as it was given."""

    def column_of(self, name: FieldName) -> str:
        """Return what the list calls a field; our own word for one that is no column of it."""
        return self.columns[name][1] if name in self.columns else name


def read_map(path: Path) -> ColumnMap:
    """Read the file of `--map`. Raises BadInput, quoting nothing but names."""
    try:
        content = read_bounded(path, _MOST_MAP_BYTES)
        if content is None or len(content) > _MOST_MAP_BYTES:
            raise BadInput([Finding("--map", "is not a small file", "see README, bulk intake")])
        return ColumnMap.model_validate(tomllib.loads(content.decode("utf-8-sig")))
    except OSError:
        raise BadInput([Finding("--map", "cannot be read", "check the path and the permissions")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput([Finding("--map", "is not TOML in UTF-8", "see README, bulk intake")]) from None
    except ValidationError as error:
        places = {".".join(str(part) for part in fault["loc"][:2]) for fault in error.errors()}
        fix = f"columns and constants name {', '.join(FIELDS)}"
        raise BadInput([Finding(f"--map {place}", "is not known", fix) for place in sorted(places)]) from None


def read_constants(given: Sequence[str], chosen: ColumnMap) -> dict[FieldName, str]:
    """Return the constants of a map with those of `--set FIELD=VALUE` above them. Raises BadInput."""
    constants = {name: str(value) for name, value in chosen.constants.items()}
    faults = []
    for place, words in enumerate(given, start=1):
        name, separator, value = words.partition("=")
        known = next((one for one in get_args(FieldName) if one == name.strip()), None)
        if known is None or not separator:
            faults.append(Finding(f"--set {place}", "is not FIELD=VALUE", f"fields are {', '.join(FIELDS)}"))
        else:
            constants[known] = value
    if faults:
        raise BadInput(faults)
    return constants


def plan(header: Sequence[str], chosen: ColumnMap, constants: Mapping[FieldName, str]) -> Plan:
    """Find the columns of a list. Raises BadInput, without quoting a header that may be somebody's row."""
    names = [name_of(cell) for cell in header]
    if chosen.columns:
        layout, columns, faults = "map", dict(chosen.columns), []
    elif len(set(names) & set(BNBA_HEADER)) > len(set(names) & set(OWN_HEADER)):
        layout, columns, faults = "bnba", dict(_BNBA), _strangers(names, BNBA_HEADER)
        constants = {"track": Track.MEDICAL.value, **constants}
    else:
        # In our own layout a column may be left out whose value is optional, or given for all rows.
        may_miss = OPTIONAL | constants.keys()
        columns = {name: str(name) for name in OWN_HEADER if name in names or name not in may_miss}
        layout, faults = "own", _strangers(names, OWN_HEADER, may_miss=may_miss)
    places = {}
    for name, column in columns.items():
        found = [place for place, one in enumerate(names) if one == name_of(column)]
        if len(found) == 1:
            places[name] = (found[0], column)
        elif layout == "map" or found:
            rule = "stands twice in the header" if found else "is not in the header"
            faults.append(Finding(column, rule, "the header must have it once"))
    faults += [
        Finding(name, "is a column of the list and a constant", "leave out --set, or its entry in the map")
        for name in constants
        if name in columns
    ]
    if not faults:
        faults = _missing(layout, columns, constants)
    if faults:
        raise BadInput(faults)
    return Plan(layout, places, len(header), constants)


def name_of(cell: str) -> str:
    """Return the name of a column as names are compared."""
    return "_".join(cell.casefold().split())


def _strangers(
    names: Sequence[str], known: Sequence[str], may_miss: frozenset[str] = frozenset()
) -> list[Finding]:
    """Tell what a header lacks, and what it has too much of, by place."""
    lacks = [name for name in known if name not in names and name not in may_miss]
    fix = "the header is the first row; for other columns give --map FILE"
    return [Finding(name, "is not in the header", fix) for name in lacks] + [
        Finding(f"column {place}", "is none of this layout", fix)
        for place, name in enumerate(names, start=1)
        if name not in known
    ]


def _missing(
    layout: str, columns: Mapping[FieldName, str], constants: Mapping[FieldName, str]
) -> list[Finding]:
    """Tell which parts of an application a list leaves open; none of them is made up."""
    fix = "give --set {0}=..., or {0} among the constants of the map"
    if layout == "map":
        fix = "give {0} among the columns or the constants of the map"
    return [
        Finding(name, "is not told by this list", fix.format(name))
        for name in FIELDS
        if name not in OPTIONAL | columns.keys() | constants.keys()
    ]

"""The policy shelf as a folder of TOML files."""

import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

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


class PolicyFolder:
    """Reads every policy of a folder once; a fault in any file is refused with file, field and rule."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds a `kota-*.toml` for each city, and the files named above. Raises Misconfigured."""
        self._folder = folder
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

    def regions(self) -> Regions:
        """Return the kecamatan and kelurahan of the cities."""
        return self._regions

    def reasons(self) -> Reasons:
        """Return the catalogue of reason codes. Raises Misconfigured."""
        return self._reasons

    def people(self) -> People:
        """Return who works for the office. Raises Misconfigured."""
        return self._people

    def portal(self) -> PortalForm:
        """Return the fields of SIKS-NG in the portal's order. Raises Misconfigured."""
        return _read(self._folder / _PORTAL, PortalForm)

    @cached_property
    def _by_code(self) -> Mapping[str, CityPolicy]:
        policies = [_read(path, CityPolicy) for path in sorted(self._folder.glob(_CITY_FILES))]
        if not policies:
            raise Misconfigured(f"policies: {self._folder} has no {_CITY_FILES} file")
        return {policy.code: policy for policy in policies}

    @cached_property
    def _regions(self) -> Regions:
        return _read(self._folder / _REGIONS, Regions)

    @cached_property
    def _reasons(self) -> Reasons:
        return _read(self._folder / _REASONS, Reasons)

    @cached_property
    def _people(self) -> People:
        return _read(self._folder / _PEOPLE, People)


def _read(path: Path, model: type[ModelT]) -> ModelT:
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(f"policies: {path} cannot be read") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"policies: {path} is not TOML: {error}") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()
        )
        raise Misconfigured(f"policies: {path}: {faults}") from None

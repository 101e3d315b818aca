"""Kelurahan as lists name them: by code, or by names whose spelling varies (domain 2.4)."""

import re
from collections import defaultdict
from typing import Final

from intake.cells import CellFault
from models.policy import Regions

_CODE = re.compile(r"[0-9]{2}\.?[0-9]{2}\.?[0-9]{2}\.?[0-9]{4}")
_PREFIX = re.compile(r"^(kelurahan|kel\.?|desa|kecamatan|kec\.?)\s+", re.IGNORECASE)

_UNKNOWN: Final = CellFault(
    "unknown_kelurahan", "is no kelurahan of this city and kecamatan", "use the name or the Kemendagri code"
)
_AMBIGUOUS: Final = CellFault(
    "ambiguous_kelurahan", "is a kelurahan of more than one kecamatan", "name the kecamatan, or use the code"
)
_OTHER_KECAMATAN: Final = CellFault(
    "other_kecamatan", "lies in another kecamatan than the row says", "correct kelurahan or kecamatan"
)


class Places:
    """The kelurahan of a city by name."""

    def __init__(self, regions: Regions, city: str) -> None:
        """`city` is a four-digit code."""
        self._kecamatan: dict[str, str] = {}
        self._codes: dict[str, list[str]] = defaultdict(list)
        for area, kecamatan in regions.kecamatan.items():
            if area.replace(".", "").startswith(city):
                self._kecamatan[area] = compared(kecamatan.name)
                for tail, name in kecamatan.kelurahan.items():
                    self._codes[compared(name)].append(f"{area}.{tail}")

    def code(self, kelurahan: str, kecamatan: str) -> str | CellFault:
        """Return the code of a kelurahan; `kecamatan` is empty when the row does not say it."""
        if _CODE.fullmatch(kelurahan):
            return self._checked(kelurahan, kecamatan)
        named = self._codes.get(compared(kelurahan), [])
        if kecamatan:
            named = [code for code in named if self._kecamatan[code[:8]] == compared(kecamatan)]
        if len(named) > 1:
            return _AMBIGUOUS
        return named[0] if named else _UNKNOWN

    def _checked(self, code: str, kecamatan: str) -> str | CellFault:
        """Return a code as it was written, unless the row contradicts it."""
        number = code.replace(".", "")
        area = self._kecamatan.get(f"{number[:2]}.{number[2:4]}.{number[4:6]}")
        return _OTHER_KECAMATAN if area and kecamatan and area != compared(kecamatan) else code


def compared(name: str) -> str:
    """Return the name of a place as names are compared: without spaces, signs and words such as kelurahan."""
    return "".join(filter(str.isalnum, _PREFIX.sub("", name).casefold()))

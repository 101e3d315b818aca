"""The fields that an operator copies into SIKS-NG, in the portal's order. Data: they are unknown."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class PortalField(StrEnum):
    """What the ledger can put on a sheet."""

    NIK = "nik"
    KK = "kk"
    CARD_NUMBER = "card_number"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    PHONE = "phone"
    KELURAHAN = "kelurahan"
    KECAMATAN = "kecamatan"
    DEACTIVATED_ON = "deactivated_on"
    NEED = "need"
    FACILITY = "facility"
    FACILITY_LETTER_NUMBER = "facility_letter_number"
    FACILITY_LETTER_DATE = "facility_letter_date"
    LETTER_NUMBER = "letter_number"
    LETTER_DATE = "letter_date"


class PortalLine(BaseModel):
    """One field of the portal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = Field(min_length=1, max_length=60)
    """As the portal writes it."""
    value: PortalField


class PortalForm(BaseModel):
    """The portal's submenu *reaktivasi* (domain 1.5: exact fields not found)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    field: tuple[PortalLine, ...] = Field(min_length=1)

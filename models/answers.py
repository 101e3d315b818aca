"""What a step can answer: approved, returned to be mended, or rejected for good."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from models.case import Outcome, Step
from models.payload import Payload


class ReasonCode(StrEnum):
    """Why an answer was not a yes. The set is ours (domain 9.5); no official list was found."""

    NIK_BEDA = "NIK_BEDA"
    KK_BEDA = "KK_BEDA"
    NAMA_TGL_LAHIR_BEDA = "NAMA_TGL_LAHIR_BEDA"
    DOK_TIDAK_LENGKAP = "DOK_TIDAK_LENGKAP"
    DOK_TIDAK_JELAS = "DOK_TIDAK_JELAS"
    SURAT_FASKES_TIDAK_SAH = "SURAT_FASKES_TIDAK_SAH"
    KEBUTUHAN_TIDAK_SESUAI = "KEBUTUHAN_TIDAK_SESUAI"
    TIDAK_ADA_DI_DAFTAR_NONAKTIF = "TIDAK_ADA_DI_DAFTAR_NONAKTIF"
    EXCLUDE_ASN_TNI_POLRI = "EXCLUDE_ASN_TNI_POLRI"
    DINILAI_MAMPU = "DINILAI_MAMPU"
    TIDAK_DITEMUKAN = "TIDAK_DITEMUKAN"
    MENINGGAL = "MENINGGAL"
    NIK_DIPAKAI_ORANG_LAIN = "NIK_DIPAKAI_ORANG_LAIN"
    LAIN = "LAIN"

    @property
    def label(self) -> str:
        """What an officer reads, in Indonesian."""
        return _LABELS[self]


_LABELS = {
    ReasonCode.NIK_BEDA: "NIK berbeda",
    ReasonCode.KK_BEDA: "Nomor KK berbeda",
    ReasonCode.NAMA_TGL_LAHIR_BEDA: "Nama atau tanggal lahir berbeda",
    ReasonCode.DOK_TIDAK_LENGKAP: "Dokumen tidak lengkap",
    ReasonCode.DOK_TIDAK_JELAS: "Dokumen tidak jelas",
    ReasonCode.SURAT_FASKES_TIDAK_SAH: "Surat faskes tidak sah",
    ReasonCode.KEBUTUHAN_TIDAK_SESUAI: "Kebutuhan layanan tidak sesuai jalur",
    ReasonCode.TIDAK_ADA_DI_DAFTAR_NONAKTIF: "Tidak ada di daftar nonaktif",
    ReasonCode.EXCLUDE_ASN_TNI_POLRI: "Keluarga ASN/TNI/Polri",
    ReasonCode.DINILAI_MAMPU: "Dinilai mampu",
    ReasonCode.TIDAK_DITEMUKAN: "Tidak ditemukan",
    ReasonCode.MENINGGAL: "Meninggal",
    ReasonCode.NIK_DIPAKAI_ORANG_LAIN: "NIK dipakai orang lain",
    ReasonCode.LAIN: "Lain-lain",
}


class Approved(Payload):
    """The step is done."""

    decision: Literal["approved"] = "approved"


class Returned(Payload):
    """Fixable: something must be mended, then the case goes on from `back_to`."""

    decision: Literal["returned"] = "returned"
    reason: ReasonCode
    back_to: Step
    """The step that is taken again once the fault is mended."""


class Rejected(Payload):
    """Final: the case ends as rejected."""

    decision: Literal["rejected"] = "rejected"
    reason: ReasonCode


class Moot(Payload):
    """There is nothing left to do: BPJS shows the person as covered already."""

    decision: Literal["moot"] = "moot"
    outcome: Outcome


Answer = Annotated[Approved | Returned | Rejected | Moot, Field(discriminator="decision")]

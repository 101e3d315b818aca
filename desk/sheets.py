"""What an officer needs to see of a piece of work. Personal: for the officer's screen alone."""

from dataclasses import dataclass, field

from gateways.ports.desk import DeskBook
from gateways.ports.ledger import Registry
from gateways.ports.papers import Documents
from gateways.ports.policies import PolicyShelf
from models.case import Step
from models.desk import DeskItem, ItemKind
from models.dossier import Dossier
from models.messages import EventKind
from models.policy import NeedKind
from models.portal import PortalField
from models.standstill import has_our_reference
from models.texts import DOCUMENT, NEED
from models.wib import indonesian_date

_LOOK_AT_BPJS = (
    "cek status BPJS dulu: sudah aktif, pindah segmen atau meninggal berarti tolak"
    " (MASIH_AKTIF, SEGMEN_BERUBAH, MENINGGAL)"
)
"""What a machine asks by itself at intake and before the upload; without one, people do."""


@dataclass(frozen=True)
class PaperLine:
    """A paper and what to do with it."""

    kind: str
    size: int
    is_intact: bool
    is_accepted: bool
    """An officer accepted it before: it need not be checked again."""


@dataclass(frozen=True)
class Return:
    """An earlier no, and who brought it."""

    step: Step
    attempt: int
    reason: str
    by: str
    note: str | None = field(repr=False)


@dataclass(frozen=True, repr=False)
class Sheet:
    """Everything about one piece of work."""

    item: DeskItem
    fields: tuple[tuple[str, str], ...]
    """Label and value; for an upload in the portal's order, ready to be copied."""
    papers: tuple[PaperLine, ...]
    returns: tuple[Return, ...]
    hints: tuple[str, ...]
    """What to look out for, in Indonesian."""

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Sheet>"


class Sheets:
    """Draws up sheets."""

    def __init__(self, registry: Registry, book: DeskBook, shelf: PolicyShelf, documents: Documents) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._registry = registry
        self._book = book
        self._shelf = shelf
        self._documents = documents

    def sheet(self, item: DeskItem) -> Sheet:
        """Return everything that an officer needs for a piece of work. Raises NotFound."""
        dossier = self._book.dossier(item.case.case_number)
        return Sheet(
            item=item,
            fields=self._fields(item, dossier),
            papers=tuple(
                PaperLine(
                    DOCUMENT[paper.kind],
                    paper.size,
                    self._documents.is_intact(paper.sha256),
                    paper.sha256 in dossier.accepted,
                )
                for paper in dossier.papers
            ),
            returns=self._returns(item),
            hints=self._hints(item),
        )

    def _fields(self, item: DeskItem, dossier: Dossier) -> tuple[tuple[str, str], ...]:
        values = self._values(dossier)
        form = self._shelf.portal()
        fields = [(line.label, values[line.value]) for line in form.field]
        if item.step is Step.SIKS_NG_UPLOAD:
            return (("Portal", form.address), *fields)
        if item.step in {Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT}:
            receipt = self._book.receipt(item.case.case_number, item.attempt)
            fields.insert(0, ("Referensi SIKS-NG", receipt.reference if receipt else "-"))
        return tuple(fields)

    def _values(self, dossier: Dossier) -> dict[PortalField, str]:
        person, need = dossier.person, dossier.need
        kecamatan = self._shelf.regions().kecamatan_of(person.kelurahan)
        letters = [one for one in self._book.letters(dossier.case.case_number) if one.is_valid]
        letter = letters[-1] if letters else None
        return {
            PortalField.NIK: person.nik,
            PortalField.KK: person.kk,
            PortalField.CARD_NUMBER: person.card_number or "-",
            PortalField.NAME: person.name,
            PortalField.BIRTH_DATE: f"{person.birth_date:%d-%m-%Y}",
            PortalField.SEX: person.sex,
            PortalField.PHONE: person.phone or "-",
            PortalField.KELURAHAN: kecamatan.kelurahan[person.kelurahan[9:]] if kecamatan else "-",
            PortalField.KECAMATAN: dossier.case.kecamatan,
            PortalField.DEACTIVATED_ON: f"{dossier.deactivated_on:%d-%m-%Y}",
            PortalField.NEED: NEED[NeedKind(need.kind)],
            PortalField.FACILITY: need.facility,
            PortalField.FACILITY_LETTER_NUMBER: need.letter_number,
            PortalField.FACILITY_LETTER_DATE: f"{need.letter_date:%d-%m-%Y}",
            PortalField.LETTER_NUMBER: letter.number if letter else "-",
            PortalField.LETTER_DATE: indonesian_date(letter.issued_on) if letter else "-",
        }

    def _returns(self, item: DeskItem) -> tuple[Return, ...]:
        notes = self._book.notes(item.case.case_number)
        reasons = self._shelf.reasons()
        return tuple(
            Return(
                step=event.step or item.step,
                attempt=event.attempt or 1,
                reason=f"{reasons.label(event.reason)} ({event.reason})",
                by=str(event.facts.get("by", "-")),
                note=notes.get(str(event.facts.get("command"))),
            )
            for event in self._registry.history(item.case.case_number)
            if event.kind is EventKind.ANSWER_RECORDED and event.reason is not None
        )

    def _hints(self, item: DeskItem) -> tuple[str, ...]:
        if (other := has_our_reference(item.reason)) is None:
            return self._usual_hints(item)
        taken = f"SIKS-NG memberi referensi milik {other}: bandingkan kedua kasus di portal"
        return (taken, f"bila {other} yang salah: starter.py receipt void {other}", *self._usual_hints(item))

    def _usual_hints(self, item: DeskItem) -> tuple[str, ...]:
        number = item.case.case_number
        if not item.is_open:
            return ()
        if item.kind is ItemKind.MEND:
            return (
                f"data salah: starter.py correct {number} (kasus lalu berjalan sendiri)",
                f"dokumen kurang atau buram: starter.py documents add {number} jenis=berkas",
                "lainnya: setujui pekerjaan ini setelah diperbaiki",
            )
        hints = {
            Step.DOCUMENT_CHECK: (
                "bandingkan data dengan dokumen yang belum diperiksa",
                _LOOK_AT_BPJS,
            ),
            Step.RECOMMENDATION: ("menyetujui berarti menandatangani: surat bernomor diterbitkan",),
            Step.SIKS_NG_UPLOAD: (
                _LOOK_AT_BPJS,
                "salin menurut urutan, lalu catat referensi dua kali, waktu, dan bukti unggah",
            ),
            Step.KEMENSOS_VERIFICATION: ("cari referensi di portal dan catat keputusan Kemensos",),
            Step.BPJS_RECONNECT: (
                "cek status di Mobile JKN, PANDAWA atau Care Center 165: aktif sebagai PBI berarti setuju",
            ),
        }[item.step]
        if item.step is Step.SIKS_NG_UPLOAD and self._book.submission_begun(number, item.attempt):
            return ("MUNGKIN SUDAH TERKIRIM: cari dulu orang ini di portal", *hints)
        return hints

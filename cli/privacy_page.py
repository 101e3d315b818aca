"""What is held on a person and who saw or processed it, as the person gets it. Markdown; personal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cli.screens import clock, validity
from models.audit import Door, TrailLine
from models.case import CaseState, Step
from models.desk import IssuedLetter
from models.dossier import Dossier
from models.identity import Sex
from models.messages import CaseEvent, EventKind
from models.policy import NeedKind
from models.roles import Officer
from models.texts import DOCUMENT, NEED, OUTCOME, STEP, TRACK
from models.wib import indonesian_date, wib_text

_VIEWS: Final = "accesses"
DOOR: Final = {
    Door.SHEET: "dilihat di meja kerja",
    Door.LETTER: "surat rekomendasi dicetak",
    Door.LETTER_REISSUE: "surat rekomendasi diterbitkan ulang",
    Door.REPORT: "laporan angka (tanpa data pribadi)",
    Door.BULK_FILE: "daftar nomor kasus",
    Door.REJECTS: "daftar baris yang ditolak (tanpa data pribadi)",
    Door.PRIVACY_ACCESS: "salinan untuk pemilik data",
    Door.BREACH_REPORT: "rancangan pemberitahuan kegagalan (nomor kasus)",
}
_HANDED_IN: Final = "Kementerian Sosial (SIKS-NG): identitas, surat rekomendasi, dokumen; nomor pengajuan"
_MAYBE: Final = "Kementerian Sosial (SIKS-NG): mesin mulai mengirim, jawabannya tidak tercatat"
_LOOKED_UP: Final = "BPJS Kesehatan: NIK, untuk memeriksa status kepesertaan"


@dataclass(frozen=True, repr=False)
class HeldCase:
    """Everything that is held on one case."""

    dossier: Dossier
    state: CaseState
    letters: Sequence[IssuedLetter]
    notes: Mapping[str, str]
    trail: Sequence[TrailLine]
    events: Sequence[CaseEvent]
    has_begun_submission: bool
    """Whether a machine began to hand the person in to SIKS-NG."""
    bpjs_by_machine: bool
    """Whether a machine asks BPJS, which it does when papers are checked too."""

    @property
    def institutions(self) -> Iterator[str]:
        """Who got data of the person, and which."""
        if any(_is_handed_in(event) for event in self.events):
            yield _HANDED_IN
        elif self.has_begun_submission:
            yield _MAYBE
        asked = {Step.BPJS_RECONNECT} | ({Step.DOCUMENT_CHECK} if self.bpjs_by_machine else set())
        if any(event.kind is EventKind.STEP_OPENED and event.step in asked for event in self.events):
            yield _LOOKED_UP

    @property
    def number(self) -> str:
        """The case number."""
        return self.state.case.case_number

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<HeldCase>"


def access_page(held: Sequence[HeldCase], elsewhere: Sequence[str], officer: Officer, now: datetime) -> str:
    """Return the page. `elsewhere` are cases of the person in another office."""
    lines = [
        "# Data pribadi Anda dan jejak pemrosesannya",
        "",
        f"Dibuat {wib_text(now)} oleh petugas `{officer.id}`. Menurut UU 27/2022 pemilik data berhak atas",
        "akses dan jejak pemrosesan paling lambat 3 x 24 jam sejak diminta.",
        "",
        "## 1. Data tentang Anda",
        "",
        *markdown_table(("data", "isi"), _person(held[0].dossier)),
        "",
        "## 2. Kasus Anda",
        "",
    ]
    for one in held:
        lines += _case(one)
    if elsewhere:
        lines += [f"Diproses kantor lain, mintalah di sana: {', '.join(elsewhere)}", ""]
    told = sorted((line for one in held for line in one.trail), key=lambda line: line.at)
    views = [line for line in told if line.table == _VIEWS]
    lines += ["## 3. Siapa melihat atau menerima data Anda", ""]
    lines += markdown_table(
        ("waktu (WIB)", "petugas", "peran", "cara"),
        ((clock(one.at), one.actor, one.role or "-", DOOR[Door(one.what)]) for one in views),
    )
    told_to = dict.fromkeys(words for one in held for words in one.institutions)
    lines += ["", "Lembaga yang menerima data menurut catatan ini:", ""]
    lines += [f"- {words}" for words in told_to] or ["- tidak ada"]
    lines += ["", "## 4. Apa yang dikerjakan", ""]
    lines += markdown_table(
        ("waktu (WIB)", "oleh", "peran", "kasus", "apa", "segel"),
        (
            (clock(one.at), one.actor, one.role or "-", one.case_number or "-", one.what, one.entry or "-")
            for one in told
            if one.table != _VIEWS
        ),
    )
    lines += [
        "",
        "`segel` adalah nomor catatan dalam jejak audit: dengannya `starter.py audit verify` memeriksa",
        "apakah baris itu berubah sejak disegel. Lembaran ini sendiri tidak memeriksanya.",
        "",
    ]
    return "\n".join(lines)


def _person(dossier: Dossier) -> Iterator[tuple[str, object]]:
    person = dossier.person
    yield "NIK", person.nik
    yield "Nomor KK", person.kk
    yield "Nomor kartu JKN", person.card_number or "-"
    yield "Nama", person.name
    yield "Tanggal lahir", indonesian_date(person.birth_date)
    yield "Jenis kelamin", "perempuan" if person.sex is Sex.FEMALE else "laki-laki"
    yield "Telepon", person.phone or "-"
    yield "Kelurahan (kode)", person.kelurahan


def _case(held: HeldCase) -> list[str]:
    dossier, state = held.dossier, held.state
    need = dossier.need
    now = f"langkah {STEP[state.step]}" if state.outcome is None else OUTCOME[state.outcome]
    facts = [
        ("jalur", TRACK[state.case.track]),
        ("diterima", wib_text(state.case.received_at)),
        ("keadaan", now),
        ("dinonaktifkan", indonesian_date(dossier.deactivated_on)),
        ("kebutuhan layanan", NEED[NeedKind(need.kind)]),
        ("fasilitas kesehatan", need.facility),
        ("surat fasilitas kesehatan", f"{need.letter_number}, {indonesian_date(need.letter_date)}"),
        *(("dokumen", f"{DOCUMENT[paper.kind]}, {paper.size} bita") for paper in dossier.papers),
        *(("surat rekomendasi", _letter(letter)) for letter in held.letters),
        *(("catatan petugas", text) for text in held.notes.values()),
    ]
    return [f"### {held.number}", "", *markdown_table(("hal", "isi"), facts), ""]


def _letter(letter: IssuedLetter) -> str:
    return f"{letter.number}, {letter.issued_on}: {validity(letter)}"


def _is_handed_in(event: CaseEvent) -> bool:
    """Tell whether an upload was answered with a yes, whatever became of the case since."""
    is_yes = event.facts.get("decision") == "approved"
    return event.kind is EventKind.ANSWER_RECORDED and event.step is Step.SIKS_NG_UPLOAD and is_yes


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table; `-` when there is no row."""
    body = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body] if body else ["-"]


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")

"""What officers read, in Indonesian: labels of steps, people and states, and a case in a few lines."""

from collections.abc import Iterable
from datetime import timedelta

from models.case import CaseHealth, CaseState, Outcome, SlaState, Step, Track, WaitingOn
from models.desk import DeskItem, Gone, ItemKind
from models.outage import System, parked_for
from models.policy import DocumentKind, NeedKind
from models.reasons import Reasons
from models.standstill import TOO_OFTEN, waits_for
from models.turns import Owner
from models.wib import wib_text

STEP = {
    Step.DOCUMENT_CHECK: "Pemeriksaan berkas",
    Step.RECOMMENDATION: "Rekomendasi Dinsos",
    Step.SIKS_NG_UPLOAD: "Unggah ke SIKS-NG",
    Step.KEMENSOS_VERIFICATION: "Verifikasi Kemensos",
    Step.BPJS_RECONNECT: "Aktivasi BPJS",
}

DOCUMENT = {
    DocumentKind.FACILITY_LETTER: "Surat keterangan faskes",
    DocumentKind.REFERRAL: "Surat rujukan",
    DocumentKind.MEDICAL_RECORD: "Dokumen medis",
    DocumentKind.KTP: "KTP",
    DocumentKind.KK: "Kartu Keluarga",
    DocumentKind.JKN_CARD: "Kartu JKN",
    DocumentKind.SKTM: "SKTM",
    DocumentKind.BIRTH_LETTER: "Surat keterangan lahir",
    DocumentKind.KIA_BOOK: "Buku KIA",
    DocumentKind.POWER_OF_ATTORNEY: "Surat kuasa",
}

NEED = {
    NeedKind.CHRONIC: "penyakit kronis",
    NeedKind.CATASTROPHIC: "penyakit katastropik",
    NeedKind.EMERGENCY: "darurat medis",
    NeedKind.CHILDBIRTH: "persalinan",
    NeedKind.NEWBORN: "bayi baru lahir",
    NeedKind.ROUTINE: "kontrol rutin",
}

ITEM = {
    ItemKind.ANSWER: "jawab langkah",
    ItemKind.MEND: "perbaiki",
}

GONE = {
    Gone.LEFT: "tidak bekerja di sini lagi",
    Gone.OTHER_WORK: "peran atau wilayahnya sudah lain",
    Gone.ABSENT: "tidak masuk",
}

WAITING_ON = {
    WaitingOn.OFFICER: "petugas Dinsos",
    WaitingOn.SIGNER: "penanda tangan",
    WaitingOn.APPLICANT: "pemohon",
    WaitingOn.SIKS_NG: "SIKS-NG",
    WaitingOn.KEMENSOS: "Kemensos",
    WaitingOn.BPJS: "BPJS Kesehatan",
    WaitingOn.SUPERVISOR: "supervisor",
    WaitingOn.NOBODY: "tidak ada",
}

OWNER = {
    Owner.APPLICANT: "Pemohon",
    Owner.DINSOS: "Dinsos",
    Owner.KEMENSOS: "Kemensos",
    Owner.BPJS: "BPJS Kesehatan",
    Owner.OUTAGE: "Gangguan sistem",
}

TRACK = {
    Track.EMERGENCY: "Darurat medis",
    Track.MEDICAL: "Perlu layanan, tidak darurat",
    Track.NEWBORN: "Bayi baru lahir",
}

SLA = {
    SlaState.ON_TRACK: "sesuai waktu",
    SlaState.AT_RISK: "mendekati batas",
    SlaState.BREACHED: "LEWAT BATAS",
    SlaState.PAUSED: "dijeda",
    SlaState.MET: "tepat waktu",
    SlaState.MISSED: "terlambat",
}

HEALTH = {
    CaseHealth.OK: "Berjalan",
    CaseHealth.STUCK: "Macet",
    CaseHealth.PARKED: "Diparkir",
}

OUTAGE = {
    parked_for(System.SIKS_NG): "gangguan SIKS-NG",
    parked_for(System.KEMENSOS): "gangguan Kemensos",
    parked_for(System.BPJS): "gangguan BPJS Kesehatan",
}
"""What a parked case waits for to end."""

TROUBLE = OUTAGE | {
    waits_for(WaitingOn.OFFICER): "terlalu lama di meja petugas",
    waits_for(WaitingOn.SIGNER): "terlalu lama menunggu tanda tangan",
    waits_for(WaitingOn.SIKS_NG): "terlalu lama menunggu SIKS-NG",
    waits_for(WaitingOn.KEMENSOS): "terlalu lama menunggu Kemensos",
    waits_for(WaitingOn.BPJS): "terlalu lama menunggu BPJS Kesehatan",
    TOO_OFTEN: "terlalu sering diulang",
    "Unavailable": "sistem luar tidak menjawab",
    "SystemDown": "sistem luar sedang gangguan",
    "NotYetAnswered": "belum ada keputusan",
    "Refused": "sistem luar menolak",
    "ReferenceTaken": "referensi dari SIKS-NG sudah tercatat pada kasus lain, bandingkan di portal",
    "BadReply": "balasan sistem luar tidak dikenal",
    "Misconfigured": "setelan atau kebijakan salah",
    "DocumentLost": "dokumen hilang atau berubah",
    "LedgerBehind": "buku besar dipulihkan dari salinan, catatan kasus tidak lengkap",
    "KeyMissing": "kunci orang ini tidak ada di gudang kunci",
    "KeyLost": "kunci orang ini hilang, datanya tidak terbaca lagi",
    "NotFound": "tidak ada di buku besar",
    "Unexpected": "kesalahan program",
    "Timeout": "tidak selesai pada waktunya",
}
"""Why a case is stuck or parked, when it is no reason of the catalogue: our error classes and the rule."""

OUTCOME = {
    Outcome.REACTIVATED: "aktif kembali",
    Outcome.ALREADY_ACTIVE: "sudah aktif",
    Outcome.SEGMENT_CHANGED: "pindah segmen",
    Outcome.REJECTED: "ditolak",
    Outcome.REFERRED: "dialihkan",
    Outcome.WITHDRAWN: "dibatalkan",
    Outcome.DECEASED: "meninggal",
    Outcome.DUPLICATE: "duplikat",
}


def any_of(kinds: Iterable[DocumentKind]) -> str:
    """Return for example `Surat rujukan atau Dokumen medis`, in the order of the kinds."""
    chosen = set(kinds)
    return " atau ".join(DOCUMENT[kind] for kind in DocumentKind if kind in chosen)


def hand_words(item: DeskItem) -> str:
    """Return in whose hand work is, and why that one cannot do it."""
    if item.assignee is None:
        return "belum diambil"
    why = "" if item.gone is None else f", yang {GONE[item.gone]}"
    return f"di tangan {item.assignee}{why}"


def trouble_words(trouble: str, reasons: Reasons) -> str:
    """Return what an officer reads for why a case stands still: ours, the office's, or the code itself."""
    return _ours(trouble) or reasons.label(trouble)


def _ours(trouble: str) -> str | None:
    """Return our words for a trouble, with the other case that it names, if it does."""
    kind, _, other = trouble.partition(":")
    words = TROUBLE.get(kind)
    return words if words is None or not other else f"{words} ({other})"


def duration(span: timedelta) -> str:
    """Return for example `1 jam 10 menit`, or `8 detik` below a minute."""
    seconds = int(span.total_seconds())
    hours, rest = divmod(seconds, 3600)
    minutes = rest // 60
    parts = [f"{hours} jam"] * bool(hours) + [f"{minutes} menit"] * bool(minutes)
    return " ".join(parts) or f"{seconds} detik"


def details(state: CaseState) -> str:
    """Return a case in a few lines of Markdown, for the supervisor's screen."""
    number = list(Step).index(state.step) + 1
    lines = [f"**Langkah {number} dari {len(Step)}: {STEP[state.step]}** (percobaan {state.attempt})", ""]
    if state.outcome is not None and state.closed_at is not None:
        lines = [f"**Selesai: {OUTCOME[state.outcome]}**, {wib_text(state.closed_at)}", ""]
    else:
        lines.append(f"- Menunggu: **{WAITING_ON[state.waiting_on]}** sejak {wib_text(state.since)}")
    if state.health is not CaseHealth.OK:
        trouble = state.trouble or "-"
        lines.append(f"- **{HEALTH[state.health]}**: {_ours(trouble) or trouble}")
    lines.append(f"- Batas waktu: {_due_words(state)}")
    if state.late_by:
        when = "" if state.outcome is not None else " saat dicatat"  # this text grows old on the screen
        lines.append(f"- Terlambat{when}: {duration(state.late_by)}")
    return "\n".join(lines)


def _due_words(state: CaseState) -> str:
    if state.due_at is not None:
        return f"{wib_text(state.due_at)} ({SLA[state.sla_state]})"
    if state.outcome is not None:
        return "tidak ada"
    if state.sla_state in {SlaState.PAUSED, SlaState.BREACHED}:
        return f"tidak berjalan selama dijeda ({SLA[state.sla_state]})"
    return "belum berjalan: mulai saat berkas lengkap"

"""A notice of a breach (UU 27/2022 Pasal 46): Markdown, Indonesian, with nothing personal in it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cli.privacy_page import DOOR, markdown_table
from cli.screens import clock
from models.audit import SHOWS, DataKind, Door, Touch, Touched
from models.case import Track
from models.roles import Officer
from models.texts import TRACK
from models.wib import wib_text

BLANK: Final = "**[DIISI KANTOR: {}]**"
_NOTICE_WITHIN: Final = timedelta(hours=3 * 24)
_KIND: Final = {
    DataKind.IDENTITY: "identitas: NIK, nomor KK, nomor kartu JKN, nama, tanggal lahir, jenis kelamin",
    DataKind.CONTACT: "telepon, kelurahan dan kecamatan domisili",
    DataKind.HEALTH: "**data spesifik** kesehatan: kebutuhan layanan, fasilitas dan suratnya",
    DataKind.WORDS: "catatan petugas",
}


def breach_page(
    touched: Touched,
    window: tuple[datetime, datetime],
    cities: Sequence[str],
    officer: Officer,
    now: datetime,
) -> str:
    """Return the pack. What only the office can know is left as a marked blank."""
    since, until = window
    doors = [one for one in touched.by if one.is_door]
    commands = [one for one in touched.by if not one.is_door]
    kinds = {kind for one in doors for kind in SHOWS[Door(one.what)]}
    tracks = Counter(track for _, track in touched.cases)
    lines = [
        "# Pemberitahuan kegagalan pelindungan data pribadi (rancangan)",
        "",
        "UU 27/2022 Pasal 46: tertulis, paling lambat 3 x 24 jam, kepada pemilik data dan lembaga.",
        "",
        *markdown_table(
            ("hal", "isi"),
            (
                ("dibuat", f"{wib_text(now)}, oleh petugas `{officer.id}`"),
                ("kota", ", ".join(cities)),
                ("waktu yang diperiksa", f"{wib_text(since)} sampai {wib_text(until)}"),
                ("kegagalan diketahui", _blank("tanggal dan jam")),
                ("batas pemberitahuan", _blank("waktu diketahui + 3 x 24 jam")),
                ("bila diketahui saat ini dibuat", wib_text(now + _NOTICE_WITHIN)),
                ("pengendali data, narahubung", _blank("nama kantor, pejabat, telepon")),
            ),
        ),
        "",
        "## a. Data pribadi yang terungkap",
        "",
        "Yang tercatat dilihat atau dikerjakan orang dalam waktu itu; apakah ini yang terungkap: "
        + _blank("ya / tidak / sebagian"),
        "",
        f"- {touched.people} orang, {len(touched.cases)} kasus",
        *(f"- {TRACK[Track(one)]}: {many} kasus{_child(one)}" for one, many in sorted(tracks.items())),
        *(f"- {_KIND[kind]}" for kind in DataKind if kind in kinds),
        *([] if kinds else ["- tidak ada layar atau berkas dengan data pribadi yang tercatat"]),
        "- data lain yang terungkap di luar sistem ini: " + _blank("sebutkan, atau tidak ada"),
        "",
        "## b. Kapan dan bagaimana terungkap",
        "",
        "Layar dan berkas:",
        "",
        *_touches("cara", doors),
        "",
        "Perintah pada kasus:",
        "",
        *_touches("perintah", commands),
        "",
        f"- perintah yang ditolak karena tidak berhak: {touched.refusals}",
        f"- kasus yang bergerak dalam waktu itu, oleh siapa pun: {touched.machine_cases}",
        "- cara terungkap: " + _blank("kehilangan perangkat, salah kirim, akses tidak sah, ..."),
        "- waktu terungkap: " + _blank("sejak, sampai"),
        "",
        "## c. Upaya penanganan dan pemulihan",
        "",
        "- yang sudah dilakukan: " + _blank("akses ditutup, kata sandi diganti, ..."),
        "- yang akan dilakukan, dan kapan: " + _blank("rencana"),
        "- yang sebaiknya dilakukan pemilik data: " + _blank("saran"),
        "- bukti bahwa jejak ini utuh: `starter.py audit verify`, hasil: " + _blank("tempelkan"),
        "",
        "## Lampiran: nomor kasus",
        "",
        *([number for number, _ in touched.cases] or ["-"]),
        "",
    ]
    return "\n".join(lines)


def _touches(what: str, touches: Sequence[Touch]) -> list[str]:
    return markdown_table(
        ("petugas", "peran", what, "kali", "kasus", "pertama (WIB)", "terakhir (WIB)"),
        (
            (
                one.actor,
                one.role or "-",
                DOOR[Door(one.what)] if one.is_door else one.what,
                one.times,
                one.cases,
                clock(one.first),
                clock(one.last),
            )
            for one in touches
        ),
    )


def _blank(what: str) -> str:
    return BLANK.format(what)


def _child(track: str) -> str:
    return " (**data spesifik** anak)" if track == Track.NEWBORN else ""

"""Letters as PDF/A, set with Typst from templates that an office can edit."""

import json
import re
from dataclasses import replace
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final, cast
from unicodedata import category

import segno
from typst import Compiler, Fonts, TypstError, TypstWarning

from models.dossier import Need, Person
from models.errors import Misconfigured
from models.identity import Sex
from models.letter_policy import LetterPolicy
from models.letters import Letter
from models.policy import NeedKind
from models.wib import WIB, indonesian_date

_PDF_STANDARD: Final = "a-2a"
"""Made to be archived; it also refuses a letter with a character that no font can draw."""
_NO_GLYPH = "could not be displayed"
_PLACE = re.compile(r"^ *┌─ (?:.*[/\\])?([A-Za-z0-9_-]+\.typ):([0-9]+):[0-9]+$", re.MULTILINE)
_PACKAGE = re.compile(r"""(?:import|include)\s*\(?\s*"@""")


class TypstLetters:
    """Prints letters. The same letter gives the same bytes; may be used by many threads at once.

    Values reach a template as data, never as markup. Only fonts that come with Typst are used, so that a
    letter looks the same on every machine, and nothing is ever downloaded. A changed template meets the next
    letter.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` holds the templates; they may read files in it and nowhere else. Raises Misconfigured."""
        if not folder.is_dir():
            raise Misconfigured(f"letter templates: no folder {folder}")
        self._folder = folder.resolve()
        # One for all letters: it forgets old letters, where a new one each time grows by 250 kB a letter.
        self._compiler = Compiler(
            root=self._folder, font_paths=Fonts(include_system_fonts=False), ignore_system_fonts=True
        )
        self._lock = Lock()

    def print(self, letter: Letter) -> bytes:
        """Return the letter as PDF. Raises Misconfigured, which never quotes the letter."""
        try:
            pdf, _ = self._compile(letter)
        except TypstError as error:
            if _NO_GLYPH in error.message:
                what = "a value holds a character that the letter's font lacks (correct the data)"
            else:
                what = "does not compile"
            raise self._fault(letter.policy.template, error, what) from None
        return pdf

    def check(self, template: str) -> None:
        """Print specimens. Raises Misconfigured, with Typst's own words, for a template with any fault."""
        for specimen in _specimens(template):
            try:
                _, warnings = self._compile(specimen)
            except TypstError as error:
                raise self._fault(template, error, error.message) from None
            for warning in warnings:
                raise self._fault(template, warning, warning.message)

    def _compile(self, letter: Letter) -> tuple[bytes, list[TypstWarning]]:
        path = self._readable(letter.policy.template)
        inputs = {"surat": json.dumps(_fields(letter)), "qr": _qr(letter.qr_text)}
        issued_at = datetime.combine(letter.issued_on, time(), WIB)
        with self._lock:
            pdf, warnings = self._compiler.compile_with_warnings(
                path, format="pdf", sys_inputs=inputs, pdf_standards=_PDF_STANDARD, timestamp=issued_at
            )
        return cast(bytes, pdf), warnings

    def _readable(self, template: str) -> Path:
        """Return the template's path, after a look at what Typst would download or cannot read."""
        for path in sorted({self._folder / template, *self._folder.glob("*.typ")}):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise Misconfigured(f"letter template {path}: cannot be read as UTF-8 text") from None
            if _PACKAGE.search(text):
                raise Misconfigured(f"letter template {path}: imports a package (letters use no downloads)")
        return self._folder / template

    def _fault(self, template: str, error: TypstError | TypstWarning, what: str) -> Misconfigured:
        """Name the template, and the file and line that Typst stumbled over."""
        # Warnings come before the error.
        place = _PLACE.search(error.diagnostic, max(0, error.diagnostic.find("error: ")))
        where = f"{place[1]}, line {place[2]}: " if place else ""
        return Misconfigured(f"letter template {self._folder / template}: {where}{what}")


def _fields(letter: Letter) -> dict[str, str | bool]:
    """Return what a template may print, under the names that its first lines list."""
    person, need, policy = letter.person, letter.need, letter.policy
    return {
        "nomor": letter.number,
        "tanggal": indonesian_date(letter.issued_on),
        "nomor_berkas": letter.case_number,
        "kode_verifikasi": letter.verification_code,
        "alamat_verifikasi": letter.verify_url,
        "dasar_hukum": letter.legal_basis,
        "batal": letter.is_void,
        "nama": _visible(person.name),
        "nik": person.nik,
        "nomor_kartu": person.card_number or "-",
        "tanggal_lahir": indonesian_date(person.birth_date),
        "kelurahan": letter.kelurahan,
        "kecamatan": letter.kecamatan,
        "kota": letter.city_name,
        "tanggal_nonaktif": indonesian_date(letter.deactivated_on),
        "faskes": _visible(need.facility),
        "nomor_surat_faskes": _visible(need.letter_number),
        "tanggal_surat_faskes": indonesian_date(need.letter_date),
        "pemerintah": policy.government,
        "dinas": policy.office,
        "alamat_kantor": policy.address,
        "tempat": policy.place,
        "kepada": policy.addressee,
        "nama_penanda_tangan": policy.signer_name,
        "jabatan_penanda_tangan": policy.signer_title,
        "nip_penanda_tangan": policy.signer_nip,
    }


def _visible(text: str) -> str:
    """Return the text as one line without invisible characters, such as those that turn the writing round."""
    return " ".join("".join(char for char in text if char.isspace() or category(char)[0] != "C").split())


def _qr(text: str) -> str:
    """Return a QR code as SVG."""
    out = BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", border=1, xmldecl=False)
    return out.getvalue().decode()


def _specimens(template: str) -> list[Letter]:
    """Return a full letter, and a void one that lacks whatever may be lacking."""
    policy = LetterPolicy(
        template=template,
        number="{sequence}/{year}",
        government="PEMERINTAH KOTA CONTOH",
        office="DINAS SOSIAL KOTA CONTOH",
        address="Jalan Contoh",
        place="Contoh",
        addressee="Contoh",
        signer_name="Contoh",
        signer_title="Kepala Dinas",
        signer_nip="000000000000000000",
        verify_at="https://contoh.example/{code}",
    )
    day = date(2026, 1, 31)
    person = Person("0" * 16, "0" * 16, "0" * 13, "Contoh", day, Sex.FEMALE, None, "00.00.00.0000")
    full = Letter(
        number=policy.number_of(1, day),
        issued_on=day,
        verification_code="CONTOH",
        case_number="PBI-0000-2026-000000",
        person=person,
        kelurahan="Contoh",
        kecamatan="Contoh",
        city_name="Kota Contoh",
        deactivated_on=day,
        need=Need(NeedKind.ROUTINE, "RS Contoh", "000", day),
        legal_basis="Contoh",
        policy=policy,
    )
    lacking = {"address": "", "addressee": "", "signer_nip": "", "verify_at": ""}
    return [
        full,
        replace(
            full,
            person=replace(person, card_number=None),
            policy=policy.model_copy(update=lacking),
            is_void=True,
        ),
    ]

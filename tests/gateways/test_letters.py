"""Letters: what is printed, what the QR code holds, and how a broken template or policy is refused."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
import typst
import zxingcpp
from PIL import Image
from pydantic import ValidationError
from pypdf import PdfReader
from pypdf.generic import StreamObject

from gateways.typst_letters import TypstLetters
from models.dossier import Need, Person
from models.errors import Misconfigured
from models.identity import Sex
from models.letter_policy import LetterPolicy
from models.letters import Letter, subject_digest
from models.policy import NeedKind
from models.wib import indonesian_date

FOLDER = Path(__file__).resolve().parents[2] / "policies" / "surat"
TEMPLATES = ["kota-bekasi.typ", "kota-tangerang-selatan.typ"]
LETTERS = TypstLetters(FOLDER)
LINK = "https://dinsos.example/surat/{code}"
MARKUP = 'Siti #1 *x* _y_ $z$ <lbl> @ref \\` O\'Brien // "q" #panic() -- [k]'


def a_policy(**changes: object) -> LetterPolicy:
    """Return the letter policy of an invented city."""
    values = {
        "template": TEMPLATES[0],
        "number": "400.9/{sequence:04d}/DINSOS/{year}",
        "government": "PEMERINTAH KOTA CONTOH",
        "office": "DINAS SOSIAL KOTA CONTOH",
        "address": "Jalan Contoh Nomor 1",
        "place": "Kota Contoh",
        "addressee": "Kepala Kantor Contoh",
        "signer_name": "Contoh Kepala",
        "signer_title": "Kepala Dinas Sosial",
        "signer_nip": "190001012000011001",
    }
    return LetterPolicy.model_validate(values | changes)


PERSON = Person(
    nik="3674065203859001",
    kk="3674061501199001",
    card_number="0009900000001",
    name="Contoh Melati",
    birth_date=date(1985, 3, 12),
    sex=Sex.FEMALE,
    phone="081200009001",
    kelurahan="36.74.06.1001",
)
NEED = Need(NeedKind.EMERGENCY, "RS Contoh Pamulang", "RS/9001/II/2026", date(2026, 2, 10))
LETTER = Letter(
    number="400.9/0007/DINSOS/2026",
    issued_on=date(2026, 2, 12),
    verification_code="7KQM-2XWD-94TB",
    case_number="PBI-3674-2026-000001",
    person=PERSON,
    kelurahan="Pamulang Barat",
    kecamatan="Pamulang",
    city_name="Kota Tangerang Selatan",
    deactivated_on=date(2026, 2, 1),
    need=NEED,
    legal_basis="Permensos 3/2026 Pasal 20",
    policy=a_policy(),
)


def text_of(pdf: bytes) -> str:
    """Return the words of the only page, with single spaces."""
    (page,) = PdfReader(BytesIO(pdf)).pages
    return " ".join(page.extract_text().split())


def picture(pdf: bytes, folder: Path) -> Image.Image:
    """Return the page as it is seen."""
    (folder / "letter.pdf").write_bytes(pdf)
    page = b'#set page(width: auto, height: auto, margin: 0pt)\n#image("/letter.pdf")'
    png = typst.Compiler(page, root=folder).compile(format="png", ppi=150)
    assert isinstance(png, bytes)
    return Image.open(BytesIO(png)).convert("L")


def scanned(page: Image.Image) -> str:
    """Return what a QR reader sees on a page."""
    found = zxingcpp.read_barcode(page)
    assert found is not None
    return found.text


def margins_are_white(page: Image.Image) -> bool:
    """Tell whether nothing reaches into the outer 1.5 cm at the left or the right."""
    margin = page.width * 15 // 210
    sides = (0, 0, margin, page.height), (page.width - margin, 0, page.width, page.height)
    return all(page.crop(side).getextrema() == (255, 255) for side in sides)


def editable(folder: Path) -> Path:
    """Return a copy of the templates."""
    return shutil.copytree(FOLDER, folder / "surat")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_field_is_printed(template: str) -> None:
    """Domain 1.4; what no letter needs (KK, phone, kind of need) stays away."""
    text = text_of(LETTERS.print(replace(LETTER, policy=a_policy(template=template))))
    for said in (
        *("PEMERINTAH KOTA CONTOH", "DINAS SOSIAL KOTA CONTOH", "Jalan Contoh Nomor 1"),
        *("SURAT KETERANGAN PENGAKTIFAN KEMBALI", "Nomor: 400.9/0007/DINSOS/2026"),
        *("Yth. Kepala Kantor Contoh", "berdasarkan Permensos 3/2026 Pasal 20"),
        *("Nama : Contoh Melati", "NIK : 3674065203859001", "Nomor kartu JKN : 0009900000001"),
        "Kelurahan Pamulang Barat, Kecamatan Pamulang, Kota Tangerang Selatan",
        *("Tanggal lahir : 12 Maret 1985", "Nonaktif sejak : 1 Februari 2026"),
        *("RS Contoh Pamulang", "Nomor surat : RS/9001/II/2026", "Tanggal surat : 10 Februari 2026"),
        "masih layak dan membutuhkan layanan kesehatan",
        *("Kota Contoh, 12 Februari 2026", "Kepala Dinas Sosial,", "Contoh Kepala"),
        *("NIP. 190001012000011001", "Kode verifikasi: 7KQM-2XWD-94TB", "PBI-3674-2026-000001"),
    ):
        assert said in text
    for kept in (PERSON.kk, str(PERSON.phone), "BATAL", "batal"):
        assert kept not in text


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_unknown_is_left_out(template: str) -> None:
    """No card, no address, no addressee, no NIP."""
    policy = a_policy(template=template, address="", addressee="", signer_nip="")
    text = text_of(LETTERS.print(replace(LETTER, policy=policy, person=replace(PERSON, card_number=None))))
    assert "Nomor kartu JKN : -" in text
    assert "Yth." not in text
    assert "NIP." not in text


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("filling", ["W", "Contoh Nama Panjang "])
def test_the_longest_values_fit_on_one_page(template: str, filling: str, tmp_path: Path) -> None:
    """200 characters for what comes from an application, 100 or 200 for what comes from a policy."""

    def long(length: int) -> str:
        return (filling * length)[: length - 1] + "Z"

    policy = a_policy(
        template=template,
        **{field: long(100) for field in ("government", "office", "place", "signer_name", "signer_title")},
        **{field: long(200) for field in ("address", "addressee")},
        signer_nip=long(30),
        verify_at=LINK + "?" + "x" * (199 - len(LINK)),
    )
    letter = replace(
        LETTER,
        number=long(100),
        person=replace(PERSON, name=long(200)),
        need=replace(NEED, facility=long(200), letter_number=long(200)),
        legal_basis=long(200),
        policy=policy,
    )
    pdf = LETTERS.print(letter)
    text = text_of(pdf)
    assert "Kode verifikasi: 7KQM-2XWD-94TB" in text
    # Each long value ends in Z; number, legal basis and the signer's title are there twice.
    assert text.count("Z") == 13 + 3
    page = picture(pdf, tmp_path)
    assert margins_are_white(page)
    assert scanned(page) == letter.qr_text


@pytest.mark.parametrize("value", [MARKUP, "Ñandú Ćevap Al-Ḥusayn d’Arc", "#surat.nik", "\\u{41} ~ ---"])
def test_a_value_is_printed_as_it_is(value: str) -> None:
    """Nothing in the data is taken for Typst markup."""
    letter = replace(LETTER, person=replace(PERSON, name=value), need=replace(NEED, facility=value))
    assert text_of(LETTERS.print(letter)).count(value) == 2


def test_invisible_characters_are_not_printed() -> None:
    """Line breaks, no-break and zero-width spaces, and marks that turn the writing round."""
    letter = replace(LETTER, person=replace(PERSON, name="Contoh\u00a0\n\u200bMel\u202eati\x00"))
    assert "Nama : Contoh Melati NIK" in text_of(LETTERS.print(letter))


def test_a_character_without_a_glyph_is_refused_rather_than_printed_as_a_box() -> None:
    """A letter with a wrong name helps nobody; the message does not quote the name."""
    with pytest.raises(Misconfigured) as refusal:
        LETTERS.print(replace(LETTER, person=replace(PERSON, name="Contoh 陳")))
    assert "a value holds a character that the letter's font lacks" in str(refusal.value)
    assert "陳" not in str(refusal.value)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_void_letter_says_so(template: str) -> None:
    """In words and across the page; all the rest stays readable."""
    text = text_of(LETTERS.print(replace(LETTER, is_void=True, policy=a_policy(template=template))))
    assert "SURAT INI TELAH DIBATALKAN DAN TIDAK BERLAKU" in text
    assert " BATAL" in text.replace("DIBATALKAN", "")
    assert "Nama : Contoh Melati" in text


@pytest.mark.parametrize(
    ("verify_at", "holds"),
    [
        ("", "Nomor: 400.9/0007/DINSOS/2026\nKode verifikasi: 7KQM-2XWD-94TB"),
        (LINK, "https://dinsos.example/surat/7KQM-2XWD-94TB"),
    ],
)
def test_the_qr_code_can_be_scanned(verify_at: str, holds: str, tmp_path: Path) -> None:
    """From the printed page, also through the watermark."""
    letter = replace(LETTER, policy=a_policy(verify_at=verify_at))
    assert scanned(picture(LETTERS.print(letter), tmp_path)) == letter.qr_text == holds
    assert scanned(picture(LETTERS.print(replace(letter, is_void=True)), tmp_path)) == holds


def test_a_code_cannot_leave_the_address() -> None:
    """Whatever a code looks like, it stays one part of the path."""
    letter = replace(LETTER, verification_code="a/../b?c", policy=a_policy(verify_at=LINK))
    assert letter.qr_text == "https://dinsos.example/surat/a%2F..%2Fb%3Fc"


def test_the_same_letter_is_the_same_bytes() -> None:
    """Whoever prints it, whenever, and from many threads at once."""
    letters = [replace(LETTER, number=f"400.9/{sequence}/2026") for sequence in range(4)]
    with ThreadPoolExecutor(8) as pool:
        printed = list(pool.map(LETTERS.print, letters * 4))
    assert printed == [TypstLetters(FOLDER).print(letter) for letter in letters] * 4
    assert len(set(printed)) == 4


def test_it_is_made_to_be_archived() -> None:
    """PDF/A-2a, a few dozen kilobytes, with the number but no person in its properties."""
    pdf = LETTERS.print(LETTER)
    reader = PdfReader(BytesIO(pdf))
    properties = cast(StreamObject, reader.root_object["/Metadata"]).get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in properties
    assert LETTER.number in properties
    assert "Melati" not in properties + str(reader.metadata)
    assert len(pdf) < 60_000


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_templates_that_ship_are_sound(template: str) -> None:
    """What a start of the product checks."""
    LETTERS.check(template)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "kota-bekasi.typ",
            "#surat.kota]",
            "#surat.kotta]",
            'line 51: dictionary does not contain key "kotta"',
        ),
        ("kota-bekasi.typ", "#tabel(", "#tabel[", "kota-bekasi.typ, line"),
        ("kota-bekasi.typ", "#import", "#impor", "kota-bekasi.typ, line"),
        ("dinsos.typ", "surat.dinas", "surat.kantor", "dinsos.typ, line"),
        ("dinsos.typ", "Libertinus Serif", "Arial", "unknown font family: arial"),
        ("dinsos.typ", "NIP. #surat", "NIP. #data", "unknown variable: data"),
        ("kota-bekasi.typ", '"dinsos.typ"', '"@preview/surat:1.0.0"', "imports a package"),
        ("kota-bekasi.typ", '"dinsos.typ"', '"../../pyproject.toml"', "kota-bekasi.typ, line"),
    ],
)
def test_a_broken_template_is_refused_at_the_start(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    """With the file, the line and the reason, as the clerk who edited it needs them."""
    folder = editable(tmp_path)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    with pytest.raises(Misconfigured) as refusal:
        TypstLetters(folder).check("kota-bekasi.typ")
    assert "kota-bekasi.typ" in str(refusal.value)
    assert says in str(refusal.value)


def test_a_template_that_breaks_later_tells_nothing_of_the_letter(tmp_path: Path) -> None:
    """Even when the template itself throws the data at us; a mended one works without a restart."""
    folder = editable(tmp_path)
    letters = TypstLetters(folder)
    before = letters.print(LETTER)
    template = folder / "kota-bekasi.typ"
    sound = template.read_text()
    template.write_text(sound + "\n#panic(surat)\n")
    with pytest.raises(Misconfigured) as refusal:
        letters.print(LETTER)
    line = len(sound.splitlines()) + 2
    assert str(refusal.value) == f"letter template {template}: kota-bekasi.typ, line {line}: does not compile"
    assert refusal.value.__cause__ is None
    template.write_text(sound)
    assert letters.print(LETTER) == before


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    """A file that is not there, a folder that is not there, a file that is not text."""
    with pytest.raises(Misconfigured, match=r"kota-bogor\.typ: cannot be read"):
        LETTERS.check("kota-bogor.typ")
    with pytest.raises(Misconfigured, match=r"no folder .*nowhere"):
        TypstLetters(tmp_path / "nowhere")
    folder = editable(tmp_path)
    (folder / "kota-bekasi.typ").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misconfigured, match=r"kota-bekasi\.typ: cannot be read"):
        TypstLetters(folder).print(LETTER)


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ("400.9/{sequence:04d}/DINSOS/{year}", "400.9/0007/DINSOS/2026"),
        ("{sequence}/{month_roman}/{year}", "7/II/2026"),
        ("460/{sequence:03d}-Dinsos.{month_roman}.{year}", "460/007-Dinsos.II.2026"),
        ("{{{sequence}}} {year}", "{7} 2026"),
    ],
)
def test_a_number_follows_the_citys_form(form: str, number: str) -> None:
    """Zeros in front, and the month in Roman digits where an office writes it."""
    assert a_policy(number=form).number_of(7, date(2026, 2, 12)) == number


@pytest.mark.parametrize(
    "form",
    [
        *("", "400.9/DINSOS", "{sequence}", "{year}", "{{sequence}}/{{year}}"),
        *("{sequence}/{year}/{month}", "{}/{year}", "{0}/{year}", "{sequence}/{year}/{"),
        *("{sequence.real}/{year}", "{sequence}/{year.__class__}", "{sequence[0]}/{year}"),
        *("{sequence!r}/{year}", "{sequence:{year}}/{year}", "{sequence:q}/{year}", "{sequence}/{year:s}"),
        *("{sequence:c}/{year}", "{sequence:x}/{year}", "{sequence:,}/{year}", "{sequence}/{year:x}"),
        *("{sequence}/{year}\n", "{sequence:0200d}/{year}", "{sequence:099999999999999999999d}/{year}"),
    ],
)
def test_a_form_that_cannot_number_letters_is_refused(form: str) -> None:
    """The message shows a form that works."""
    with pytest.raises(ValidationError, match=r"must hold \{sequence\} and \{year\}.*400\.9/"):
        a_policy(number=form)


@pytest.mark.parametrize(
    "address",
    [
        "dinsos.example/{code}",
        "https://dinsos.example/",
        "https://x/{code}/{nik}",
        "ftp://x/{code}",
        LINK + "{",
    ],
)
def test_an_address_without_a_place_for_the_code_is_refused(address: str) -> None:
    """It would send everybody to the same page, or nowhere."""
    with pytest.raises(ValidationError, match=r"with \{code\}"):
        a_policy(verify_at=address)


@pytest.mark.parametrize("template", ["../x.typ", "x", "Kota.typ", "a/b.typ", ".typ", "x.typ\n"])
def test_a_template_is_a_plain_file_name(template: str) -> None:
    """It cannot lead out of the folder."""
    with pytest.raises(ValidationError, match="template"):
        a_policy(template=template)


def test_the_digest_tells_whether_a_letter_still_says_what_the_ledger_says() -> None:
    """It changes with everything personal that is printed, and with nothing else."""
    same = [
        replace(LETTER, number="1", verification_code="x", issued_on=date(2026, 3, 1), is_void=True),
        replace(LETTER, person=replace(PERSON, phone=None, kk="3674061501199002", sex=Sex.MALE)),
        replace(LETTER, need=replace(NEED, kind=NeedKind.ROUTINE), policy=a_policy(place="Lain")),
    ]
    other = [
        replace(LETTER, person=replace(PERSON, nik="3674065203859002")),
        replace(LETTER, person=replace(PERSON, card_number=None)),
        replace(LETTER, person=replace(PERSON, name="Contoh Mawar")),
        replace(LETTER, person=replace(PERSON, birth_date=date(1985, 3, 13))),
        replace(LETTER, person=replace(PERSON, kelurahan="36.74.06.1002")),
        replace(LETTER, need=replace(NEED, facility="RS Lain")),
        replace(LETTER, need=replace(NEED, letter_number="2")),
        replace(LETTER, need=replace(NEED, letter_date=date(2026, 2, 11))),
        replace(LETTER, deactivated_on=date(2026, 2, 2)),
    ]
    assert {letter.subject_digest for letter in same} == {LETTER.subject_digest}
    assert len({LETTER.subject_digest, *(letter.subject_digest for letter in other)}) == len(other) + 1
    # Stored beside letters for years: it must not change with the code.
    assert subject_digest(PERSON, NEED, date(2026, 2, 1)) == (
        "c21e70bc9906844768766fcc5f6968dfdbff181bf743c779ebe89bec8959945f"
    )


def test_nothing_personal_is_in_a_letters_repr() -> None:
    """Tracebacks show it."""
    assert repr(LETTER) == "<Letter>"


def test_dates_are_written_in_indonesian() -> None:
    """Twelve months."""
    assert indonesian_date(date(2026, 2, 12)) == "12 Februari 2026"
    months = [indonesian_date(date(2026, month, 1)).split()[1] for month in range(1, 13)]
    assert months == [
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ]

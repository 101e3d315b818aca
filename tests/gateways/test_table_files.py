"""Lists as files: what spreadsheets write is read whole, what is broken is refused in plain words."""

import csv
import io
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from gateways.table_files import TableFiles
from models.errors import BadInput
from tests.gateways.workbooks import a_book, a_sheet, a_zip, texts

HEADER = ("nik", "nama", "catatan")
ROWS = [("3674065203859001", "Nur'aini", "a"), ("3674065203859002", 'Ma’ruf, "Neng"', ""), ("3", "é; x", "z")]
Told = list[tuple[int, tuple[str, ...]]]


def read(path: Path) -> tuple[tuple[str, ...], Told]:
    """Return header and rows. Raises BadInput."""
    with TableFiles().open(path) as table:
        first = [(row.number, row.cells) for row in table.rows()]
        assert [(row.number, row.cells) for row in table.rows()] == first, "a second look shows the same"
        return table.header, first


def put(folder: Path, content: bytes, name: str = "list.csv") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content)
    return path


def as_csv(mark: str = ";", end: str = "\r\n") -> str:
    """Return the example as CSV."""
    file = io.StringIO()
    csv.writer(file, delimiter=mark, lineterminator=end).writerows([HEADER, *ROWS])
    return file.getvalue()


def refusal(path: Path) -> str:
    """Return why a file is refused."""
    with pytest.raises(BadInput) as refused:
        read(path)
    return str(refused.value)


WHOLE = (HEADER, [(2, ROWS[0]), (3, ROWS[1]), (4, ROWS[2])])


@pytest.mark.parametrize("mark", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_is_read_whatever_program_wrote_it(tmp_path: Path, mark: str, end: str, encoding: str) -> None:
    """Delimiter, line ends, encoding and mark of it."""
    assert read(put(tmp_path, as_csv(mark, end).encode(encoding))) == WHOLE


def test_csv_that_names_its_delimiter_is_read_by_that(tmp_path: Path) -> None:
    """Excel's first line `sep=`; it shows that as no row."""
    assert read(put(tmp_path, ("sep=;\r\n" + as_csv(";")).encode())) == WHOLE
    assert read(put(tmp_path, ("sep=|\n" + as_csv("|")).encode())) == WHOLE


def test_rows_have_the_numbers_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    """Rows that hold nothing count and are left out; a cell may have a line break in it."""
    content = '\n;;\na;b;c\n;;;;\n1;"x\ny";\n\n2; ;"3"\n'
    assert read(put(tmp_path, content.encode())) == (
        ("a", "b", "c"),
        [(5, ("1", "x\ny", "")), (7, ("2", " ", "3"))],
    )


def test_rows_are_as_wide_as_the_header(tmp_path: Path) -> None:
    """Empty cells at the end may be left out or be too many; a cell too much is shown, and not cut off."""
    content = "a;b;c\n1\n1;2;3;;;\n1;2;3;4\n"
    assert read(put(tmp_path, content.encode()))[1] == [
        (2, ("1", "", "")),
        (3, ("1", "2", "3")),
        (4, ("1", "2", "3", "4")),
    ]


def test_a_row_that_is_cut_off_is_not_filled_up(tmp_path: Path) -> None:
    """An interrupted copy ends in the middle of a row; without line break at the end that is told."""
    assert read(put(tmp_path, b"a;b;c\n1;2;3\n4;5"))[1] == [(2, ("1", "2", "3")), (3, ("4", "5"))]
    assert read(put(tmp_path, b"a;b;c\n1;2;3\n4;5;6"))[1][1] == (3, ("4", "5", "6"))


@pytest.mark.parametrize(
    "content",
    [
        'a;b;c\n1;"2;3\n4;5;6\n',
        'a;b;c\n1;"2"x;3\n',
        'a;b;c\n1;2;"3\n4;5;6"\n7;8;9\n',
        'a;b;c\n1;"2\n4;5";6;7\n',
        'a;b;c\n1;"x\n4;5;6\n7;8;9\ny";3\n',
        'a;b;c\n1;"' + "\n" * 60 + '";3\n',
        'a;b;c\n1;"' + "x\n" * 70_000 + '";3\n',
    ],
)
def test_a_quotation_mark_too_few_swallows_no_rows(tmp_path: Path, content: str) -> None:
    """Where one row ends and the next begins is not sure from there on, so the file is refused."""
    assert "cannot be read from row 2 on: a quotation mark" in refusal(put(tmp_path, content.encode()))


def test_what_excel_writes_is_what_is_read(tmp_path: Path) -> None:
    """Texts, dates, numbers, a formula's result: openpyxl writes them, and is no relative of our reader."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["teks", "tanggal", "waktu", "angka", "pecahan", "benar", "kosong", "salah"])
    sheet.append(
        [
            " Nur'aini & <é> ",
            date(1985, 3, 12),
            datetime(2026, 2, 1, 8, 30),  # noqa: DTZ001 - a spreadsheet's time has no zone
            812,
            1.5,
            True,
            None,
            "#N/A",
        ]
    )
    sheet["A5"], sheet["C5"] = "jauh", "x"
    book.create_sheet("kosong")
    book.save(tmp_path / "a.xlsx")
    header, told = read(tmp_path / "a.xlsx")
    assert header == ("teks", "tanggal", "waktu", "angka", "pecahan", "benar", "kosong", "salah")
    expected = (
        " Nur'aini & <é> ",
        "1985-03-12",
        "2026-02-01 08:30:00",
        "812",
        "1.5",
        "TRUE",
        "",
        "#N/A",
    )
    assert told == [(2, expected), (5, ("jauh", "", "x", "", "", "", "", ""))]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3674065203859001", "3674065203859001"),
        ("3674065203859000", "3.67407E+15"),
        ("3.67406520385900E+15", "3.67407E+15"),
        ("1234567890", "1234567890"),
        ("81234567890.0", "81234567890"),
        ("1E2", "100"),
        ("1E400000000", "1E400000000"),
        ("-12", "-12"),
    ],
)
def test_a_number_that_may_have_lost_digits_is_given_as_excel_shows_it(
    tmp_path: Path, value: str, text: str
) -> None:
    """Sixteen digits that end in 0 are more than Excel keeps; others are exact."""
    sheet = a_sheet(f"<row><c><v>1</v></c></row><row><c><v>{value}</v></c></row>")
    assert read(put(tmp_path, a_book(sheet)))[1] == [(2, (text,))]


@pytest.mark.parametrize(
    ("form", "is_1904", "days", "text"),
    [
        ("dd/mm/yyyy", False, "31118", "1985-03-12"),
        ('[$-421]dd mmmm yyyy;@"x"', False, "31118", "1985-03-12"),
        ("dd-mm-yyyy", True, "29656", "1985-03-12"),
        ("dd-mm-yyyy", False, "1", "1900-01-01"),
        ("dd-mm-yyyy", False, "61", "1900-03-01"),
        ("dd-mm-yyyy", False, "99999999999", "99999999999"),
        ('0" day"', False, "31118", "31118"),
        ("General", False, "31118", "31118"),
    ],
)
def test_a_number_is_a_date_if_its_style_says_so(
    tmp_path: Path, form: str, days: str, text: str, *, is_1904: bool
) -> None:
    """Whatever order day and month are shown in, and from whichever year days are counted."""
    quoted = form.replace('"', "&quot;")
    styles = (
        f'<styleSheet><numFmts><numFmt numFmtId="164" formatCode="{quoted}"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    sheet = a_sheet(f'<row><c><v>1</v></c></row><row><c s="1"><v>{days}</v></c></row>')
    book = a_book(sheet, parts={"xl/styles.xml": styles})
    if is_1904:
        with zipfile.ZipFile(io.BytesIO(book)) as archive:
            told = archive.read("xl/workbook.xml").decode()
        told = told.replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
        book = a_book(sheet, parts={"xl/styles.xml": styles, "xl/workbook.xml": told})
    assert read(put(tmp_path, book))[1] == [(2, (text,))]


def test_texts_that_cells_share_are_found(tmp_path: Path) -> None:
    """Formatted in parts, with a reading guide that is no part of the text, and escaped."""
    shared = (
        "<sst><si><t>a</t></si><si><r><t>Nur</t></r><r><t>'aini</t></r><rPh><t>guide</t></rPh></si>"
        "<si><t>x_x000D_\ny</t></si></sst>"
    )
    sheet = a_sheet(
        '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
        '<row><c t="s"><v>2</v></c><c t="s"><v>1</v></c></row>'
    )
    book = a_book(sheet, parts={"xl/sharedStrings.xml": shared})
    assert read(put(tmp_path, book)) == (("a", "Nur'aini"), [(2, ("x\r\ny", "Nur'aini"))])


def test_the_one_sheet_that_holds_rows_is_read(tmp_path: Path) -> None:
    """Empty and hidden sheets do not count; two with rows would leave one out, so they are refused."""
    full, empty = a_sheet(texts(("a",), ("1",))), a_sheet("<row/>")
    assert read(put(tmp_path, a_book([empty, full, empty])))[1] == [(2, ("1",))]
    assert read(put(tmp_path, a_book([full, full], states=["visible", "hidden"])))[1] == [(2, ("1",))]
    assert "has 2 sheets with rows" in refusal(put(tmp_path, a_book([full, full])))


def bomb(inside: str, many: int) -> str:
    """Return rows with something in them that is large when it is unpacked."""
    return a_sheet(f"{texts(('a',))}<row>{inside * many}</row>")


BROKEN = {
    "empty": b"",
    "only a mark of UTF-8": b"\xef\xbb\xbf",
    "only blank rows": b"\n;;\n\n",
    "one huge line": b"a;b;" + b"x" * 300_000,
    "NUL bytes": b"a;b\n1;\x00\n",
    "an old Excel file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "a web page": b"\n <html><table><tr><td>nik</td></tr></table></html>",
    "a PDF": b"%PDF-1.4\n",
    "a picture": b"\x89PNG\r\n\x1a\n",
    "no encoding": b"a;b\n1;\x81\x8d\xff\n",
    "half a UTF-16 file": "a;b\n".encode("utf-16") + b"\x00",
    "a zip of something else": a_zip({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
    "an empty zip": a_zip({}),
    "a zip cut off": a_book(a_sheet(texts(("a",), ("1",))))[:-30],
    "a workbook without sheets": a_book([]),
    "a sheet that is not there": a_book("", parts={"xl/_rels/workbook.xml.rels": "<Relationships/>"}),
    "XML cut off": a_book("<worksheet><sheetData><row>"),
    "no XML": a_book("nik;nama"),
    "an entity bomb": a_book(
        a_sheet(texts(("&b;",)), '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>')
    ),
    "a file from outside": a_book(
        a_sheet(texts(("&b;",)), '<!DOCTYPE x [<!ENTITY b SYSTEM "/etc/passwd">]>')
    ),
    "a row far too long": a_book(bomb('<c t="str"><v>' + "x" * 1000 + "</v></c>", 2000)),
    "a cell far too long": a_book(bomb('<c t="str"><v>' + "x" * 20_000_000 + "</v></c>", 1)),
    "a tag far too long": a_book(bomb('<c x="' + "x" * 20_000_000 + '"/>', 1)),
    "too many columns": a_book(bomb("<c><v>1</v></c>", 100_000)),
    "a column that is none": a_book(a_sheet('<row><c r="XFE1"><v>1</v></c></row>')),
    "a cell that is none": a_book(a_sheet('<row><c r="1A"><v>1</v></c></row>')),
    "cells out of order": a_book(a_sheet('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>')),
    "a row number of two thousand million": a_book(a_sheet('<row r="2000000000"><c><v>1</v></c></row>')),
    "a row number below the one before": a_book(a_sheet('<row r="2"/><row r="2"/>')),
    "a row number that is none": a_book(a_sheet('<row r="x"><c><v>1</v></c></row>')),
    "a text that is not there": a_book(a_sheet('<row><c t="s"><v>7</v></c></row>')),
    "a number that is none": a_book(a_sheet("<row><c><v>x</v></c></row>")),
    "packed in another way": a_book(a_sheet(texts(("a",), ("1",))), method=zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_plain_words(tmp_path: Path, name: str) -> None:
    """Never a traceback, never a part of it, never much memory."""
    path = put(tmp_path, BROKEN[name], "list.xlsx")
    tracemalloc.start()
    try:
        assert refusal(path).startswith("file: ")
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a device, a name with a NUL, nothing at all."""
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "absent.csv", Path("a\0b")):
        assert refusal(path).startswith("file: ")


def test_a_file_over_the_limit_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds have a limit of their own."""
    monkeypatch.setattr("gateways.table_files.MOST_CSV_BYTES", 2000)
    monkeypatch.setattr("gateways.table_files.MOST_XLSX_BYTES", 1500)
    assert "is over" in refusal(put(tmp_path, b"a;b\n" * 501))
    assert "is over" in refusal(put(tmp_path, b"PK\x03\x04" * 400))
    assert len(read(put(tmp_path, b"a;b\n" * 500))[1]) == 499


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400) | st.text(alphabet="a;,\"\n\r\t'=é\x00", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """No other error, and every row is as wide as the header, wider, or the last one."""
    path = put(tmp_path, content)
    try:
        header, told = read(path)
    except BadInput:
        return
    assert header
    assert all(len(cells) >= len(header) for _, cells in told[:-1])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(as_csv())), encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]))
def test_a_csv_file_that_is_cut_off_gives_no_half_row(tmp_path: Path, cut: int, encoding: str) -> None:
    """Each row is whole but the last, which shows where it ends."""
    content = as_csv().encode(encoding)
    try:
        header, told = read(put(tmp_path, content[:cut]))
    except BadInput:
        return
    if header != HEADER:
        return
    whole = [row for _, row in told[:-1]]
    assert whole == ROWS[: len(whole)]
    if told:
        assert as_csv().split("\r\n")[len(told)].replace('"', "").startswith(told[-1][1][0])


GOOD_BOOK = a_book(a_sheet(texts(HEADER, *ROWS[:1], ("é", "b", "c"))), method=zipfile.ZIP_STORED)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, len(GOOD_BOOK) - 1), how=st.sampled_from(["cut", "flip", "drop"]), bit=st.integers(0, 7)
)
def test_a_damaged_xlsx_file_is_read_whole_or_refused(tmp_path: Path, at: int, how: str, bit: int) -> None:
    """The sum over each part tells; what is damaged outside of the parts changes no row."""
    damaged = {
        "cut": GOOD_BOOK[:at],
        "flip": GOOD_BOOK[:at] + bytes([GOOD_BOOK[at] ^ 1 << bit]) + GOOD_BOOK[at + 1 :],
        "drop": GOOD_BOOK[:at] + GOOD_BOOK[at + 1 :],
    }[how]
    try:
        header, told = read(put(tmp_path, damaged, "list.xlsx"))
    except BadInput:
        return
    if not damaged.startswith(b"PK\x03\x04"):
        return
    assert (header, told) == (HEADER, [(2, ROWS[0]), (3, ("é", "b", "c"))])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.text(alphabet='<>/="rctsvXAB1x&; \n', max_size=60), min_size=1, max_size=5),
    cells=st.sampled_from(["str", "s", "n", "b", "e", "d", "inlineStr", "x"]),
)
def test_any_xml_in_a_sheet_is_read_or_refused(tmp_path: Path, rows: list[str], cells: str) -> None:
    """Well formed or not."""
    inside = "".join(f'<row><c t="{cells}"><v>{row}</v></c></row>' for row in rows)
    for sheet in (a_sheet(inside), a_sheet("".join(rows))):
        with suppress(BadInput):
            read(put(tmp_path, a_book(sheet), "list.xlsx"))

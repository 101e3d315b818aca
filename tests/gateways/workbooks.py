"""XLSX files for tests: whole ones, and such as no spreadsheet would write."""

import io
import zipfile
from collections.abc import Mapping, Sequence

NAMES = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def a_sheet(rows: str, before: str = "") -> str:
    """Return a sheet with these rows, written as XML."""
    return f"{before}<worksheet {NAMES}><sheetData>{rows}</sheetData></worksheet>"


def texts(*rows: Sequence[str]) -> str:
    """Return rows of texts as XML."""
    return "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )


def a_book(
    sheet: str | Sequence[str] = "",
    *,
    parts: Mapping[str, str] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
    states: Sequence[str] = (),
) -> bytes:
    """Return a workbook with these sheets; `parts` replace or add parts."""
    sheets = [sheet] if isinstance(sheet, str) else list(sheet)
    named = "".join(
        f'<sheet name="s{at}" sheetId="{at}" r:id="r{at}"'
        f"{f' state={states[at]!r}'.replace(chr(39), chr(34)) if at < len(states) else ''}/>"
        for at in range(len(sheets))
    )
    targets = "".join(
        f'<Relationship Id="r{at}" Target="worksheets/sheet{at}.xml"/>' for at in range(len(sheets))
    )
    told = {
        "xl/workbook.xml": f'<workbook {NAMES} xmlns:r="{RELATIONS}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships>{targets}</Relationships>",
        **{f"xl/worksheets/sheet{at}.xml": one for at, one in enumerate(sheets)},
    }
    return a_zip({**told, **(parts or {})}, method)


def a_zip(parts: Mapping[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP file with these parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()

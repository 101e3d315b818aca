"""Makes the papers of the examples: small, valid, marked CONTOH. `python -m examples.make_papers`."""

import struct
import zlib
from pathlib import Path

FOLDER = Path(__file__).parent / "documents"
SCALE = 8
"""Pixels along the side of one dot of a letter; a JPEG block has as many."""

_FONT = {
    " ": "00000 00000 00000 00000 00000 00000 00000",
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "C": "01110 10001 10000 10000 10000 10001 01110",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "J": "00111 00010 00010 00010 00010 10010 01100",
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "N": "10001 11001 10101 10011 10001 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "U": "10001 10001 10001 10001 10001 10001 01110",
}
_LETTER_ROWS = 7


def main() -> None:
    """Write every paper over what is there."""
    FOLDER.mkdir(exist_ok=True)
    papers = {
        "facility-letter.pdf": pdf("Surat keterangan layak membutuhkan layanan kesehatan", "RS Contoh"),
        "referral.pdf": pdf("Surat rujukan", "Puskesmas Contoh"),
        "medical-record.pdf": pdf("Ringkasan rekam medis", "RS Contoh"),
        "sktm.pdf": pdf("Surat keterangan tidak mampu", "Kelurahan Contoh"),
        "power-of-attorney.pdf": pdf("Surat kuasa", "Keluarga Contoh"),
        "ktp.jpg": jpeg(picture("KTP", "CONTOH")),
        "jkn-card.jpg": jpeg(picture("KARTU JKN", "CONTOH")),
        "kk.png": png(picture("KK", "CONTOH")),
        "birth-letter.png": png(picture("SURAT LAHIR", "CONTOH")),
        "kia-book.png": png(picture("BUKU KIA", "CONTOH")),
        "not-a-scan.txt": b"CONTOH: a text file, which is no scan of a paper. An example of a fault.\n",
    }
    for name, content in papers.items():
        (FOLDER / name).write_bytes(content)


def picture(*lines: str) -> list[list[bool]]:
    """Return rows of dots, True for ink, with the lines of text written large."""
    width = 6 * max(map(len, lines)) + 3
    rows = [[False] * width, [False] * width]
    for line in lines:
        letters = [_FONT[letter].split() for letter in line]
        for row in range(_LETTER_ROWS):
            dots = "00" + "".join(letter[row] + "0" for letter in letters)
            rows.append([dot == "1" for dot in dots.ljust(width, "0")])
        rows += [[False] * width, [False] * width]
    return rows


def pdf(title: str, issuer: str) -> bytes:
    """Return a PDF of one page."""
    texts = [
        (28, 740, "CONTOH"),
        (14, 690, title),
        (11, 660, f"{issuer} - surat tiruan, tanpa data orang"),
        (11, 640, "Dibuat oleh examples/make_papers.py"),
    ]
    drawn = "\n".join(f"BT /F1 {size} Tf 72 {y} Td ({text}) Tj ET" for size, y, text in texts).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer


def png(rows: list[list[bool]]) -> bytes:
    """Return a PNG in shades of grey."""
    grey = [b"\x00" + b"".join((b"\x20" if dot else b"\xff") * SCALE for dot in row) for row in rows]
    raw = b"".join(line * SCALE for line in grey)
    header = struct.pack(">IIBBBBB", len(rows[0]) * SCALE, len(rows) * SCALE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def jpeg(rows: list[list[bool]]) -> bytes:
    """Return a baseline JPEG in shades of grey: one dot is one block, so that only its mean is coded."""
    height, width = len(rows) * SCALE, len(rows[0]) * SCALE
    # Twelve DC codes of four bits, which equal the size they stand for; one AC code, `0`, ends a block.
    dc_table = b"\x00" + bytes((0, 0, 0, 12)) + bytes(12) + bytes(range(12))
    ac_table = b"\x10" + bytes((1,)) + bytes(15) + b"\x00"
    segments = (
        (0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
        (0xDB, b"\x00" + bytes((8,)) * 64),
        (0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
        (0xC4, dc_table),
        (0xC4, ac_table),
        (0xDA, b"\x01\x01\x00\x00\x3f\x00"),
    )
    head = b"".join(struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data for kind, data in segments)
    levels = [-96 if dot else 127 for row in rows for dot in row]
    bits = "".join(_coded(now - before) for before, now in zip([0, *levels], levels, strict=False))
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


def _coded(difference: int) -> str:
    """Return the bits of one block: the step in brightness from the block before, and its end."""
    size = abs(difference).bit_length()
    value = difference if difference > 0 else difference + (1 << size) - 1
    return f"{size:04b}" + (f"{value:0{size}b}" if size else "") + "0"


if __name__ == "__main__":
    main()

"""A report as one HTML page for a phone, a desk and a printer. It loads nothing and needs no network."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from cli import report_charts as charts
from cli.report_words import GROUPING, NOTHING, half_of, most_of, name_of, number, pace_of, share
from models.case import Step
from models.report import DayFigures, Figures, Grouping, Pace, Report
from models.texts import OUTCOME, OWNER, STEP
from models.turns import Owner
from models.wib import indonesian_date, short_date, wib_text

_POLICY: Final = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""Forbids the page to load anything, whatever is in it."""
_CLASSES: Final = (
    (0.95, "best", "95 % ke atas"),
    (0.85, "good", "85 sampai 95 %"),
    (0.70, "fair", "70 sampai 85 %"),
    (0.0, "poor", "di bawah 70 %"),
)
_FIRM_SPACE: Final = "\N{NO-BREAK SPACE}"
_NONE: Final = ("none", "belum ada yang selesai")
_STYLE: Final = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


def report_page(report: Report, city: str, by: Grouping | None) -> str:
    """Return the page. The report must have been asked by kecamatan, and by `by`."""
    period = report.ask.period
    days = f"{indonesian_date(period.first)} sampai {indonesian_date(period.last)}"
    title = f"Laporan reaktivasi PBI JK, {city}"
    body = "\n".join(_body(report, by))
    return f"""<!DOCTYPE html>
<html lang="id">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(f"{title}, {days}")}</title>
<style>{_STYLE}</style>
<noscript><style>.chart {{ display: none; }}</style></noscript>
{charts.library()}
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p>{days}</p>
<p class="note">Keadaan per {wib_text(report.ask.until)}.{_area(report)}</p>
</header>
<main>
{body}
</main>
<footer>
<h2>Arti angka</h2>
<p>Tepat waktu dan terlambat: menurut batas waktu setiap kasus, dihitung dari berkas lengkap, di antara kasus
yang selesai dalam periode ini. Lewat batas: masih terbuka dan batas waktunya sudah lewat.</p>
<p>Waktu langkah: dari langkah dibuka sampai dijawab, untuk jawaban dalam periode ini. Langkah, giliran dan
batas waktu sebuah kasus adalah yang terakhir diketahui.</p>
<p>Laporan ini berisi jumlah saja dan tidak memuat data pribadi.</p>
</footer>
</body>
</html>
"""


def _body(report: Report, by: Grouping | None) -> Iterator[str]:
    total, days = report.total, report.days
    yield _facts(total)
    yield "<h2>Kasus terbuka per hari</h2>"
    yield _scale(days)
    yield charts.backlog(days)
    yield _table(
        "Per hari: diterima, selesai, masih terbuka",
        ("Hari", "Diterima", "Selesai", "Masih terbuka"),
        _flow(days),
    )
    yield "<h2>Ketepatan waktu per hari</h2>"
    yield _scale(days)
    yield charts.in_time(days)
    yield _table(
        "Per hari: tepat waktu dan terlambat",
        ("Hari", "Tepat waktu", "Terlambat", "Bagian tepat waktu"),
        _in_time(days),
    )
    yield "<h2>Waktu per langkah</h2>"
    yield charts.steps(total)
    yield _table(
        "Waktu per langkah",
        ("Langkah", "Dijawab", "Separuh dalam (median)", "9 dari 10 dalam"),
        _steps(total),
    )
    yield "<h2>Kecamatan</h2>"
    yield from _tiles(report.groups[Grouping.KECAMATAN])
    for grouping in dict.fromkeys((Grouping.KECAMATAN, by or Grouping.KECAMATAN)):
        if grouping is not Grouping.KECAMATAN:
            yield f"<h2>{GROUPING[grouping]}</h2>"
        yield _groups(report, grouping)
    yield "<h2>Waktu siapa yang berjalan</h2>"
    yield (
        '<p class="note">Seluruh waktu kasus yang selesai, menurut giliran siapa. Yang menjeda batas waktu '
        "adalah batas atas menurut kebijakan sekarang: jeda yang dibatasi bisa lebih pendek.</p>"
    )
    yield _table("Menit menurut pihak", ("Pihak", "Menit", "Menjeda, paling banyak"), _minutes(total))
    yield "<h2>Hasil</h2>"
    outcomes = [(OUTCOME[one].capitalize(), number(count)) for one, count in total.ended.items()]
    yield _table("Kasus yang selesai menurut hasil", ("Hasil", "Kasus"), outcomes)


def _area(report: Report) -> str:
    """Say which part of the city it is when it is not all of it."""
    return f" Hanya {escape(', '.join(report.ask.kecamatan) or '-')}." if report.ask.is_part else ""


def _scale(days: Sequence[DayFigures]) -> str:
    """Say it when a bar is more than a day."""
    width = charts.days_in_a_bar(days)
    return f'<p class="note">Grafik per {width} hari, tabel per hari.</p>' if width > 1 else ""


def _facts(total: Figures) -> str:
    facts = (
        ("Diterima", number(total.received)),
        ("Aktif kembali", number(total.reactivated)),
        ("Tepat waktu", share(total.share)),
        ("Terlambat", number(total.late)),
        ("Masih terbuka", number(total.open)),
        ("Lewat batas", number(total.overdue)),
    )
    items = "".join(f"<li>{label} <b>{value}</b></li>" for label, value in facts)
    return f'<ul class="facts">{items}</ul>'


def _flow(days: Sequence[DayFigures]) -> Iterator[Sequence[str]]:
    for day in days:
        yield (_unbroken(short_date(day.day)), *map(number, (day.received, day.closed, day.open)))


def _in_time(days: Sequence[DayFigures]) -> Iterator[Sequence[str]]:
    for day in days:
        yield (_unbroken(short_date(day.day)), number(day.on_time), number(day.late), share(day.share))


def _unbroken(words: str) -> str:
    return words.replace(" ", _FIRM_SPACE)


def _with_its_unit(words: str) -> str:
    """Keep each number and its unit on one line."""
    return re.sub(r"(?<=\d) ", _FIRM_SPACE, words)


def _steps(total: Figures) -> Iterator[Sequence[str]]:
    for step in Step:
        pace = total.steps.get(step)
        yield STEP[step], number(pace.count if pace else 0), half_of(pace), most_of(pace)


def _minutes(total: Figures) -> Iterator[Sequence[str]]:
    for owner in Owner:
        paused = total.paused.get(owner)
        minutes = number(total.minutes.get(owner, 0))
        yield OWNER[owner], minutes, NOTHING if paused is None else number(paused)


def _tiles(groups: Mapping[str, Figures]) -> Iterator[str]:
    """Yield a tile for each kecamatan. Where they lie is not known: they stand by name."""
    yield (
        '<p class="note">Satu kotak satu kecamatan, urut abjad; letak kotak bukan peta. Warna: bagian yang '
        "tepat waktu.</p>"
    )
    keys = (*((name, words) for _, name, words in _CLASSES), _NONE)
    legend = "".join(f'<li><i class="{name}"></i> {words}</li>' for name, words in keys)
    yield f'<ul class="legend">{legend}</ul>'
    tiles = "".join(
        f'<li class="{_class_of(figures)}"><h3>{escape(name)}</h3><b>{number(figures.open)}</b> terbuka'
        f"<br>{_said(figures)}</li>"
        for name, figures in groups.items()
    )
    yield f'<ul class="tiles">{tiles}</ul>'


def _class_of(figures: Figures) -> str:
    value = figures.share
    if value is None:
        return _NONE[0]
    return next(name for least, name, _ in _CLASSES if value >= least)


def _said(figures: Figures) -> str:
    return _NONE[1] if figures.share is None else f"{share(figures.share)} tepat waktu"


def _groups(report: Report, by: Grouping) -> str:
    """Return a line for each group, and the total."""
    head = (
        *(GROUPING[by], "Diterima", "Aktif kembali", "Selesai", "Tepat waktu", "Terlambat", "Bagian tepat"),
        *("Terbuka", "Lewat batas", "Separuh dalam", "9 dari 10 dalam"),
    )
    groups = report.groups[by].items()
    rows = [(name_of(by, name), *_cells(figures, pace_of(by, name, figures))) for name, figures in groups]
    total = ("Jumlah", *_cells(report.total, report.total.whole))
    return _table(f"Per {GROUPING[by].lower()}", head, rows, total)


def _cells(figures: Figures, pace: Pace | None) -> Iterator[str]:
    yield from map(number, (figures.received, figures.reactivated, figures.closed))
    yield from (number(figures.on_time), number(figures.late), share(figures.share))
    yield from (number(figures.open), number(figures.overdue), half_of(pace), most_of(pace))


def _table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str] = ()
) -> str:
    """Return a table that scrolls by itself when it is too big, also by keyboard."""
    columns = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = [_line(row) for row in rows] + ([_line(total, ' class="total"')] if total else [])
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _line(row: Sequence[str], style: str = "") -> str:
    first, *others = row
    cells = "".join(f"<td>{escape(_with_its_unit(cell))}</td>" for cell in others)
    return f'<tr{style}><th scope="row">{escape(first)}</th>{cells}</tr>'

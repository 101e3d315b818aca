"""The charts of a report, made with Plotly. Every chart says the same as the table under it.

Colours are those of Okabe and Ito, which people who see colours differently can tell apart; what is bad also
has a pattern, so that a print in grey is enough.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from html import escape
from typing import Final

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from cli.report_words import half_of, most_of
from models.case import Step
from models.report import DayFigures, Figures
from models.texts import STEP
from models.wib import short_date

BLUE, SKY, ORANGE, BLACK, GREY = "#0072B2", "#56B4E9", "#E69F00", "#1a1a1a", "#dddddd"
_TICKS, _TICKS_WITH_YEAR = 5, 4
_MOST_BARS: Final = 92
"""A day each up to a quarter; more would be hairs on a phone, and each stands for a week."""
_LEAST_TOP: Final = 5
_HATCH: Final = {"shape": "/", "fgcolor": BLACK, "fgopacity": 0.45, "size": 6}
_UNITS: Final = ((timedelta(hours=1), "jam"), (timedelta(minutes=1), "menit"))
_SECOND: Final = timedelta(seconds=1)
_FITS_PAPER: Final = """
addEventListener("beforeprint", () => document.querySelectorAll(".js-plotly-plot")
  .forEach((chart) => Plotly.relayout(chart, {autosize: false, width: 660})));
addEventListener("afterprint", () => document.querySelectorAll(".js-plotly-plot")
  .forEach((chart) => Plotly.relayout(chart, {autosize: true, width: null})));
"""


def library() -> str:
    """Return Plotly itself, once for the page."""
    return f"<script>{get_plotlyjs()}</script>\n<script>{_FITS_PAPER}</script>"


def days_in_a_bar(days: Sequence[DayFigures]) -> int:
    """Return how many days a bar stands for."""
    return 1 if len(days) <= _MOST_BARS else 7


def bars_of(days: Sequence[DayFigures]) -> list[DayFigures]:
    """Return the bars: what happened in their days together, what was open at the end of the last one."""
    width = days_in_a_bar(days)
    parts = [days[at : at + width] for at in range(0, len(days), width)]
    return [
        replace(
            part[-1],
            received=sum(one.received for one in part),
            closed=sum(one.closed for one in part),
            on_time=sum(one.on_time for one in part),
            late=sum(one.late for one in part),
        )
        for part in parts
    ]


def backlog(all_days: Sequence[DayFigures]) -> str:
    """Return what is open at the end of each day, over what came and what ended."""
    days = bars_of(all_days)
    at = [one.day for one in days]
    top = max(max(one.received, one.closed, one.open) for one in days)
    figure = _figure(300)
    figure.add_bar(x=at, y=[one.received for one in days], name="Diterima", marker={"color": SKY})
    figure.add_bar(
        x=at,
        y=[one.closed for one in days],
        name="Selesai",
        marker={"color": ORANGE, "pattern": _HATCH},
    )
    figure.add_scatter(
        x=at,
        y=[one.open for one in days],
        name="Masih terbuka",
        mode="lines+markers",
        line={"color": BLACK, "width": 2.5},
        marker={"size": 5},
    )
    figure.update_layout(barmode="group", hovermode="x unified")
    figure.update_yaxes(range=[0, max(1.08 * top, _LEAST_TOP)])
    _show_days(figure, at)
    return _chart(figure, "backlog", "Kasus yang masih terbuka, diterima dan selesai per hari")


def in_time(all_days: Sequence[DayFigures]) -> str:
    """Return which share of each day's ends was in time; a day without an end stays empty."""
    days = bars_of(all_days)
    at = [one.day for one in days]
    figure = _figure(280)
    for name, counts, marker in (
        ("Tepat waktu", [one.on_time for one in days], {"color": BLUE}),
        ("Terlambat", [one.late for one in days], {"color": ORANGE, "pattern": _HATCH}),
    ):
        ended = (one.on_time + one.late for one in days)
        shares = [100 * count / all_ if all_ else None for count, all_ in zip(counts, ended, strict=True)]
        hint = "%{y:.1f} % (%{customdata} kasus)"
        figure.add_bar(x=at, y=shares, customdata=counts, name=name, marker=marker, hovertemplate=hint)
    figure.update_layout(barmode="stack", hovermode="x unified")
    figure.update_yaxes(range=[0, 100], ticksuffix=" %")
    _show_days(figure, at)
    return _chart(figure, "in-time", "Bagian kasus yang selesai tepat waktu per hari")


def steps(figures: Figures) -> str:
    """Return how long each step takes, the first one on top."""
    paces = [(step, figures.steps.get(step)) for step in reversed(Step)]
    longest = max((pace.p90 for pace in figures.steps.values()), default=timedelta(0))
    unit, unit_name = next((one for one in _UNITS if longest >= 2 * one[0]), (_SECOND, "detik"))
    names = [STEP[step].replace(" ", "<br>", 1) for step, _ in paces]
    figure = _figure(360)
    for name, words, spans, marker in (
        (
            "9 dari 10 selesai dalam",
            [most_of(pace) for _, pace in paces],
            [pace and pace.p90 / unit for _, pace in paces],
            {"color": ORANGE, "pattern": _HATCH},
        ),
        (
            "Separuh selesai dalam (median)",
            [half_of(pace) for _, pace in paces],
            [pace and pace.median / unit for _, pace in paces],
            {"color": BLUE},
        ),
    ):
        figure.add_bar(
            y=names, x=spans, name=name, marker=marker, orientation="h", customdata=words,
            hovertemplate="%{customdata}",
        )  # fmt: skip
    figure.update_layout(barmode="group", legend={"traceorder": "reversed"})
    figure.update_xaxes(title=unit_name, rangemode="tozero", showgrid=True)
    figure.update_yaxes(showgrid=False, automargin=True, ticksuffix=" ")
    return _chart(figure, "steps", "Waktu per langkah, dari dibuka sampai dijawab")


def _figure(height: int) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font={"family": "system-ui, sans-serif", "size": 13, "color": BLACK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        separators=",.",
        dragmode=False,
        bargap=0.2,
        hoverlabel={"bgcolor": "white"},
    )
    figure.update_xaxes(showgrid=False, automargin=True, fixedrange=True)
    figure.update_yaxes(gridcolor=GREY, automargin=True, fixedrange=True)
    return figure


def _show_days(figure: go.Figure, days: Sequence[date]) -> None:
    """Write a few days under the axis, in Indonesian, which Plotly does not speak by itself."""
    shown = list(_few(days))
    figure.update_xaxes(type="date", tickvals=shown, ticktext=_ticks(shown), tickangle=0)
    figure.update_xaxes(hoverformat="%d/%m/%Y")


def _ticks(days: Sequence[date]) -> list[str]:
    """Return day and month, or month and year where the years differ."""
    words = [short_date(day) for day in days]
    is_one_year = days[0].year == days[-1].year
    return [text.rsplit(" ", 1)[0] if is_one_year else text.split(" ", 1)[1] for text in words]


def _few(days: Sequence[date]) -> Iterator[date]:
    """Yield days at an even distance, the last one among them."""
    ticks = _TICKS if days[0].year == days[-1].year else _TICKS_WITH_YEAR
    stride = -(-len(days) // ticks)
    yield from reversed(days[::-stride])


def _chart(figure: go.Figure, name: str, what: str) -> str:
    """Return a chart as HTML; to those who do not see it, what it shows: the numbers are in the table."""
    config = {"displayModeBar": False, "responsive": True, "showTips": False}
    body = pio.to_html(figure, config=config, include_plotlyjs=False, full_html=False, div_id=f"chart-{name}")
    label = escape(f"Grafik: {what}. Angkanya ada di tabel di bawah.")
    return f'<div class="chart" role="img" aria-label="{label}">{body}</div>'

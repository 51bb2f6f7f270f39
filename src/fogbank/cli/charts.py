"""Plots as SVG, pure: numbers in, markup out. Colours are the page's own (CSS variables), so light and dark both work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 300, 46, 34, 12
QUARTERS = (0, 0.25, 0.5, 0.75, 1)
Document = Mapping[str, Any]


def curve(found: Document, x_title: str, y_title: str, label: str, *, diagonal: bool) -> str:
    """A curve of shares (`x`, `y`) in its band (`low`, `high`)."""
    above, below = _points(found["x"], found["high"]), _points(found["x"][::-1], found["low"][::-1])
    body = (
        (_diagonal() if diagonal else "")
        + f'<polygon class="band" points="{above} {below}"/>'
        + f'<polyline class="line" points="{_points(found["x"], found["y"])}"/>'
    )
    return _frame(body, x_title, y_title, label)


def calibration(bins: Sequence[Document]) -> str:
    """The share that is positive by the mean score of each tenth, with its interval: right on the diagonal is calibrated."""
    marks = "".join(
        f'<line class="whisker" x1="{_x(each["score"]):.1f}" y1="{_y(each["low"]):.1f}" x2="{_x(each["score"]):.1f}" y2="{_y(each["high"]):.1f}"/>'
        f'<circle class="dot" cx="{_x(each["score"]):.1f}" cy="{_y(each["share"]):.1f}" r="4"/>'
        for each in bins
    )
    label = "Calibration: the share of positives by the mean score, with intervals of 95 %"
    return _frame(_diagonal() + marks, "mean score", "share of positives", label)


def latency(hours: Sequence[Document]) -> str:
    """Milliseconds by the hour: the 50th and the 99th percentile."""
    known = [hour for hour in hours if hour["p99_ms"] is not None]
    top = max((hour["p99_ms"] for hour in known), default=0.0) * 1.1 or 1.0
    last = max(1, len(known) - 1)
    body = ""
    for name, kind in (("p99_ms", "line high"), ("p50_ms", "line")):
        points = [(place / last, (hour[name] or 0.0) / top) for place, hour in enumerate(known)]
        body += f'<polyline class="{kind}" points="{_points(*zip(*points, strict=True))}"/>' if len(points) > 1 else ""
        body += "".join(
            f'<circle class="dot {kind.partition(" ")[2]}" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3"/>' for x, y in points
        )
    ends = f"{known[0]['at']} to {known[-1]['at']} UTC" if known else ""
    return _frame(body, ends, "milliseconds", f"Latency by the hour, {ends}", y_top=top, x_ticks=())


def _points(x: Sequence[float], y: Sequence[float]) -> str:
    return " ".join(f"{_x(a):.1f},{_y(b):.1f}" for a, b in zip(x, y, strict=True))


def _diagonal() -> str:
    return f'<line class="dash" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - 10)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def _frame(
    body: str, x_title: str, y_title: str, label: str, *, y_top: float = 1.0, x_ticks: Sequence[float] = QUARTERS
) -> str:
    """The axes around a plot; `label` is what a screen reader says."""
    grid = "".join(
        f'<line class="faint" x1="{LEFT}" y1="{_y(t):.1f}" x2="{WIDTH - 10}" y2="{_y(t):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{_y(t) + 4:.1f}" text-anchor="end">{t * y_top:.3g}</text>'
        for t in QUARTERS
    ) + "".join(f'<text x="{_x(t):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{t:g}</text>' for t in x_ticks)
    titles = (
        f'<text x="{_x(0.5):.0f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_title)}</text>'
        f'<text transform="translate(11 {_y(0.5):.0f}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH + 6} {HEIGHT}" role="img" aria-label="{escape(label)}">{grid}{titles}{body}</svg>'

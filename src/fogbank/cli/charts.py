"""Plots as SVG, pure: numbers in, markup out. Colours are the page's own (CSS variables), so light and dark both work."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 460, 300, 46, 34, 12


def roc(false_positive: Sequence[float], true_positive: Sequence[float], area: float) -> str:
    """A ROC curve with its area."""
    points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in zip(false_positive, true_positive, strict=True))
    body = (
        f'<line class="faint dash" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
        f'<polyline class="line" points="{points}"/>'
        f'<text class="strong" x="{_x(0.97):.0f}" y="{_y(0.08):.0f}" text-anchor="end">AUC {area:.4f}</text>'
    )
    return _frame(
        body,
        "false positive rate",
        "true positive rate",
        [0, 0.25, 0.5, 0.75, 1],
        [0, 0.25, 0.5, 0.75, 1],
        1,
        1,
        "ROC curve on held-out rows",
    )


def histogram(values: Sequence[float], unit: str, bins: int = 30) -> str:
    """A histogram up to the 99th percentile, with the median and that percentile marked."""
    ordered = sorted(values)
    median, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    top = high * 1.15 or 1.0
    counts = [0] * bins
    for value in ordered:
        if value < top:
            counts[int(value / top * bins)] += 1
    tallest = max(counts) or 1
    step = (WIDTH - LEFT - 10) / bins
    bars = "".join(
        f'<rect class="bar" x="{LEFT + i * step:.1f}" y="{_y(count / tallest):.1f}" width="{step - 1:.1f}" height="{_y(0) - _y(count / tallest):.1f}"/>'
        for i, count in enumerate(counts)
    )
    marks = "".join(
        f'<line class="mark" x1="{_x(v / top):.1f}" y1="{TOP}" x2="{_x(v / top):.1f}" y2="{_y(0)}"/>'
        f'<text class="strong" x="{_x(v / top) + gap:.1f}" y="{y}" text-anchor="{anchor}">{name} {v:.2f}</text>'
        for name, v, gap, y, anchor in (("p50", median, 4, TOP + 12, "start"), ("p99", high, -4, TOP + 26, "end"))
    )
    ticks = [top * i / 4 for i in range(5)]
    return _frame(
        bars + marks,
        unit,
        "requests",
        ticks,
        [0, tallest / 2, tallest],
        top,
        tallest,
        f"Latency of {len(values)} invocations",
    )


def bars(names: Sequence[str], first: Sequence[float], second: Sequence[float], limit: float) -> str:
    """Two horizontal bars a name, and a limit: drift of clean and of shifted traffic."""
    row, label = 20, 190
    top = max([*first, *second, limit]) * 1.1 or 1.0
    span = 2 * WIDTH - label - 60
    lines = []
    for i, (name, a, b) in enumerate(zip(names, first, second, strict=True)):
        y = TOP + i * row
        lines.append(f'<text x="{label - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        for value, kind, offset in ((a, "clean", 2), (b, "shifted", 9)):
            lines.append(
                f'<rect class="{kind}" x="{label}" y="{y + offset}" width="{max(1.0, value / top * span):.1f}" height="6"/>'
            )
        if b > limit:
            lines.append(f'<text class="strong" x="{label + b / top * span + 6:.1f}" y="{y + 14}">{b:.2f}</text>')
    height = TOP + len(names) * row
    x = label + limit / top * span
    lines.append(
        f'<line class="limit" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height}"/>'
        f'<text class="limit-text" x="{x + 4:.1f}" y="{height + 12}">threshold {limit:g}</text>'
    )
    return f'<svg viewBox="0 0 {2 * WIDTH} {height + 18}" role="img" aria-label="Drift distance of each feature">{"".join(lines)}</svg>'


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - 10)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def _frame(
    body: str,
    x_title: str,
    y_title: str,
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    x_top: float,
    y_top: float,
    label: str,
) -> str:
    grid = "".join(
        f'<line class="faint" x1="{LEFT}" y1="{_y(t / y_top):.1f}" x2="{WIDTH - 10}" y2="{_y(t / y_top):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{_y(t / y_top) + 4:.1f}" text-anchor="end">{t:g}</text>'
        for t in y_ticks
    ) + "".join(
        f'<text x="{_x(t / x_top):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{t:.3g}</text>' for t in x_ticks
    )
    titles = (
        f'<text x="{_x(0.5):.0f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_title)}</text>'
        f'<text transform="translate(11 {_y(0.5):.0f}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>'
    )
    return f'<svg viewBox="0 0 {WIDTH + 6} {HEIGHT}" role="img" aria-label="{escape(label)}">{grid}{titles}{body}</svg>'

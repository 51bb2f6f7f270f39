"""The report of a Clarify job: one HTML file of what analysis.json says, that opens from disk and asks nothing of the network.

In: the configuration and the analysis; out: `<name>.html`, where `methods.report` asks for one. A notebook and a PDF, which Clarify writes
besides, are not made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from fogbank.contracts.clarify import STAGES, read_report
from fogbank.contracts.clarify_document import ClarifyConfigError
from fogbank.monitor.dataset import Aside, DatasetError

HEADINGS = {"pre_training_bias_metrics": "Pre-training bias", "post_training_bias_metrics": "Post-training bias"}
STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
div{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8886}
td{overflow-wrap:anywhere;min-width:3.5rem}
th:last-child,td.n{text-align:right;padding-right:0}td.n{font-variant-numeric:tabular-nums}meter{width:10rem;max-width:30vw}
figure{margin:0}figcaption{overflow-wrap:anywhere}td span{white-space:nowrap}svg{width:100%;height:8rem;border-bottom:1px solid #8886}
"""


def write_report(folder: Path, config: bytes, found: Mapping[str, Any], aside: Aside) -> None:
    """Write the report into a folder, if the configuration asks for one. Raises DatasetError."""
    try:
        asked = read_report(config)
    except ClarifyConfigError as error:
        raise DatasetError(str(error)) from error
    if asked is not None:
        folder.mkdir(parents=True, exist_ok=True)
        page = report(asked.title, found, aside)
        (folder / f"{asked.name}.html").write_text(page, encoding="utf-8", errors="backslashreplace")


def report(title: str, found: Mapping[str, Any], aside: Aside) -> str:
    """The page."""
    parts = [*_bias(found), *_explanations(found.get("explanations") or {}), *_aside(aside)]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _bias(found: Mapping[str, Any]) -> Iterator[str]:
    for stage in STAGES.values():
        own = found.get(stage)
        if own is None:
            continue
        yield f"<h2>{HEADINGS[stage]}</h2>"
        yield f"<p>Label {_told(own['label'])}, positive: {_told(own['label_value_or_threshold'])}.</p>"
        for facet, values in own["facets"].items():
            for value in values:
                rows = [
                    (metric["name"], metric["description"], _number(metric.get("value"), metric.get("error")))
                    for metric in value["metrics"]
                ]
                caption = f"Facet {_told(facet)}: {_told(value['value_or_threshold'])}"
                yield _table(
                    caption, ("Metric", "What it is", "Value"), [[escape(cell) for cell in row] for row in rows]
                )


def _explanations(explanations: Mapping[str, Any]) -> Iterator[str]:
    if explanations:
        yield "<h2>Explanations</h2>"
    for label, own in (explanations.get("kernel_shap") or {}).items():
        values = sorted(own["global_shap_values"].items(), key=lambda item: -abs(item[1]))
        most = max((abs(value) for _, value in values), default=0.0) or 1.0
        rows = [
            [
                escape(name),
                f'<meter max="1" value="{abs(value) / most:.4f}">{abs(value) / most:.0%}</meter>',
                _number(value),
            ]
            for name, value in values
        ]
        yield f"<p>What the model says on average of the baseline: {_number(own['expected_value'])}.</p>"
        yield _table(f"Global SHAP values of {_told(label)}", ("Feature", "Share of the largest", "Value"), rows)
    yield from _dependence(explanations.get("pdp") or ())


def _dependence(plots: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if plots:
        yield "<h3>Partial dependence</h3>"
        yield "<p>What the model answers on average when a feature has one value in every row, and the share of the rows that have it.</p>"
    for own in plots:
        name = _told(own["feature_name"])
        if "error" in own:
            yield f"<p>{name}: {escape(own['error'])}.</p>"
            continue
        values, [answers] = own["feature_values"], own["model_predictions"]
        low, high = min(answers), max(answers)
        chart = line_chart(answers, low, high) if own["data_type"] == "numerical" else ""
        rows = [
            [
                f"<span>{escape(_number(value))}</span>" if isinstance(value, float) else escape(str(value)),
                f'<meter max="1" value="{share:.4f}">{share:.0%}</meter>',
                _number(answer),
            ]
            for value, share, answer in zip(values, own["data_distribution"], answers, strict=True)
        ]
        if chart:
            yield f"<figure><figcaption>{name}: the answer goes from {_number(low)} to {_number(high)}</figcaption>{chart}</figure>"
        yield _table(
            f"Dependence on {name} (values of a {own['data_type']} column)",
            ("Value", "Share of rows", "Average answer"),
            rows,
        )


def line_chart(answers: Sequence[float], low: float, high: float) -> str:
    """A line through the answers, from the lowest to the highest; nothing of one."""
    if len(answers) < 2:
        return ""
    step, span = 600 / (len(answers) - 1), (high - low) or 1.0
    points = " ".join(f"{at * step:.1f},{110 - 100 * (value - low) / span:.1f}" for at, value in enumerate(answers))
    return (
        '<svg viewBox="-4 0 608 120" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/></svg>'
    )


def _aside(aside: Aside) -> Iterator[str]:
    if aside.count:
        yield f"<p>{aside.count} records could not be read and were left out. The first: {escape(str(aside.named[0]))}.</p>"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML; the last of a row is a number."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row[:-1]) + f'<td class="n">{row[-1]}</td></tr>' for row in rows
    )
    return f"<div><table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _told(text: object) -> str:
    return f"<b>{escape(str(text))}</b>"


def _number(value: Any, error: Any = None) -> str:
    """A metric's value, or why it has none."""
    if isinstance(value, float | int):
        return f"{value:.6g}"
    return str(value) if value is not None else str(error or "none")

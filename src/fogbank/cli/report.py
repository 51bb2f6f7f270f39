"""The demo's report: a document first (JSON), then one self-contained HTML page from the same document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from fogbank.cli import charts

Document = dict[str, Any]


def write_report(document: Document, html: Path) -> None:
    """Write the page, and the document beside it as .json."""
    html.with_suffix(".json").write_text(json.dumps(document, indent=2, default=str) + "\n")
    html.write_text(render(document))


def render(document: Document) -> str:
    """The page of a document: no scripts, nothing fetched."""
    environment = Environment(
        loader=PackageLoader("fogbank.cli", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    roc = document["evaluation"]["roc"]
    drift = sorted(document["drift"], key=lambda item: -item["shifted"])
    return environment.get_template("report.html.j2").render(
        **document,
        roc_chart=charts.roc(roc["false_positive_rate"], roc["true_positive_rate"], document["metrics"]["roc_auc"]),
        latency_chart=charts.histogram(document["latencies_ms"], "milliseconds"),
        drift_chart=charts.bars(
            [item["feature"] for item in drift],
            [item["clean"] for item in drift],
            [item["shifted"] for item in drift],
            document["drift_threshold"],
        ),
    )

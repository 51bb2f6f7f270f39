"""The report: a document first (JSON), then one self-contained HTML page and the same as Markdown, from the same document."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from fogbank.cli import charts
from fogbank.cli.markdown import markdown

Document = dict[str, Any]
MOST_ROWS = 1000
"""The page shows the columns that moved farthest; the document has them all."""
LONGEST, MOST_CHECKS = 120, 3


def write_report(document: Document, html: Path) -> None:
    """Write the page, and beside it the document as .json and the text as .md."""
    html.with_suffix(".json").write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")
    html.with_suffix(".md").write_text(markdown(document), encoding="utf-8", errors="backslashreplace")
    html.write_text(page(document), encoding="utf-8", errors="backslashreplace")


def page(document: Document) -> str:
    """The page of a document of `project.report.model_report`. It fetches nothing, and its policy lets its own script run, by digest."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fogbank.cli", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["charts"] = charts
    environment.filters["short"] = short
    rows = _ordered(document)
    script = environment.get_template("report.js").render()
    return environment.get_template("report.html.j2").render(
        **document,
        columns=rows[:MOST_ROWS],
        all_columns=len(rows),
        embedded=_embedded([_row(item) for item in rows[:MOST_ROWS]]),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def short(name: str) -> str:
    """A name that a table can hold, on one line."""
    line = " ".join(str(name).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def state_of(column: Document) -> str:
    """What monitors found of a column, in a word."""
    return (
        "violation"
        if column["checks"]
        else "shifted"
        if column["shifted"]
        else "same"
        if column["change"]
        else "unseen"
    )


def _ordered(document: Document) -> list[Document]:
    """Every column: those with violations first, then those that a test found, each by how far it moved."""
    columns = [
        {**item, "role": role, "state": state_of(item)}
        for role, items in (("prediction", document["outputs"]), ("feature", document["inputs"]))
        for item in items
    ]
    return sorted(columns, key=lambda item: (not item["checks"], not item["shifted"], -(item["drift"] or 0.0)))


def _row(item: Document) -> Document:
    """What the page's script is given of a column: shares in thousandths."""
    bars, seen = item["bars"], any(bar["now"] is not None for bar in item["bars"])
    numbers = bool(bars) and "low" in bars[0]
    return {
        "n": short(item["name"]),
        "d": f"{item['type']} · {item['like']}",
        "m": [_thousandth(item["missing"]), None if item["missing_now"] is None else _thousandth(item["missing_now"])],
        "c": [[check["check"], check["text"][:LONGEST]] for check in item["checks"][:MOST_CHECKS]],
        "p": None if item["p_value"] is None else f"{item['p_value']:.2g}",
        "s": None if item["smallest"] is None else f"{item['smallest']:.2g}",
        "l": [f"{bars[0]['low']:.3g}", f"{bars[-1]['high']:.3g}"] if numbers else [short(bar["label"]) for bar in bars],
        "k": "n" if numbers else "w",
        "b": [_thousandth(bar["base"]) for bar in bars],
        "w": [_thousandth(bar["now"] or 0.0) for bar in bars] if seen else None,
    }


def _thousandth(share: float) -> int:
    return round(1000 * share)


def _embedded(rows: list[Document]) -> str:
    """JSON that may stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(rows, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

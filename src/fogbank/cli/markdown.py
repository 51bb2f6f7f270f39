"""The report as Markdown, from the same document as the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

Document = dict[str, Any]
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(document: Document) -> str:
    """The verdict, what drifted, scores, executions and service; no distributions."""
    lines = [
        f"# {plain(document['name'])}",
        f"{document['kind']} · stack {plain(document['stack'])} · {document['made']} UTC · artifact {document['package']['sha256'][:12]}",
        f"**{document['verdict']['words']}. {plain(document['verdict']['lead'])}** {plain(document['verdict']['paragraph'])}",
        "\n".join(f"- {line['level']}: {plain(line['text'])}" for line in document["verdict"]["lines"]),
        *_sections(document),
    ]
    return "\n\n".join(lines) + "\n"


def plain(text: object) -> str:
    """A text that means nothing to Markdown or HTML, on one line.

    >>> plain("<b>|x")
    '\\\\<b\\\\>\\\\|x'
    """
    return SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def _sections(document: Document) -> Iterator[str]:
    columns = [item for item in [*document["outputs"], *document["inputs"]] if item["checks"] or item["shifted"]]
    if columns:
        yield "## What drifted"
        head = ("column", "distance", "PSI", "since (UTC)", "change", "checks")
        yield _table(head, [_column(item) for item in sorted(columns, key=lambda item: -(item["drift"] or 0.0))])
    if document["metrics"]:
        yield "## Scores of training"
        rows = [(item["name"], _number(item["value"]), _number(item["gate"])) for item in document["metrics"]]
        yield _table(("metric", "value", "gate"), rows)
    for item in document["quality"]:
        yield from _quality(item)
    for run in document["monitors"]:
        yield f"## Executions of {plain(run['schedule'])}"
        runs = [
            (each["at"], each["status"], each["violations"], len(each["moved"]), each["reason"])
            for each in run["history"]
        ]
        yield _table(("when (UTC)", "status", "violations", "columns that moved", "reason"), runs)
    variants = (document["endpoint"] or {}).get("performance") or []
    if variants:
        yield f"## {plain(document['endpoint']['name'])}, seven days"
        head = ("variant", "requests", "errors 4xx", "errors 5xx", "p50 ms", "p99 ms, slowest hour")
        yield _table(head, [_variant(item) for item in variants])


def _quality(item: Document) -> Iterator[str]:
    yield f"## {plain(item['source'])}, {int(item['rows'] or 0):,} rows"
    if item["metrics"]:
        rows = [(each["name"], *(_number(each[key]) for key in ("value", "low", "high"))) for each in item["metrics"]]
        yield _table(("metric", "value", "low", "high"), rows)
    if item["confusion"]:
        labels = item["confusion"]["labels"]
        rows = [(f"is {label}", *row) for label, row in zip(labels, item["confusion"]["matrix"], strict=True)]
        yield _table(("", *(f"said {label}" for label in labels)), rows)


def _column(item: Document) -> tuple[str, ...]:
    checks = ", ".join(check["check"] for check in item["checks"]) or f"{item['test']} alone"
    return (item["name"], _number(item["drift"]), _number(item["psi"]), item["since"] or "", item["change"], checks)


def _variant(item: Document) -> tuple[object, ...]:
    return (
        item["variant"], item["requests"], item["errors_4xx"], item["errors_5xx"], _number(item["p50_ms"]), _number(item["p99_ms"]),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell if cell == '---' else plain(cell) for cell in map(str, row))} |" for row in lines
    )

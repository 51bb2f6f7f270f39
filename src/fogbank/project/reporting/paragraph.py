"""The verdict in one paragraph, pure: what drifted, since when, by how much, what it did to the predictions, and how the endpoint serves.

In: the report's document; out: sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

NAMED, LONGEST = 2, 60
Document = dict[str, Any]


def lead(document: Document) -> str:
    """The first sentence: how many features drifted, and since when."""
    watched, features = document["watched"], _drifted(document)
    if watched is None:
        return _unwatched(document)
    many = _count(len(document["inputs"]), "feature")
    if not features:
        return f"None of {many} drifted: the data is as it was in training."
    starts = sorted(item["since"] for item in features if item["since"])
    return f"{len(features)} of {many} drifted{f', since {starts[0]} UTC' if starts else ''}."


def paragraph(document: Document) -> str:
    """The sentences after it, one after the other."""
    return " ".join([*_data(document), *_predictions(document), *_scores(document), *_service(document)])


def short(name: str) -> str:
    """A column's name as text has it: not too long, and on one line.

    >>> short("a" * 70)[-3:]
    'aa…'
    """
    line = " ".join(name.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _data(document: Document) -> Iterator[str]:
    watched, features = document["watched"], _drifted(document)
    if watched is None:
        return
    if features:
        yield f"Farthest from training: {'; '.join(map(_far, _farthest(features)))}."
    elif watched["wrong"]:
        yield f"The newest execution found {_count(watched['wrong'], 'violation')}, of no feature."
    yield f"That is of {_number(watched['rows'])} rows, seen at {watched['at']} UTC."
    yield from _stream(watched.get("stream"))


def _stream(stream: Document | None) -> Iterator[str]:
    """What all windows together say, where there are more than one; and why it is not known."""
    if stream and "windows" not in stream:
        yield f"What all windows together say is not known: {stream['left_out']}"
        return
    if not stream or stream["windows"] < 2:
        return
    named = [short(name) for name in stream["shifted"]]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    ever = f"; without a shift at most one stream in {1 / stream['level']:.0f} ever says so"
    found = f"{', '.join(named[:NAMED])}{more} shifted{ever}" if named else "nothing shifted"
    since = stream["since"].replace("T", " ").removesuffix("Z")
    yield f"Over all {stream['windows']} windows since {since} UTC together {found}."


def _drifted(document: Document) -> list[Document]:
    return [item for item in document["inputs"] if item["checks"] or item["shifted"]]


def _unwatched(document: Document) -> str:
    failed = [run for run in document["monitors"] if run["status"] == "Failed"]
    if failed:
        reason = failed[0]["reason"] or "no reason was given"
        return f"Whether the data drifted is not known: the monitor {failed[0]['schedule']} failed ({reason})."
    if document["monitors"]:
        return "Whether the data drifted is not known: no monitor has looked at it against the baseline."
    return "Whether the data drifted is not known: no monitor has run yet."


def _farthest(features: Sequence[Document]) -> Sequence[Document]:
    return sorted(features, key=lambda item: -(item["drift"] or 0.0))[:NAMED]


def _far(item: Document) -> str:
    by = [f"distance {item['drift']:.2f}" if item["drift"] is not None else "", item["change"]]
    known = ", ".join(part for part in by if part) or ", ".join(check["check"] for check in item["checks"])
    return f"{short(item['name'])} ({known})"


def _predictions(document: Document) -> Iterator[str]:
    if document["watched"] is None or not document["outputs"]:
        return
    moved = [item for item in document["outputs"] if item["checks"] or item["shifted"]]
    if moved:
        yield f"The predictions moved: {'; '.join(map(_far, _farthest(moved)))}."
    else:
        yield "The predictions did not move."


def _scores(document: Document) -> Iterator[str]:
    live = [item for item in document["quality"] if item["metrics"]]
    if not live:
        if document["watched"] is not None:
            yield "What that did to the scores is not known: no monitor has labels."
        return
    for item in live:
        shown = [metric for metric in item["metrics"] if metric["name"] in {"accuracy", "auc", "rmse"}] or item[
            "metrics"
        ][:1]
        yield f"On {_number(item['rows'])} labelled records {', '.join(map(_scored, shown))}."


def _scored(metric: Document) -> str:
    between = f" ({metric['low']:.3g} to {metric['high']:.3g})" if metric["low"] is not None else ""
    return f"{metric['name']} is {metric['value']:.3g}{between}"


def _service(document: Document) -> Iterator[str]:
    variants = (document["endpoint"] or {}).get("performance", [])
    if variants is None:
        yield "How the endpoint answered is not known: its metrics could not be read."
        return
    requests = sum(item["requests"] for item in variants)
    if not requests:
        return
    errors = sum(item["errors_4xx"] + item["errors_5xx"] for item in variants)
    slow = max((item["p99_ms"] for item in variants if item["p99_ms"] is not None), default=None)
    tail = f"; in the slowest hour 99 % of the answers took at most {slow:.3g} ms" if slow is not None else ""
    failed = _count(errors, "error") if errors else "no errors"
    yield f"In seven days the endpoint had {_count(requests, 'request')} and {failed}{tail}."


def _number(value: float | None) -> str:
    return "an unknown number of" if value is None else f"{int(value):,}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

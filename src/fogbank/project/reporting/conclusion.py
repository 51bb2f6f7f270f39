"""The verdict on top of a report, pure: whether all is well, and why not.

In: the report's document; out: a level and a line for each thing that was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from fogbank.project.reporting.paragraph import lead, paragraph

Level = Literal["good", "look", "bad"]
LEVELS: tuple[Level, ...] = ("good", "look", "bad")
WORDS: dict[Level, str] = {"good": "All is well", "look": "Worth a look", "bad": "Something is wrong"}
UNSEEN = "Nothing wrong is known yet"
"""All is well only where a monitor has looked at the data."""
MANY = 0.05
"""A larger share of the requests without an answer is told."""
Document = dict[str, Any]


def verdict_of(document: Document) -> Document:
    """The worst level of what was looked at, in words, and every line; what could not be looked at is told, and is no fault."""
    lines = [*_gates(document), *_endpoint(document), *_monitors(document)]
    level: Level = max((level for level, _ in lines if level), key=LEVELS.index, default="good")
    return {
        "level": level,
        "words": UNSEEN if level == "good" and document["watched"] is None else WORDS[level],
        "lead": lead(document),
        "paragraph": paragraph(document),
        "lines": [{"level": level or "open", "text": text} for level, text in lines],
    }


def _gates(document: Document) -> Iterator[tuple[Level | None, str]]:
    gated = [item for item in document["metrics"] if item["gate"] is not None]
    missed = [item for item in gated if not item["met"]]
    if missed:
        yield (
            "bad",
            "; ".join(
                f"{item['name']} is {item['value']:.4g}, below its gate of {item['gate']:.4g}" for item in missed
            ),
        )
    elif gated:
        yield "good", f"every gate is met ({len(gated)} of {len(gated)})"
    else:
        yield None, "no gate is set: `gates` in metrics.json says how good a model must be"


def _endpoint(document: Document) -> Iterator[tuple[Level | None, str]]:
    endpoint = document["endpoint"]
    if endpoint is None:
        yield None, "no endpoint was found: `fogbank up` deploys the package"
        return
    good = endpoint["status"] == "InService"
    yield "good" if good else "bad", f"the endpoint {endpoint['name']} is {endpoint['status']}"
    if "failed" in endpoint:
        yield "bad", f"the endpoint does not answer the baseline's rows: {endpoint['failed']}"
    elif "asked" in endpoint:
        same, asked = endpoint["same"], endpoint["asked"]
        words = "answers as the baseline says" if same == asked else "answers otherwise than the baseline says"
        yield "good" if same == asked else "bad", f"it {words}: {same} of {asked} rows are the same"
    else:
        yield None, "its answers were not asked for: `fogbank report --ask` sends it the baseline's rows"
    yield from _service(endpoint.get("performance") or ())


def _service(variants: Sequence[Document]) -> Iterator[tuple[Level | None, str]]:
    """How the requests of seven days ended; all is not well where many callers got nothing."""
    requests, refused, failed = (
        sum(int(item[name]) for item in variants) for name in ("requests", "errors_4xx", "errors_5xx")
    )
    if failed:
        level: Level = "bad" if failed > MANY * requests else "look"
        yield (
            level,
            f"{failed:,} of {requests:,} requests of seven days failed in the endpoint (5xx): see `fogbank logs`",
        )
    if refused > MANY * requests:
        yield (
            "look",
            f"{refused:,} of {requests:,} requests of seven days were refused (4xx): those callers send what the model does not take",
        )


def _monitors(document: Document) -> Iterator[tuple[Level | None, str]]:
    for run in document["monitors"]:
        count = len(run["violations"])
        when = f"the monitor {run['schedule']}, {run['scheduled']}"
        if run["status"] == "Failed":
            yield "look", f"{when}: it failed: {run['reason'] or 'no reason was given'}"
        elif count:
            yield "look", f"{when}: {count} violation{'' if count == 1 else 's'}"
        else:
            yield "good", f"{when}: no violations"
    if not document["monitors"]:
        yield None, "no monitor has run yet"

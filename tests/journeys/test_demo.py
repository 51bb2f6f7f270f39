"""The demo, whole: every answer checked, violations where they belong, and a report that stands alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from fogbank.cli.report import page

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
STEPS = [
    "train",
    "pack",
    "check",
    "local cloud",
    "up local",
    "invoke the endpoint",
    "batch transform",
    "monitor clean traffic",
    "monitor shifted traffic",
]


class Page(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.svgs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"link", "img", "iframe", "object"}:
            self.fetched.append(tag)
        self.fetched += [
            str(given[key]) for key in ("src", "href") if key in given and not str(given[key]).startswith("#")
        ]
        if tag == "svg":
            self.svgs.append(given.get("aria-label") or "")


def test_the_demo_does_the_whole_job_and_reports_it(project: Path, fogbank: Fogbank) -> None:
    done = fogbank(project, "demo")
    assert done.returncode == 0, done.stderr

    html = (project / ".fogbank" / "report.html").read_text()
    document = json.loads((project / ".fogbank" / "report.json").read_text())
    assert [step["name"] for step in document["steps"]] == STEPS
    assert all(re.search(rf"✓ {name} .* s$", done.stderr, re.MULTILINE) for name in STEPS)
    assert [(check["rows"], check["equal"]) for check in document["checks"]] == [(569, True), (569, True)]
    assert max(check["largest_difference"] for check in document["checks"]) <= 1e-9
    [monitor] = document["monitors"]
    assert [run["status"] for run in monitor["history"]] == ["CompletedWithViolations", "Completed"]
    moved = {item["name"]: item for item in document["inputs"] if item["checks"]}
    assert {"mean_radius", "mean_texture", "mean_perimeter"} <= moved.keys()
    assert {item["since"] for item in moved.values()} == {monitor["scheduled"]}
    assert f"{len(moved)} of 30 features" in document["verdict"]["lead"] or len(moved) < len(
        monitor["history"][0]["moved"]
    )
    [served] = document["endpoint"]["performance"]
    assert served["requests"] >= 569 / 5
    assert (served["errors_4xx"], served["errors_5xx"]) == (0, 0)
    assert served["p99_ms"] > 0
    [scores] = document["quality"]
    assert scores["rows"] == 143
    assert scores["roc"]["area"]["low"] > 0.97
    assert html == page(document)
    seen = Page()
    seen.feed(html)
    assert seen.fetched == []
    assert len(seen.svgs) == 4
    assert len(html) < 1_000_000
    assert document["verdict"]["lead"] in html
    assert (project / ".fogbank" / "report.md").read_text().startswith(f"# {document['name']}")
    the_farewell_is_true(project, done.stdout)


def the_farewell_is_true(project: Path, said: str) -> None:
    """The curl line that the demo prints works as it is."""
    command = (
        next(line for line in said.splitlines() if line.strip().startswith("curl")).strip().removeprefix("curl").strip()
    )
    assert shutil.which("curl")
    answer = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=True).stdout
    assert len(answer.strip().splitlines()) == 5
    assert "fogbank cloud stop" in said

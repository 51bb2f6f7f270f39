"""The report's page: small, alone, and safe with any name. What it is in a browser: tests/contracts/cli/test_page.py."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fogbank.cli.report import MOST_ROWS, page, write_report
from tests import reports


class Tags(HTMLParser):
    """The tags of a page, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        self.tags.append(tag)
        own = dict(attrs)
        self.fetched += [str(own[key]) for key in ("src", "href") if key in own and not str(own[key]).startswith("#")]


def test_a_thousand_features_are_less_than_a_megabyte(tmp_path: Path) -> None:
    document = reports.drifted(tmp_path, [f"feature_number_{place}" for place in range(1001)])

    made = page(document)

    assert len(document["inputs"]) == 1000
    assert len(made.encode()) < 1_000_000
    assert made.count('<tr data-i="') == MOST_ROWS
    assert "The 1000 that moved farthest, of 1,001" in made


def test_names_are_text_and_nothing_is_fetched(tmp_path: Path) -> None:
    document = reports.drifted(tmp_path)
    write_report(document, tmp_path / "report.html")

    tags = Tags((tmp_path / "report.html").read_text(encoding="utf-8"))

    assert (tags.fetched, tags.tags.count("script")) == ([], 2)
    assert not {"img", "b-oslo", "link", "iframe", "object"} & set(tags.tags)
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(document))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "naïve Größe 体积 🎈" in text
    assert not re.search(r"(?<!\\)(\]\(|<)", text), "neither a link nor an element"
    assert all(line.count(" | ") == 5 for line in text.split("## What drifted")[1].split("## ")[0].strip().splitlines())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "no monitor has run yet"),
        ({"monitors": [{"status": "Failed", "reason": "no disk"}]}, "the monitor tumours-quality failed (no disk)"),
        ({"monitors": [{"status": "Completed"}]}, "no monitor has looked at it against the baseline"),
        ({"endpoint": {"name": "live", "status": "InService", "performance": []}}, "no monitor has run yet"),
    ],
)
def test_what_is_not_there_is_told(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    run = {
        "schedule": "tumours-quality",
        "scheduled": "2026-11-26 13:00",
        "reason": "",
        "idle": 0,
        "rows": None,
        "violations": [],
    }
    monitors = [{**run, "history": [], **item} for item in changes.get("monitors", [])]
    document = reports.nothing_yet(tmp_path, **{**changes, "monitors": monitors})

    made = page(document)

    assert said in document["verdict"]["lead"]
    assert said in made
    assert "As they were in the baseline" in made

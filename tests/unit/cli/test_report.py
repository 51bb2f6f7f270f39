"""The report's page: small, alone, and safe with any name; in a real browser no wider than a phone, searched, sorted and opened."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fogbank.cli.report import MOST_ROWS, page, write_report
from tests.browser import Site, visit
from tests.unit.cli import reports

FRAME = """<html><body><script>
const pages = PAGES, told = [];
const seen = (d) => ({
  wide: [d.documentElement.scrollWidth, d.documentElement.clientWidth], title: d.title, images: d.images.length,
  rows: [...d.querySelectorAll("#columns tbody tr")].filter((row) => !row.hidden).map((row) => row.cells[0].textContent),
  told: d.getElementById("told").textContent, opened: [...d.querySelectorAll(".opened")].map((row) => row.textContent),
  plots: d.querySelectorAll(".opened [role=img], .opened .row").length,
  sorted: d.querySelector("[aria-sort]")?.getAttribute("aria-sort"),
});
const drive = (d) => {
  const steps = [seen(d)];
  for (const button of d.querySelectorAll("#columns tbody button")) button.click();
  steps.push(seen(d));
  d.querySelectorAll("#columns thead button")[0].click();
  steps.push(seen(d));
  d.getElementById("find").value = "GR\\u00d6\\u00dfe";
  d.getElementById("find").dispatchEvent(new Event("input"));
  steps.push(seen(d));
  return steps;
};
const next = () => {
  if (!pages.length) return fetch("/told", {method: "POST", body: JSON.stringify(told)});
  const frame = document.createElement("iframe");
  frame.style = "width:390px;height:900px";
  frame.onload = () => { told.push(drive(frame.contentDocument)); next(); };
  frame.srcdoc = pages.shift();
  document.body.append(frame);
};
next();
</script></body></html>"""


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


def test_in_a_browser_it_fits_a_phone_and_is_searched_sorted_and_opened(tmp_path: Path) -> None:
    documents = [
        reports.drifted(tmp_path),
        reports.nothing_yet(tmp_path),
        reports.drifted(tmp_path, [f"f{place:03}" for place in range(120)]),
    ]
    made = json.dumps([page(item) for item in documents]).replace("<", "\\u003c")
    site = Site(FRAME.replace("PAGES", made))

    with site.served() as port:
        hostile, empty, many = visit(f"http://127.0.0.1:{port}/", site, tmp_path / "profile")

    for step in [*hostile, *empty, *many]:
        assert step["wide"][0] <= step["wide"][1], step
        assert ("owned" in step["title"], step["images"]) == (False, 0)
    start, opened, ordered, found = hostile
    assert (len(start["rows"]), start["told"]) == (6, "6 of 6 columns shown")
    assert (len(opened["opened"]), opened["plots"]) == (6, 5 + 3), (
        "a plot of each column of numbers, a row of each word"
    )
    assert "baseline_drift_check" in opened["opened"][0]
    assert (ordered["sorted"], ordered["opened"]) == ("descending", [])
    assert ordered["rows"] == sorted(start["rows"], key=lambda name: name.strip().lower(), reverse=True)
    assert [name for name in found["rows"] if "Größe" in name] == found["rows"] != []
    assert len(empty[0]["rows"]) == 6
    assert len(many[0]["rows"]) == 50
    assert many[0]["told"] == "50 of 120 columns shown"


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

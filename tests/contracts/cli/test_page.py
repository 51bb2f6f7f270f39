"""The report's page in a real browser: no wider than a phone, searched, sorted and opened."""

from __future__ import annotations

import json
from pathlib import Path

from fogbank.cli.report import page
from tests import reports
from tests.browser import Site, visit

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

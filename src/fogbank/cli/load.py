"""`fogbank load`: traffic at a rate against an endpoint, and which instances would carry how much at what price."""

from __future__ import annotations

from pathlib import Path

import click

from fogbank.cli.options import json_option, stack_option
from fogbank.cli.terminal import Terminal


@click.command()
@click.argument("endpoint")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--captured", is_flag=True, help="Send what the endpoint has captured, the newest first.")
@click.option(
    "--rate", default=20.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Requests a second."
)
@click.option(
    "--seconds", default=10.0, show_default=True, type=click.FloatRange(0, min_open=True), help="For how long."
)
@click.option(
    "--for",
    "wanted",
    type=click.FloatRange(0, min_open=True),
    help="Requests a second to advise on. Default: the rate.",
)
@stack_option
@json_option
@click.pass_obj
def load(
    terminal: Terminal, endpoint: str, file: Path | None, captured: bool, rate: float, seconds: float, wanted: float | None, stack: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Send traffic to ENDPOINT (`live` means <project>-live): the rows of FILE (a CSV without a header; the training's sample by default), or
    what was captured.

    Requests are sent when they are due, and latency counts from then. On AWS it bills what it sends. The advice is a rule of thumb by how
    long one request takes here: a request keeps one vCPU busy, instances are busy to 70 %, and there are two at least.
    """
    from fogbank.project.pricing.rates import UNSOURCED
    from fogbank.project.project import Project

    project = Project(events=terminal.show)
    body = file.read_bytes() if file else None
    report, choices = project.load(
        endpoint, body, captured=captured, rate=rate, seconds=seconds, wanted=wanted, stack=stack
    )
    if as_json:
        terminal.document({**report.document(), "advice": [choice.document() for choice in choices]})
        return
    terminal.result(f"sent      {report.sent} in {report.seconds:g} s, {report.rate:g} a second")
    failed = "".join(f", {count} {code}" for code, count in report.errors.items())
    terminal.result(
        f"answered  {report.answered}, {report.reached:.1f} a second{', saturated' if report.saturated else ''}{failed}"
    )
    figures = (
        ("p50", report.p50_ms),
        ("p90", report.p90_ms),
        ("p99", report.p99_ms),
        ("most", report.most_ms),
        ("alone", report.alone_ms),
    )
    terminal.result("latency   " + ", ".join(f"{name} {value:.1f}" for name, value in figures) + " ms")
    terminal.result(f"for {wanted or rate:g} a second:")
    for choice in choices:
        mark = "" if choice.sourced else " ?"
        carries = f"carries {choice.carries:.0f} a second"
        terminal.result(f"  {choice.count} x {choice.instance_type:<16} {choice.usd:>10} USD a month{mark}  {carries}")
    if any(not choice.sourced for choice in choices):
        terminal.note(f"note: {UNSOURCED}")

"""`fogbank demo`: the whole main job on the local cloud, every answer checked, ending in a report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from fogbank.cli.report import write_report
from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig


@click.command()
@click.pass_obj
def demo(terminal: Terminal) -> None:
    """Train, pack, deploy, invoke, batch-score and monitor on the local cloud; ends with a report to look at."""
    from fogbank.project.config import load_config
    from fogbank.project.demo import run_demo

    started = time.perf_counter()
    document = run_demo(Path.cwd(), terminal.show)
    config = load_config(Path.cwd())
    write_report(document, config.report)
    terminal.note(f"\nthe whole job took {time.perf_counter() - started:.1f} s")
    terminal.result(_farewell(config, document))


def _farewell(config: ProjectConfig, document: dict[str, Any]) -> str:
    url, name = document["url"], document["endpoint"]
    sample = config.trained.relative_to(config.root) / "sample.csv"
    return f"""
The local cloud is running at {url} with the endpoint {name}.

  curl    curl -s --data-binary @{sample} -H 'Content-Type: text/csv' {url}/endpoints/{name}/invocations
  boto3   boto3.client("sagemaker-runtime", endpoint_url="{url}", region_name="us-east-1",
                       aws_access_key_id="fogbank-local", aws_secret_access_key="fogbank-local"
          ).invoke_endpoint(EndpointName="{name}", ContentType="text/csv", Body=open("{sample}").read())["Body"].read()
  report  {config.report}
  stop    fogbank cloud stop     (in this repository: .venv/bin/fogbank cloud stop)"""

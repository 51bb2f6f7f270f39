"""`fogbank doctor`: what is in use here, and why."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import click

from fogbank.cli.prepare import here
from fogbank.cli.terminal import Terminal
from fogbank.cloud.client import CloudClient, read_address
from fogbank.cloud.hosting.containers import find_containers
from fogbank.cloud.hosting.instance import StartError
from fogbank.contracts.config import running_python
from fogbank.contracts.errors import EngineError, FogbankError, ProjectError
from fogbank.contracts.manifest import load_manifest
from fogbank.engine.build import VERSION
from fogbank.engine.locate import cache_dir, find
from fogbank.image import Layout
from fogbank.project.images import made_bases
from fogbank.project.installation import engine_recipes, fogbank_version


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def doctor(terminal: Terminal, as_json: bool) -> None:
    """Show the Pulumi engine in use and why, the container tools, the project, its package and its cloud."""
    found = {
        "fogbank": f"{fogbank_version()}, Python {platform.python_version()} at {sys.executable}",
        "engine": _engine(),
        "images": _images(),
        **_project(),
    }
    if as_json:
        terminal.document(found)
        return
    for name, value in found.items():
        terminal.result(f"{name:<9}{value}")


def _engine() -> str:
    try:
        engine = find(os.environ, engine_recipes(), lambda _: None, fetch=False)
    except EngineError as error:
        return f"none yet; `fogbank up` will install or build Pulumi {VERSION} into {cache_dir(os.environ) / 'pulumi'}\n{error.cause}"
    return f"Pulumi {engine.version} at {engine.command}: {engine.why}"


def _images() -> str:
    """What images would be made on, and what would run them."""
    made = Layout(made_bases() / running_python())
    platforms = ", ".join(made.images()) if (made.folder / "index.json").is_file() else ""
    base = (
        f"base of Debian for {platforms}"
        if platforms
        else f"no base made; python:{running_python()}-slim would be pulled"
    )
    try:
        engine = find_containers(os.environ, Path()).name
    except StartError:
        engine = 'no podman and no docker (only runtime = "container" needs one)'
    return f"{base}; {engine}"


def _project() -> dict[str, str]:
    try:
        config = here()
    except ProjectError as error:
        return {"project": f"{error.code}: {error.cause}"}
    found = {"project": f"{config.name} in {config.root}, stack {config.stack}"}
    try:
        manifest = load_manifest(config.package)
        found["package"] = (
            f"{manifest.artifact_path} sha256 {manifest.artifact_sha256[:12]}, {len(manifest.package.requirements)} locked dependencies"
        )
    except FogbankError as error:
        found["package"] = f"{error.code}: {error.cause}"
    address = read_address(config.cloud)
    running = address is not None and CloudClient(config.cloud).running()
    found["cloud"] = f"{address.url}, process {address.pid}" if running and address else "not running"
    return found

"""What is in use here, and why: the engine, what images are made on and run by, the project, its package, its cloud.

In: a folder; out: facts, by their subject.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from fogbank.cloud.client import CloudClient, read_address
from fogbank.cloud.hosting.containers import find_containers
from fogbank.cloud.hosting.instance import StartError
from fogbank.contracts.config import running_python
from fogbank.contracts.errors import EngineError, FogbankError, ProjectError
from fogbank.contracts.manifest import load_manifest
from fogbank.engine.build import VERSION
from fogbank.ground.walls import UndecidedError, decided
from fogbank.image import Layout
from fogbank.project.account.stacks import find_engine
from fogbank.project.packaging.bases import bases_folder, default_base
from fogbank.project.workplace.caches import environments
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.installation import cached, fogbank_version

MOST = 5
"""Environments that are told, the last used first."""


def inventory(start: Path) -> dict[str, str]:
    """The facts; what cannot be had says so, and why."""
    return {
        "fogbank": f"{fogbank_version()}, Python {platform.python_version()} at {sys.executable}",
        "engine": _engine(),
        "images": _images(),
        "models": _environments(),
        "walls": _walls(),
        **_project(start),
    }


def _engine() -> str:
    try:
        engine = find_engine(lambda _: None, fetch=False)
    except EngineError as error:
        return f"none yet; `fogbank up` will install or build Pulumi {VERSION} into {cached('pulumi')}\n{error.cause}"
    return f"Pulumi {engine.version} at {engine.command}: {engine.why}"


def _environments() -> str:
    """The environments of models: each with what it holds."""
    found = environments()
    if not found:
        return "no environment made yet: a package's own dependencies make one"
    lines = (f"{item.path.name}, last used {item.used:%Y-%m-%d}: {item.words}" for item in found[:MOST])
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return "\n         ".join(
        [f"{len(found)} environment(s) in {cached('environments')}; see `fogbank cache`", *lines, *more]
    )


def _walls() -> str:
    """What is around the processes that run models, functions and jobs."""
    try:
        why = decided()
    except UndecidedError as error:
        return f"nobody can say now whether instances, functions and jobs can have namespaces of their own, and none is started: {error}"
    if not why:
        return "instances, functions and jobs have namespaces of their own, and see nothing of yours"
    return f"instances, functions and jobs see what you see, but for your environment: {why}"


def _images() -> str:
    """What images would be made on, and what would run them."""
    bases = Layout(bases_folder(running_python()))
    platforms = ", ".join(bases.images()) if (bases.folder / "index.json").is_file() else ""
    base = (
        f"base of Debian for {platforms}"
        if platforms
        else f"no base made; {default_base(running_python())} would be pulled"
    )
    try:
        engine = find_containers(os.environ, Path()).name
    except StartError:
        engine = 'no podman and no docker (only runtime = "container" needs one)'
    return f"{base}; {engine}"


def _project(start: Path) -> dict[str, str]:
    try:
        config = load_config(start)
    except ProjectError as error:
        return {"project": f"{error.code}: {error.cause}"}
    facts = {"project": f"{config.name} in {config.root}, stack {config.stack}"}
    try:
        manifest = load_manifest(config.package)
        facts["package"] = (
            f"{manifest.artifact_path} sha256 {manifest.artifact_sha256[:12]}, {len(manifest.package.requirements)} locked dependencies"
        )
    except FogbankError as error:
        facts["package"] = f"{error.code}: {error.cause}"
    address = read_address(config.cloud)
    running = address is not None and CloudClient(config.cloud).running()
    facts["cloud"] = f"{address.url}, process {address.pid}" if running and address else "not running"
    return facts

"""What comes before a deployment, told step by step: a trained model, a package, its check, the local cloud."""

from __future__ import annotations

from pathlib import Path

from fogbank.cli.terminal import Terminal
from fogbank.contracts.config import ProjectConfig, load_config
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.project.checking import RECORD, is_checked, record_key, rehearsed
from fogbank.project.cloud import start_cloud
from fogbank.project.packing import pack
from fogbank.project.stack import is_local
from fogbank.project.training import needs_training, train


def here() -> ProjectConfig:
    """The project that the current folder lies in. Raises ProjectError, ConfigError."""
    return load_config(Path.cwd())


def ensure_trained(config: ProjectConfig, terminal: Terminal) -> None:
    """Train where there is no model yet, or the training code is newer than it."""
    if needs_training(config):
        with terminal.step("train") as step:
            step.done(train(config))


def check_once(config: ProjectConfig, manifest: Manifest, terminal: Terminal) -> None:
    """Check a package that was not checked yet, for `up`. Raises PackageError with every finding."""
    if is_checked(config, manifest):
        return
    with terminal.step("check") as step:
        step.done(rehearsed(config, manifest))
    (config.state / RECORD).write_text(record_key(config, manifest))


def prepare(
    config: ProjectConfig, stack: str, terminal: Terminal, *, packed: bool = False, check: bool = False
) -> None:
    """What the Pulumi program needs: a package whose digests are right, and for a local stack its cloud."""
    if packed:
        with terminal.step("package") as step:
            manifest = load_manifest(config.package)
            step.done(f"sha256 {manifest.artifact_sha256[:12]}, as it is")
    else:
        ensure_trained(config, terminal)
        with terminal.step("pack") as step:
            manifest = pack(config)
            step.done(f"sha256 {manifest.artifact_sha256[:12]}")
    if check:
        check_once(config, manifest, terminal)
    if is_local(config, stack):
        with terminal.step("local cloud") as step:
            step.done(start_cloud(config).url)

"""A folder of Pulumi plugins, and Pulumi's own distribution, as a user has them: for tests of stacks on AWS."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import yaml

from fogbank.engine.locate import Engine

ROOT = Path(__file__).parents[1]


def plugin_home(folder: Path) -> Path:
    """A PULUMI_HOME in which pulumi-aws is installed: tests/fakes/pulumi_aws.py."""
    plugin = folder / "plugins" / f"resource-aws-v{metadata.version('pulumi-aws')}" / "pulumi-resource-aws"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tests.fakes.pulumi_aws "$@"\n')
    plugin.chmod(0o755)
    plugin.parent.with_suffix(plugin.parent.suffix + ".lock").touch()
    return folder


def distribution(folder: Path, engine: Engine, project: Path) -> Path:
    """Pulumi's distribution in `folder`: a CLI whose Python host takes `virtualenv` from the project's Pulumi.yaml, as those of
    Pulumi's releases do. The host that is built from the SDK's modules is older: it is told by its flags."""
    folder.mkdir(parents=True)
    if engine.writes_code:
        for file in (engine.root / "bin").iterdir():
            (folder / file.name).symlink_to(file)
        return folder
    cli = engine.command.resolve()
    try:
        os.link(cli, folder / "pulumi")
    except OSError:
        shutil.copy(cli, folder / "pulumi")
    virtualenv = yaml.safe_load((project / "Pulumi.yaml").read_text())["runtime"]["options"]["virtualenv"]
    host = folder / "pulumi-language-python"
    older = cli.parent / "pulumi-language-python"
    host.write_text(f'#!/bin/sh\nexec "{older}" -root "{project}" -virtualenv "{virtualenv}" "$@"\n')
    host.chmod(0o755)
    return folder

"""The base of a project's image, pinned by its digest in pyproject.toml: a tag moves, and two machines would make two images.

In: a project and a reference; out: the project with its base, as its file says it now. The file changes in one step, and in that line alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from fogbank.contracts.config import TABLE, ProjectConfig
from fogbank.project.packaging.bases import default_base, made_here
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.settings import write_setting


def pinned_where_due(config: ProjectConfig, platforms: Sequence[str], steps: Steps) -> ProjectConfig:
    """The project with a base: the one that it has, else the one that was made here, else the default, pinned now. Raises as `pin`."""
    if config.base:
        return config
    if all(made_here(config.target.python, platform) for platform in platforms):
        steps.notice(
            "the base was made on this machine, and others make other images: `fogbank base --pin` takes one that all have"
        )
        return config
    return pin(config, "", steps)


def pin(config: ProjectConfig, reference: str, steps: Steps) -> ProjectConfig:
    """Ask the registry which digest a reference (by default Python's own image) has now, and write it into [tool.fogbank].

    Raises PackageError (`reference-invalid`), RegistryError, ProjectError (`pyproject-unreadable`).
    """
    from fogbank.image import Registry, logins_for, parse_reference

    named = parse_reference(reference or default_base(config.target.python))
    with steps("base") as step:
        step.progress(f"asking {named.host}")
        digest = Registry(named, logins_for(named, os.environ)).manifest(named.manifest_name).descriptor.digest
        base = str(named.at(digest))
        write_setting(config.root, "base", f'"{base}"')
        step.done(f"{base}, written into {TABLE}")
    return replace(config, base=base)

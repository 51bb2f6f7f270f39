"""The base below a project's image: the one that is set, else what `fogbank base` made, else Python's own from its registry; the latter two
for images that stay on this machine.

In: a project and a target; out: a `Base`. What is fetched or made is kept in this user's cache.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.dependencies import Target
from fogbank.contracts.errors import PackageError
from fogbank.project.workplace.events import Steps
from fogbank.project.workplace.installation import cached

if TYPE_CHECKING:
    from fogbank.image import Base, LayerStore

Progress = Callable[[str], None]
PIN = (
    "`fogbank base --pin` writes the digest of a base that all machines have into pyproject.toml; one of your own is named there as `base`: "
    "a reference with its digest, or the folder of an OCI layout"
)


def layer_store() -> LayerStore:
    """This user's layers."""
    from fogbank.image import LayerStore

    return LayerStore(cached("layers"))


def bases_folder(python: str) -> Path:
    """Where `fogbank base` leaves the bases of a Python version."""
    return cached("bases") / python


def base_for(config: ProjectConfig, target: Target, progress: Progress) -> Base:
    """The base of a project's image. Raises PackageError, RegistryError."""
    from fogbank.image import Layout, open_base

    if config.base and (config.root / config.base / "index.json").is_file():
        return open_base(Layout(config.root / config.base), config.base, target, cached("layers"))
    if not config.base and made_here(target.python, target.platform):
        return open_base(Layout(bases_folder(target.python)), f"debian-python{target.python}", target, cached("layers"))
    return _pull(config.base or default_base(target.python), target, progress)


def unpinned(config: ProjectConfig) -> str:
    """What the base would be that no file of the project says by its digest; empty where one does.

    A base that lies on this machine alone, or a tag that moves, makes another image than the next machine's.
    """
    if config.base:
        layout = (config.root / config.base / "index.json").is_file()
        return "" if layout or "@sha256:" in config.base else config.base
    python = config.target.python
    return "what `fogbank base` made here" if made_here(python, config.platform) else default_base(python)


def require_pinned(config: ProjectConfig, repository: str) -> None:
    """Raises PackageError (`base-unpinned`) for an image that is pushed where other machines' are."""
    from fogbank.image import parse_reference

    if not repository or parse_reference(repository).local:
        return
    if base := unpinned(config):
        raise PackageError(
            "base-unpinned",
            f"the image for {repository} would be built on {base}, and on another base by another machine",
            PIN,
        )


def default_base(python: str) -> str:
    """Python's own image, where nobody counts anonymous pulls by address (Docker Hub does: its documentation, "Pull rate limit").

    >>> default_base("3.11")
    'public.ecr.aws/docker/library/python:3.11-slim'
    """
    return f"public.ecr.aws/docker/library/python:{python}-slim"


def made_here(python: str, platform: str) -> bool:
    """Whether `fogbank base` made one for a Python and a platform on this machine."""
    from fogbank.image import Layout

    local = Layout(bases_folder(python))
    return (local.folder / "index.json").is_file() and platform in local.images()


def _pull(text: str, target: Target, progress: Progress) -> Base:
    """A base from a registry: what a digest names is fetched once, a tag once until its folder is removed."""
    from fogbank.image import Layout, Registry, logins_for, open_base, parse_reference, pull

    reference = parse_reference(text)
    folder = cached("pulled") / re.sub(r"[^\w.-]", "_", f"{reference}-{target.platform}")
    layout = Layout(folder)
    if not (folder / "index.json").is_file():
        progress(f"pulling {reference}")
        pull(Registry(reference, logins_for(reference, os.environ)), layout, target.platform, progress)
    name = f"{reference.host}/{reference.name}" + (f":{reference.tag}" if reference.tag else "")
    return open_base(layout, name, target, cached("layers"), pulled=True)


def make_bases(platforms: Sequence[str], python: str, mirror: str | None, steps: Steps) -> Path:
    """Make a base of Debian packages for each platform; the folder in which they lie. Raises PackageError."""
    from fogbank.image import make_base

    folder = bases_folder(python)
    for platform in platforms:
        with steps(f"base {platform}") as step:
            layout = make_base(Target(platform=platform, python=python), layer_store(), folder, mirror)
            image = layout.images()[platform]
            size = sum(item["size"] for item in layout.read(image)["layers"])
            step.done(f"{image.digest[:19]}, Python {python}, {size / 1e6:.0f} MB compressed")
    return folder

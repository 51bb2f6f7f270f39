"""The environment that a package's own dependencies make, and whether it takes one: in this Python they may all be there already.

In: requirements as a package has them; out: the Python that loads its model.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from fogbank.contracts.config import ProjectConfig, running_python
from fogbank.contracts.dependencies import WHEELS, Target, host_platform
from fogbank.contracts.errors import PackageError
from fogbank.project.workplace.installation import cached, server_pins


def python_for(requirements: Sequence[str], wheels: Path | None = None) -> Path:
    """The Python of the package's own environment, as the local cloud has it. Raises PackageError (`dependency-uninstallable`).

    `wheels` is the folder of those that came with the requirements.
    """
    from fogbank.cloud.hosting.environment import DependencyError, Environments

    try:
        return Environments(cached("environments"), server_pins).python_for(requirements, wheels)
    except DependencyError as error:
        raise PackageError("dependency-uninstallable", str(error), "look at the requirements") from error


def model_python(
    pins: Sequence[str],
    requirements: Sequence[str],
    wheels: Path | None = None,
    *,
    brought: bool,
    trained: Collection[str] = (),
) -> str:
    """This Python where it has the pins (`name==version`), else that of the requirements' own environment.

    A model that was `brought` may need what is not installed here, and so may one that was `trained` with that; for what is in
    neither the lock may name what only the container's platform has. Raises PackageError (`dependency-uninstallable`).
    """
    from fogbank.pack import differences

    different = differences(pins, missing=brought, trained=trained)
    return str(python_for(requirements, wheels)) if different else sys.executable


def training_python(config: ProjectConfig) -> str:
    """The Python that trains: this one, unless one of the project's `dependencies` is locked and not installed here as it is locked.

    Raises PackageError (`dependency-uninstallable`). Where the lock does not have them, pack says so.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    from fogbank.pack import lock_lines

    try:
        target = Target(platform=host_platform(), python=running_python())
        pins, lines = lock_lines(config.root, config.dependencies, target, config.state)
    except PackageError:
        return sys.executable
    own = {canonicalize_name(Requirement(name).name) for name in config.dependencies}
    wanted = [pin for pin in pins if pin.partition("==")[0] in own]
    return model_python(wanted, lines, config.state / WHEELS, brought=True)

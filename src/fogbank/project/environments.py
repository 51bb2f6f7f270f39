"""The environment that a package's own dependencies make, and whether it takes one: in this Python they may all be there already.

In: requirements as a package has them; out: the Python that loads its model.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fogbank.contracts.errors import PackageError
from fogbank.project.installation import cached, server_pins


def python_for(requirements: Sequence[str]) -> Path:
    """The Python of the package's own environment, as the local cloud has it. Raises PackageError (`dependency-uninstallable`)."""
    from fogbank.cloud.hosting.environment import DependencyError, Environments

    try:
        return Environments(cached("environments"), server_pins()).python_for(requirements)
    except DependencyError as error:
        raise PackageError("dependency-uninstallable", str(error), "look at the requirements") from error


def model_python(pins: Sequence[str], requirements: Sequence[str], *, brought: bool) -> str:
    """This Python where it has the pins (`name==version`), else that of the requirements' own environment.

    A model that was `brought` may need what is not installed here; for one that was trained here the lock may name what only the
    container's platform has, and other versions alone count. Raises PackageError (`dependency-uninstallable`).
    """
    from fogbank.pack import differences

    return str(python_for(requirements)) if differences(pins, missing=brought) else sys.executable

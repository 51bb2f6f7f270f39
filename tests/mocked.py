"""A project's own program by the engine's mocks: in this process, against a cloud, with the settings of its local stack."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import get_root_resource

from fogbank.testing import CloudProcess, Deployment, deploy_with_mocks
from fogbank.testing.deployment import collect_pulumis_leftovers


def deployed(root: Path, cloud: CloudProcess) -> Deployment:
    """What `up` of the local stack would make, and its outputs. Raises EngineError."""

    def program() -> Mapping[str, Any]:
        settings = yaml.safe_load((root / "Pulumi.local.yaml").read_text())["config"]
        pulumi.runtime.set_all_config({key: value for key, value in settings.items() if isinstance(value, str)})
        runpy.run_path(str(root / "infra" / "__main__.py"), run_name="__main__")
        outputs: Mapping[str, Any] = get_root_resource().outputs  # type: ignore[union-attr]  # mocks have a Stack
        return outputs

    with _modules_of(root / "infra"):
        deployment = deploy_with_mocks(program, cloud)
    collect_pulumis_leftovers()
    return deployment


@contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """The program's modules are found, and forgotten afterwards: another program has others of the same names."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [path.stem for path in folder.glob("*.py")]:
            if name != "__main__":
                sys.modules.pop(name, None)

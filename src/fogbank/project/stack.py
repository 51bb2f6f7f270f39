"""The project's Pulumi stacks: which engine drives them, which of them are the local cloud's.

In: a project and a stack's name; out: a `StackDriver`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from fogbank.contracts.config import ProjectConfig
from fogbank.project.cloud import cloud_address
from fogbank.project.installation import engine_recipes

if TYPE_CHECKING:
    from fogbank.engine.locate import Engine
    from fogbank.engine.stack import StackDriver

LOCAL = "local"


def find_engine(progress: Callable[[str], None], *, fetch: bool = True) -> Engine:
    """The Pulumi engine. Raises EngineError."""
    from fogbank.engine.locate import find

    return find(os.environ, engine_recipes(), progress, fetch=fetch)


def is_local(config: ProjectConfig, stack: str) -> bool:
    """Whether a stack is the local cloud's: its file has aws:endpoints on this machine."""
    file = config.root / f"Pulumi.{stack}.yaml"
    return stack == LOCAL or (file.is_file() and "aws:endpoints" in file.read_text())


def driver(config: ProjectConfig, engine: Engine, stack: str) -> StackDriver:
    """The engine over a stack of the project; a local stack needs the cloud. Raises CloudError."""
    from fogbank.engine.stack import StackDriver, stack_environment

    address = cloud_address(config) if is_local(config, stack) else None
    environment = stack_environment(
        config.pulumi, engine, address.url if address else None, address.provider_port if address else None
    )
    return StackDriver(config.root, engine, environment, stack)

"""What a project's own tests use: a pytest plugin with a local cloud of the test's own, and Pulumi programs on it.

pytest imports this package in every run of an environment that has fogbank, so its rooms are imported when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.testing.cloud import CloudProcess
    from fogbank.testing.deployment import Deployment, deploy_with_engine, deploy_with_mocks
    from fogbank.testing.policy import broken_rules

__all__ = ["CloudProcess", "Deployment", "broken_rules", "deploy_with_engine", "deploy_with_mocks"]
_ROOMS = {
    "fogbank.testing.cloud": {"CloudProcess"},
    "fogbank.testing.deployment": {"Deployment", "deploy_with_engine", "deploy_with_mocks"},
    "fogbank.testing.policy": {"broken_rules"},
}

if not TYPE_CHECKING:  # a type checker knows the names above, and that there are no others

    def __getattr__(name: str) -> object:
        """A public name, from the room that it lives in."""
        from importlib import import_module

        for room, names in _ROOMS.items():
            if name in names:
                return getattr(import_module(room), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

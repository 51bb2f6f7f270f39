"""Variants that are scalable targets, as an endpoint's update and deletion see them.

In: who registers, and deployments; out: nothing, or the ValidationException. Sources: SageMaker Developer Guide, "Update endpoints that use
auto scaling" and "Delete endpoints configured for auto scaling".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from fogbank.cloud.api.errors import validation
from fogbank.cloud.hosting.deployment import Deployment


class Targets(Protocol):
    """The scalable targets that there are."""

    def registered(self, region: str, endpoint: str) -> Collection[str]:
        """The endpoint's variants that are scalable targets."""

    def deregister(self, region: str, endpoint: str) -> None:
        """The endpoint goes, and its targets before it, with their policies."""


class NoTargets:
    """Nothing scales."""

    def registered(self, region: str, endpoint: str) -> Collection[str]:
        """None."""
        del region, endpoint
        return ()

    def deregister(self, region: str, endpoint: str) -> None:
        """Nothing to do."""


def check_scaled(registered: Collection[str], live: Deployment, deployment: Deployment) -> None:
    """A variant that is a scalable target stays, on the instance type that it has. Raises ValidationException."""
    before, after = _instance_types(live), _instance_types(deployment)
    moved = [name for name in sorted(registered) if name in before and before[name] != after.get(name)]
    if moved:
        raise validation(
            f'The variant(s) "[{", ".join(moved)}]" must be deregistered as scalable targets with AWS Auto Scaling before they can be '
            "removed or have their instance type updated."
        )


def _instance_types(deployment: Deployment) -> dict[str, str]:
    """The production variants' instance types; serverless ones have an empty one."""
    return {variant["VariantName"]: variant.get("InstanceType", "") for variant in deployment.variants}

"""Where a model's containers are in the network: in subnets of a VPC, or without any network at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from fogbank.components.refusals import refuse


@dataclass(frozen=True, kw_only=True)
class Network:
    """`subnets` and `security_groups` put the model into a VPC (CreateModel's VpcConfig: 1 to 16 and 1 to 5); `isolated` cuts it off from
    the network (EnableNetworkIsolation)."""

    subnets: Sequence[pulumi.Input[str]] = ()
    security_groups: Sequence[pulumi.Input[str]] = ()
    isolated: bool = False

    def __post_init__(self) -> None:
        """Refuse what SageMaker would, all of it at once."""
        problems = []
        if bool(self.subnets) != bool(self.security_groups):
            problems.append("subnets and security_groups go together: a VPC needs both")
        if len(self.subnets) > 16:
            problems.append(f"at most 16 subnets, not {len(self.subnets)}")
        if len(self.security_groups) > 5:
            problems.append(f"at most 5 security_groups, not {len(self.security_groups)}")
        if not (self.subnets or self.security_groups or self.isolated):
            problems.append("a network needs subnets and security_groups, or isolated=True")
        refuse(problems)

    def args(self) -> dict[str, Any]:
        """A Model's arguments."""
        vpc = {"subnets": [*self.subnets], "security_group_ids": [*self.security_groups]}
        return {
            **({"vpc_config": vpc} if self.subnets else {}),
            **({"enable_network_isolation": True} if self.isolated else {}),
        }

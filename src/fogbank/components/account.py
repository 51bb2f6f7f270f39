"""Where a program's stack is: the partition of AWS and the account, as its provider says, and what policies say of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account and region that a component's provider works in. `partition` is `aws`, `aws-cn`, `aws-us-gov` ..., `dns_suffix` what the
    names of its hosts end in."""

    partition: pulumi.Output[str]
    id: pulumi.Output[str]
    region: pulumi.Output[str]
    dns_suffix: pulumi.Output[str]

    @classmethod
    def of(cls, component: pulumi.Resource) -> Account:
        """Asked of the component's own provider."""
        options = pulumi.InvokeOptions(parent=component)
        partition = aws.get_partition_output(opts=options)
        return cls(
            partition=partition.partition,
            id=aws.get_caller_identity_output(opts=options).account_id,
            region=aws.get_region_output(opts=options).region,
            dns_suffix=partition.dns_suffix,
        )

    def trust(self, service: str) -> pulumi.Output[str]:
        """The trust policy that lets one service of AWS assume a role, for what it does in this account alone."""
        return self.id.apply(lambda account: trust_policy(service, account))


def trust_policy(service: str, account: str) -> str:
    """A trust policy. Its condition is AWS's advice against the confused deputy (IAM User Guide, "The confused deputy problem")."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

"""What a project's program declares on AWS, in accounts of several partitions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fogbank.project.declared.declaration import Place, declared

Resources = dict[str, dict[str, Any]]
ACCOUNT = "210987654321"
REGIONS = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:{'0' * 64}"


def by_case(root: Path, cases: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Resources]:
    """By stack and partition: the resources by their logical names, each with its `type` and `inputs`, and what is `refused` of it."""
    return {
        (stack, partition): {
            each.name: {"type": each.type, "inputs": dict(each.inputs), "refused": list(each.refused)}
            for each in declared(root, place(stack, partition))
        }
        for stack, partition in cases
    }


def place(stack: str, partition: str = "aws", **config: str) -> Place:
    """An account of a partition."""
    return Place(
        stack=stack, region=REGIONS[partition], account=ACCOUNT, partition=partition, config={"fogbank:image": IMAGE, **config}
    )  # fmt: skip

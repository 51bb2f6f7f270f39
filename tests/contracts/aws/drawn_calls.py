"""Parameters of SageMaker's calls, drawn from botocore's shapes and from what the local cloud says that it supports."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.cloud.api.supported import Support, table
from tests.contracts.aws.served import ROLE

SAGEMAKER = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
NEVER = "cron(0 0 1 1 ? 2199)"
WORDS = (
    "name-1", "a", "ml.m5.large", "s3://bucket/key", "s3://bucket/key/", ROLE, "arn:aws:sagemaker:us-east-1:123456789012:model/m", "2024-01-01",
    "PT1H", "123", "text/csv", "application/json", "some words", "https://host/x", "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1", "ü",
)  # fmt: skip
"""Of these a string takes one that its pattern and limits allow."""
ALWAYS = frozenset(
    {
        "PrimaryContainer",
        "ModelName",
        "ProblemType",
        "S3Uri",
        "InstanceType",
        "InitialInstanceCount",
        "EndpointInput",
        "GroundTruthS3Input",
        "Specification",
        "ComputeResourceRequirements",
        "RuntimeConfig",
        "VariantName",
    }
)
"""Members that no shape requires, without which calls are refused."""
MORE = 0.3
"""How often a member is there that need not be."""
LACKING = 0.003
"""How often a member is there that the local cloud refuses by name."""
Draw = Callable[[random.Random], Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of resource: its calls by their stem, its name's member, and where List has its names."""

    stem: str
    key: str
    answer: str
    listed: str = ""

    def input(self, chance: random.Random, named: Mapping[str, Draw]) -> dict[str, Any]:
        """Parameters of its Create call."""
        shape = SAGEMAKER.operation_model(f"Create{self.stem}").input_shape
        drawn: dict[str, Any] = value(chance, shape, named)
        return drawn

    def described(self) -> frozenset[str]:
        """The members that Describe has."""
        return frozenset(SAGEMAKER.operation_model(f"Describe{self.stem}").output_shape.members)


def value(chance: random.Random, shape: Any, named: Mapping[str, Draw], depth: int = 8) -> Any:
    """A value of a shape; members that `named` has are drawn by it, and left out where it draws None."""
    kind, rules = shape.type_name, shape.metadata
    if kind == "structure":
        drawn = {
            name: named[name](chance) if name in named else value(chance, shape.members[name], named, depth - 1)
            for name in chosen(chance, shape, depth)
        }
        return {name: item for name, item in drawn.items() if item is not None}
    if kind == "list":
        least = rules.get("min", 0)
        count = min(least + chance.randrange(3), rules.get("max", 9)) if depth > 0 else least
        return [value(chance, shape.member, named, depth - 1) for _ in range(count)]
    if kind == "map":
        return {f"k{number}": value(chance, shape.value, named, depth - 1) for number in range(chance.randrange(2))}
    if kind in {"integer", "long"}:
        least = rules.get("min", 0)
        return chance.choice([least, least + 1, min(least + 7, rules.get("max", least + 7))])
    if kind in {"float", "double"}:
        return chance.choice([1.0, 0.5, 0.0])
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "timestamp":
        return datetime(2026, 1, 1, tzinfo=UTC)
    return word(chance, shape)


def seldom(draw: Draw) -> Draw:
    """A draw that mostly leaves the member out: with it most calls are refused."""
    return lambda chance: draw(chance) if chance.random() < 0.05 else None


def chosen(chance: random.Random, shape: Any, depth: int) -> list[str]:
    """What must be there, and some of what may be."""
    support = table().get(shape.name, Support(works=frozenset(shape.members)))

    def odds(name: str) -> float:
        if name in shape.required_members or name in ALWAYS:
            return 1
        return (MORE if name in support.works | support.inert else LACKING) if depth > 0 else 0

    return [name for name in shape.members if chance.random() < odds(name)]


def word(chance: random.Random, shape: Any) -> str:
    """A string that its shape allows, where one is at hand."""
    if shape.enum:
        return str(chance.choice(shape.enum))
    rules = shape.metadata
    try:
        pattern = re.compile(re.sub(r"\\p\{\w+\}", "A-Za-z", rules.get("pattern", ".*")))
    except re.error:  # Java's patterns have more than Python's
        pattern = re.compile(".*")
    allowed = [
        each
        for each in WORDS
        if pattern.fullmatch(each) and rules.get("min", 0) <= len(each) <= rules.get("max", 2**20)
    ]
    return chance.choice(allowed or ["a"])


def agrees(given: Any, told: Any) -> bool:
    """Whether all that was given is told again; more may be."""
    if isinstance(given, dict):
        return isinstance(told, dict) and all(
            agrees(item, told.get(name)) for name, item in given.items() if item not in ({}, [], None)
        )
    if isinstance(given, list):
        return (
            isinstance(told, list)
            and len(given) == len(told)
            and all(agrees(*each) for each in zip(given, told, strict=True))
        )
    return bool(given == told)

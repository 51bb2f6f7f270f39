"""Packages beside a service's own: other models in the same container, or other containers in front of it and behind it.

In: values that refuse what they cannot be; out: arguments of pulumi-aws's Model, and what SageMaker does with neither. Pure. Sources: the
API reference, ContainerDefinition and InferenceExecutionConfig; the Developer Guide, "Multi-model endpoints", "Inference pipelines",
"Invoke a multi-container endpoint with direct invocation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from fogbank.components.refusals import refuse
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.names import SAGEMAKER
from fogbank.ground.digest import canonical_json, sha256_bytes

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MOST_CONTAINERS = 15


@dataclass(frozen=True, kw_only=True)
class MultiModel:
    """Other models in the service's container: a request names its one by TargetModel, `<name>.tar.gz`; the service's own is called by its
    package's name. All share the image, the role and the environment of the service. `cached=False` unloads a model after each answer."""

    models: Mapping[str, Manifest]
    cached: bool = True

    def __post_init__(self) -> None:
        """Refuse names that could be no object's."""
        refuse([f"models has {name!r}, which is no name" for name in self.models if not MODEL_NAME.fullmatch(name)])

    def packages(self, own: Manifest) -> dict[str, Manifest]:
        """Every package by its model's name. Raises ValueError for those that cannot be in one container."""
        problems = [
            f"{name} has the handler {each.package.handler}, and the service's own {own.package.handler}: one environment says it for all"
            for name, each in self.models.items()
            if each.package.handler != own.package.handler
        ]
        if own.name in self.models:
            problems.append(f"models has {own.name!r}, which is the name of the service's own package")
        refuse(problems)
        return {own.name: own, **self.models}

    def digest(self, own: Manifest) -> str:
        """Of all that is served: another content is another prefix, so that no instance keeps a model that has changed."""
        digests = {name: each.artifact_sha256 for name, each in self.packages(own).items()}
        return sha256_bytes(canonical_json(digests))

    @property
    def arguments(self) -> dict[str, Any]:
        """A container's own."""
        cache = {} if self.cached else {"multi_model_config": {"model_cache_setting": "Disabled"}}
        return {"mode": "MultiModel", **cache}


@dataclass(frozen=True, kw_only=True)
class Step:
    """Another container, called `name`: a package and the image that serves it."""

    name: str
    package: Manifest
    image: pulumi.Input[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Other containers on each instance. A request passes those `before`, the service's own, which is called `name`, and those `after`: what one
    answers is the next one's request. With `direct` it goes to the one that TargetContainerHostname names instead."""

    before: Sequence[Step] = ()
    after: Sequence[Step] = ()
    name: str = "model"
    direct: bool = False

    def __post_init__(self) -> None:
        """Refuse what SageMaker would, all of it at once."""
        names = [step.name for step in self.before] + [self.name] + [step.name for step in self.after]
        problems = [f"{name!r} is no host name" for name in names if not SAGEMAKER.fullmatch(name)]
        problems += [
            f"{names.count(name)} containers are called {name!r}" for name in set(names) if names.count(name) > 1
        ]
        if not 2 <= len(names) <= MOST_CONTAINERS:
            problems.append(f"a pipeline has 2 to {MOST_CONTAINERS} containers, not {len(names)}")
        refuse(problems)

    @property
    def images(self) -> list[pulumi.Input[str]]:
        """Of the containers beside the service's own."""
        return [step.image for step in (*self.before, *self.after)]

    @property
    def arguments(self) -> dict[str, Any]:
        """A Model's own, beside its containers."""
        return {"inference_execution_config": {"mode": "Direct"}} if self.direct else {}


Others = MultiModel | Pipeline


def addressed(others: Others | None) -> bool:
    """Whether a request must name what answers it."""
    return isinstance(others, MultiModel) or (isinstance(others, Pipeline) and others.direct)


def not_in_batches(others: Others | None) -> Iterator[str]:
    """Batch transform has no member to name a model or a container."""
    if addressed(others):
        yield "a batch transform names neither a model nor a container: give the batch a service without them"


def not_monitored(others: Others | None, *, by_columns: bool) -> Iterator[str]:
    """What a monitor could not tell apart (the Developer Guide: Model Monitor does not support multi-model endpoints)."""
    if addressed(others):
        yield "captured records do not say which model or container answered: a monitor looks at one model"
    elif by_columns and isinstance(others, Pipeline) and others.before:
        yield "what is captured has the columns of the first container, and the service's package has others: a monitor cannot name them"

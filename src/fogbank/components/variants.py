"""What serves behind an endpoint: variants of a model on instances or serverless, each a value that refuses what it cannot be.

In: values; out: pulumi-aws's arguments of an EndpointConfiguration, and every contradiction between values that SageMaker would find
after minutes. Pure. Sources: botocore's model of CreateEndpointConfig; the Developer Guide's "Deploy models with SageMaker Serverless
Inference", "Feature exclusions", and "Shadow variants".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from fogbank.components.asynchronous import Asynchronous
from fogbank.components.others import MultiModel, Pipeline, addressed
from fogbank.components.refusals import refuse
from fogbank.components.scaling import Scaling
from fogbank.components.service import ModelService
from fogbank.contracts.names import check_name

ALL_TRAFFIC = "AllTraffic"
ROUTINGS = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")
INSTANCE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+")
MEMORY_MB = tuple(range(1024, 6145, 1024))
MOST_CONCURRENT = 200
MOST_VARIANTS = 10


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Which share of requests is recorded: `sampling` in percent, 0 to 100. `kms_key` encrypts the records."""

    sampling: int = 100
    kms_key: pulumi.Input[str] | None = None

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.sampling <= 100:
            raise ValueError(f"sampling must be 0 to 100 percent, not {self.sampling}")

    def args(self, destination: pulumi.Input[str]) -> dict[str, Any]:
        """Input and output of CSV and JSON, below an S3 URI; the content types are a set, and lists in order."""
        key = {"kms_key_id": self.kms_key} if self.kms_key is not None else {}
        return {
            "enable_capture": True,
            "initial_sampling_percentage": self.sampling,
            "destination_s3_uri": destination,
            **key,
            "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
            "capture_content_type_header": {
                "csv_content_types": ["text/csv"],
                "json_content_types": ["application/json"],
            },
        }


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How patient SageMaker is with an instance, and what it gives it; what is None is SageMaker's default.

    `startup_timeout_s` and `download_timeout_s` are 60 to 3600: how long a container may take to answer /ping, and the model's artifact
    to arrive. `volume_gb` is the size of the disk, `ami_version` of the host's image, `routing` `RANDOM` or
    `LEAST_OUTSTANDING_REQUESTS`.
    """

    startup_timeout_s: int | None = None
    download_timeout_s: int | None = None
    volume_gb: int | None = None
    ami_version: str | None = None
    routing: str | None = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would."""
        for name in ("startup_timeout_s", "download_timeout_s"):
            seconds = getattr(self, name)
            if seconds is not None and not 60 <= seconds <= 3600:
                raise ValueError(f"{name} must be 60 to 3600 seconds, not {seconds}")
        if self.volume_gb is not None and not 1 <= self.volume_gb <= 512:
            raise ValueError(f"volume_gb must be 1 to 512, not {self.volume_gb}")
        if self.routing not in {None, *ROUTINGS}:
            raise ValueError(f"routing must be {' or '.join(ROUTINGS)}, not {self.routing!r}")

    @property
    def arguments(self) -> dict[str, Any]:
        """A variant's own arguments, those that are given."""
        arguments = {
            "container_startup_health_check_timeout_in_seconds": self.startup_timeout_s,
            "model_data_download_timeout_in_seconds": self.download_timeout_s,
            "volume_size_in_gb": self.volume_gb,
            "inference_ami_version": self.ami_version,
            "routing_configs": [{"routing_strategy": self.routing}] if self.routing else None,
        }
        return {name: value for name, value in arguments.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """Instances that are there all the time: `count` of a type such as `ml.m5.large`, which `scaling` changes by the traffic."""

    instance_type: str = "ml.m5.large"
    count: int = 1
    hosting: Hosting = Hosting()
    scaling: Scaling | None = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would, all of it at once."""
        problems = []
        if not INSTANCE.fullmatch(self.instance_type):
            problems.append(f"instance_type must be one such as ml.m5.large, not {self.instance_type!r}")
        if self.count < 1:
            problems.append(f"instance_count must be at least 1, not {self.count}")
        elif self.scaling and not max(1, self.scaling.least) <= self.count <= self.scaling.most:
            bounds = f"{self.scaling.least} to {self.scaling.most}"
            problems.append(f"count must be within scaling's {bounds}, not {self.count}")
        refuse(problems)

    def args(self) -> dict[str, Any]:
        """A variant's arguments."""
        return {
            "instance_type": self.instance_type,
            "initial_instance_count": self.count,
            **self.hosting.arguments,
        }


@dataclass(frozen=True, kw_only=True)
class Serverless:
    """Capacity by the request: `memory_mb` is 1024 to 6144 in steps of 1024, `concurrency` the most requests at once (up to 200), and
    `kept_warm` how many of them are ready all the time (ProvisionedConcurrency)."""

    memory_mb: int = 2048
    concurrency: int = 5
    kept_warm: int | None = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would, all of it at once."""
        problems = []
        if self.memory_mb not in MEMORY_MB:
            problems.append(f"memory_mb must be one of {', '.join(map(str, MEMORY_MB))}, not {self.memory_mb}")
        if not 1 <= self.concurrency <= MOST_CONCURRENT:
            problems.append(f"concurrency must be 1 to {MOST_CONCURRENT}, not {self.concurrency}")
        if self.kept_warm is not None and not 1 <= self.kept_warm <= self.concurrency:
            problems.append(f"kept_warm must be 1 to concurrency ({self.concurrency}), not {self.kept_warm}")
        refuse(problems)

    def args(self) -> dict[str, Any]:
        """A variant's arguments."""
        warm = {"provisioned_concurrency": self.kept_warm} if self.kept_warm else {}
        return {"serverless_config": {"memory_size_in_mb": self.memory_mb, "max_concurrency": self.concurrency, **warm}}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A model and what it runs on. Of all requests it gets the share of its `weight` in the sum of all weights."""

    service: ModelService
    on: Provisioned | Serverless = Provisioned()
    name: str = ALL_TRAFFIC
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what SageMaker would."""
        check_name("a variant's name", self.name)
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"weight must be a number from 0 up, not {self.weight}")

    def args(self) -> dict[str, Any]:
        """An EndpointConfiguration's variant."""
        return {
            "variant_name": self.name,
            "model_name": self.service.model_name,
            **self.on.args(),
            "initial_variant_weight": float(self.weight),
        }


def endpoint_config(
    variants: Sequence[Variant],
    shadow: Variant | None,
    capture: Mapping[str, Any] | None,
    kms_key: pulumi.Input[str] | None,
    asynchronous: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An EndpointConfiguration's arguments; those that are not given are left out, so that writing a default out changes nothing."""
    arguments: dict[str, Any] = {"production_variants": [variant.args() for variant in variants]}
    if shadow is not None:
        arguments["shadow_production_variants"] = [shadow.args()]
    if capture is not None:
        arguments["data_capture_config"] = dict(capture)
    if kms_key is not None:
        arguments["kms_key_arn"] = kms_key
    if asynchronous is not None:
        arguments["async_inference_config"] = dict(asynchronous)
    return arguments


def contradictions(
    variants: Sequence[Variant],
    shadow: Variant | None,
    capture: DataCapture | None,
    kms_key: object,
    asynchronous: Asynchronous | None = None,
) -> Iterator[str]:
    """What SageMaker would refuse of these values together."""
    every = [*variants, *([shadow] if shadow else [])]
    if not 1 <= len(variants) <= MOST_VARIANTS:
        yield f"an endpoint has 1 to {MOST_VARIANTS} variants, not {len(variants)}"
    for name, times in Counter(variant.name for variant in every).items():
        if times > 1:
            yield f"{times} variants are called {name!r}: give each a name of its own"
    if variants and not sum(variant.weight for variant in variants):
        yield "the variants' weights sum to 0: no request would be answered"
    if shadow is not None and len(variants) != 1:
        yield f"an endpoint with a shadow has one variant, not {len(variants)}"
    if any(isinstance(variant.on, Serverless) for variant in every):
        yield from _of_serverless(every, capture, kms_key)
    if asynchronous is not None:
        yield from _of_asynchronous(every, shadow)
    else:
        yield from _never_zero(every)
    if shadow is not None and any(variant.service.others is not None for variant in every):
        yield "a shadow goes with models of one container alone: neither with a MultiModel nor with a Pipeline"


def _of_serverless(every: Sequence[Variant], capture: DataCapture | None, kms_key: object) -> Iterator[str]:
    """What the Developer Guide's "Feature exclusions" of serverless inference say."""
    if len(every) > 1:
        yield f"an endpoint with a serverless variant has no other variant, and it has {len(every)}"
    if capture is not None:
        yield "serverless variants capture nothing: take capture away, or run on Provisioned(...)"
    if kms_key is not None:
        yield "serverless variants have no disk that kms_key could encrypt: take it away"
    for variant in every:
        if isinstance(variant.on, Serverless) and variant.service.network is not None:
            yield f"variant {variant.name} is serverless, and its model is in a VPC or isolated: serverless has neither"
        if isinstance(variant.on, Serverless) and variant.service.for_gpus:
            yield f"variant {variant.name} is serverless, and its image is one for GPUs, which serverless has none of: take the image for CPUs"
        if isinstance(variant.on, Serverless) and isinstance(variant.service.others, MultiModel | Pipeline):
            kind = type(variant.service.others).__name__
            yield f"variant {variant.name} is serverless, and its service has a {kind}: serverless has one model in one container"


def _of_asynchronous(every: Sequence[Variant], shadow: Variant | None) -> Iterator[str]:
    """What goes not with requests that wait. That they have a single variant says the author of CDK's constructs (aws/aws-cdk-rfcs#433)."""
    if (count := sum(variant is not shadow for variant in every)) > 1:
        yield f"an asynchronous endpoint has one variant, and it has {count}"
    if any(isinstance(variant.on, Serverless) for variant in every):
        yield "an asynchronous endpoint runs on instances: serverless variants answer at once"
    if shadow is not None:
        yield "an asynchronous endpoint has no shadow"
    for variant in every:
        if addressed(variant.service.others):
            yield f"variant {variant.name}: InvokeEndpointAsync names neither a model nor a container"


def _never_zero(every: Sequence[Variant]) -> Iterator[str]:
    """Only requests that wait can wait for an instance."""
    for variant in every:
        if isinstance(variant.on, Provisioned) and variant.on.scaling and not variant.on.scaling.least:
            yield f"variant {variant.name}: only an asynchronous endpoint may go to no instance, so scaling's least must be at least 1"

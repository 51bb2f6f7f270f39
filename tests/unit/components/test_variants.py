"""What serves behind an endpoint: values known to pulumi-aws and to SageMaker, and what SageMaker would refuse, refused at once."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.components import (
    Asynchronous,
    DataCapture,
    Endpoint,
    Hosting,
    Network,
    Provisioned,
    Scaling,
    Serverless,
    Variant,
)
from fogbank.components.others import MultiModel, Others, Pipeline, Step
from fogbank.components.variants import contradictions, endpoint_config
from fogbank.contracts import tokens
from fogbank.contracts.registries import for_gpus
from fogbank.provider.standin import TABLE

ALL = Hosting(
    startup_timeout_s=600, download_timeout_s=900, volume_gb=50, ami_version="al2-ami-sagemaker-inference-gpu-2", routing="RANDOM"
)  # fmt: skip


def camel(name: str) -> str:
    """As pulumi-aws's properties are called."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def test_pulumi_aws_and_the_api_know_every_argument() -> None:
    arguments = {camel(name): value for name, value in ALL.arguments.items()}
    arguments["routingConfigs"] = [{"routingStrategy": "RANDOM"}]
    variant = {"modelName": "m", "instanceType": "ml.m5.large", "initialInstanceCount": 1, **arguments}

    assert len(arguments) == 5
    assert TABLE[tokens.ENDPOINT_CONFIGURATION].check({"name": "c", "productionVariants": [variant]}) == []


def test_what_is_not_given_is_sagemakers_own() -> None:
    assert Hosting().arguments == {}
    assert Hosting(startup_timeout_s=60).arguments == {"container_startup_health_check_timeout_in_seconds": 60}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"startup_timeout_s": 59}, "startup_timeout_s must be 60 to 3600"),
        ({"download_timeout_s": 3601}, "download_timeout_s must be 60 to 3600"),
        ({"volume_gb": 513}, "volume_gb must be 1 to 512"),
        ({"routing": "ROUND_ROBIN"}, "routing must be LEAST_OUTSTANDING_REQUESTS or RANDOM"),
    ],
)
def test_what_sagemaker_would_refuse_is_refused(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Hosting(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def variant(
    name: str = "a", *, network: Network | None = None, others: Others | None = None, image: str = "i", **values: Any
) -> Variant:
    """A variant of a service that is declared nowhere."""
    service: Any = SimpleNamespace(model_name="m", network=network, others=others, for_gpus=for_gpus(image))
    return Variant(service=service, name=name, **values)


def test_the_arguments_are_those_that_are_given_and_no_more() -> None:
    plain = endpoint_config([variant()], None, None, None)

    assert plain == {
        "production_variants": [
            {"variant_name": "a", "model_name": "m", "instance_type": "ml.m5.large", "initial_instance_count": 1,
             "initial_variant_weight": 1.0}
        ]
    }  # fmt: skip
    written = Variant(
        service=variant().service, name="a", on=Provisioned(instance_type="ml.m5.large", count=1), weight=1
    )
    assert endpoint_config([written], None, None, None) == plain, "a default that is written out changes nothing"


def test_every_part_is_there_when_it_is_given() -> None:
    found = endpoint_config([variant()], variant("s"), DataCapture(kms_key="k").args("s3://b/capture"), "arn:key")

    assert found["shadow_production_variants"][0]["variant_name"] == "s"
    assert found["data_capture_config"]["kms_key_id"] == "k"
    assert found["kms_key_arn"] == "arn:key"


def test_serverless_is_memory_and_concurrency() -> None:
    arguments = variant(on=Serverless(memory_mb=3072, concurrency=10, kept_warm=2)).args()

    assert arguments["serverless_config"] == {
        "memory_size_in_mb": 3072,
        "max_concurrency": 10,
        "provisioned_concurrency": 2,
    }
    assert "instance_type" not in arguments


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Provisioned(instance_type="m5.large"), "instance_type must be one such as ml.m5.large"),
        (lambda: Provisioned(count=0), "instance_count must be at least 1"),
        (lambda: Provisioned(count=5, scaling=Scaling(least=1, most=4, per_instance=100)), "within scaling's 1 to 4, not 5"),
        (lambda: Serverless(memory_mb=2000), "memory_mb must be one of 1024, 2048"),
        (lambda: Serverless(memory_mb=1, concurrency=0), "2 problems"),
        (lambda: Serverless(concurrency=4, kept_warm=5), "kept_warm must be 1 to concurrency"),
        (lambda: variant("a_b"), "a variant's name must be"),
        (lambda: variant(weight=-1), "weight must be a number from 0 up"),
        (lambda: variant(weight=float("nan")), "weight must be a number from 0 up"),
        (lambda: Scaling(least=0, most=0, per_instance=0), "2 problems"),
        (lambda: Scaling(least=2, most=1, per_instance=1), "least must be 0 to most"),
        (lambda: Scaling(least=1, most=1, per_instance=1, cooldown_s=-1), "cooldown_s must be 0"),
        (Network, "a network needs subnets and security_groups, or isolated=True"),
        (lambda: Network(subnets=["s"]), "go together"),
        (lambda: Network(subnets=["s"] * 17, security_groups=["g"] * 6), "2 problems"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_says_why(build: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build()


@pytest.mark.parametrize(
    ("variants", "shadow", "said"),
    [
        ([], None, ["an endpoint has 1 to 10 variants, not 0"]),
        ([variant(str(number)) for number in range(11)], None, ["an endpoint has 1 to 10 variants, not 11"]),
        (
            [variant("a", weight=0), variant("b", weight=0)],
            None,
            ["the variants' weights sum to 0: no request would be answered"],
        ),
        ([variant("a"), variant("a")], None, ["2 variants are called 'a': give each a name of its own"]),
        ([variant("a"), variant("b")], variant("s"), ["an endpoint with a shadow has one variant, not 2"]),
        ([variant("a")], variant("s"), []),
        ([variant("a", weight=0), variant("b")], None, []),
    ],
)
def test_variants_that_cannot_be_together(variants: list[Variant], shadow: Variant | None, said: list[str]) -> None:
    assert list(contradictions(variants, shadow, None, None)) == said


def test_all_that_serverless_excludes_is_told_at_once() -> None:
    private = variant("b", on=Serverless(), network=Network(isolated=True))
    said = list(contradictions([variant("a"), private], None, DataCapture(), "key"))

    assert [text.split(",")[0].split(":")[0] for text in said] == [
        "an endpoint with a serverless variant has no other variant", "serverless variants capture nothing",
        "serverless variants have no disk that kms_key could encrypt", "variant b is serverless",
    ]  # fmt: skip
    assert list(contradictions([variant(on=Serverless())], None, None, None)) == []


@pytest.mark.parametrize(
    ("tag", "gpus"),
    [
        ("2.1.0-gpu-py310", True),
        ("2.1.0-cpu-py310", False),
        ("py3.12-cu124", True),
        ("accurate-1", False),
        ("1", False),
    ],
)
def test_an_image_for_gpus_goes_not_with_serverless(tag: str, gpus: bool) -> None:
    image = f"763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:{tag}"
    said = list(contradictions([variant(on=Serverless(), image=image)], None, None, None))

    assert [text.split(",")[1] for text in said] == [" and its image is one for GPUs"] * gpus
    assert list(contradictions([variant(image=image)], None, None, None)) == []


MANY, DIRECT, SERIAL = (
    MultiModel(models={}),
    Pipeline(after=[Step(name="b", package=Any, image="i")], direct=True),  # type: ignore[arg-type]  # not looked at
    Pipeline(after=[Step(name="b", package=Any, image="i")]),  # type: ignore[arg-type]  # likewise
)
TO_ZERO = Provisioned(scaling=Scaling(least=0, most=2, per_instance=5))


@pytest.mark.parametrize(
    ("of", "shadow", "asynchronous", "said"),
    [
        (variant(others=MANY), None, None, []),
        (variant(others=SERIAL), None, Asynchronous(), []),
        (variant(on=TO_ZERO), None, Asynchronous(), []),
        (variant(on=TO_ZERO), None, None, ["only an asynchronous endpoint may go to no instance"]),
        (variant(others=MANY), None, Asynchronous(), ["names neither a model nor a container"]),
        (variant(others=DIRECT), None, Asynchronous(), ["names neither a model nor a container"]),
        (variant(on=Serverless()), None, Asynchronous(), ["runs on instances"]),
        (variant(), variant("s"), Asynchronous(), ["has no shadow"]),
        (variant(others=MANY), variant("s"), None, ["a shadow goes with models of one container"]),
        (variant(), variant("s", others=SERIAL), None, ["a shadow goes with models of one container"]),
        (variant(on=Serverless(), others=MANY), None, None, ["its service has a MultiModel"]),
        (variant(on=Serverless(), others=SERIAL), None, None, ["its service has a Pipeline"]),
    ],
)
def test_kinds_of_inference_that_cannot_be_together(
    of: Variant, shadow: Variant | None, asynchronous: Asynchronous | None, said: list[str]
) -> None:
    problems = list(contradictions([of], shadow, None, None, asynchronous))

    assert len(problems) == len(said), problems
    assert all(words in problem for words, problem in zip(said, problems, strict=True))


def test_an_asynchronous_endpoint_has_one_variant() -> None:
    two = [variant("a"), variant("b")]

    assert list(contradictions(two, None, None, None, Asynchronous())) == [
        "an asynchronous endpoint has one variant, and it has 2"
    ]
    assert list(contradictions(two, None, None, None)) == []


@pytest.mark.parametrize("given", [{"instance_type": "ml.c5.large"}, {"instance_count": 2}, {"hosting": Hosting()}])
def test_what_is_said_of_a_service_that_is_not_there_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="variants have their own"):
        Endpoint("live", variants=[], **given)

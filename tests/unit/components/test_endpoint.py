"""What an endpoint's instances are given: known to pulumi-aws and to SageMaker, or refused."""

from __future__ import annotations

import re

import pytest

from fogbank.components import Hosting
from fogbank.contracts import tokens
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

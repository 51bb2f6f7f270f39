"""What a rollout keeps, and what it says of an endpoint that does not serve what it should."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from fogbank.provider.resource import ProvisionError
from fogbank.provider.rollout import RolloutType, move, properties_to_keep

KEEP_ALL = {"RetainAllVariantProperties": True}


class SageMaker:
    """An endpoint and its configurations. `rolls_back` is the reason for which an update ends as it began."""

    def __init__(self, *, rolls_back: str = "", **configs: dict[str, tuple[int, float]]) -> None:
        self.configs = configs
        self.live, self.status, self.reason = next(iter(configs), ""), "InService", ""
        self._rolls_back = rolls_back
        self.updates: list[dict[str, Any]] = []

    def describe_endpoint(self, **request: Any) -> dict[str, Any]:
        if not self.live:
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": "Could not find endpoint"}}, "DescribeEndpoint"
            )
        status, self.status = self.status, "InService"
        reason = {"FailureReason": self.reason} if self.reason else {}
        return {"EndpointConfigName": self.live, "EndpointStatus": status, "EndpointArn": "arn", **reason}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        return {"Tags": []}

    def describe_endpoint_config(self, **request: Any) -> dict[str, Any]:
        variants = self.configs.get(request["EndpointConfigName"])
        if variants is None:
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": "Could not find it"}}, "DescribeEndpointConfig"
            )
        return {
            "ProductionVariants": [
                {"VariantName": name, "InitialInstanceCount": count, "InitialVariantWeight": weight}
                for name, (count, weight) in variants.items()
            ]
        }

    def update_endpoint(self, **request: Any) -> None:
        self.updates.append(request)
        self.status = "Updating"
        if self._rolls_back:
            self.reason = self._rolls_back
        else:
            self.live = request["EndpointConfigName"]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ({"v": (1, 1.0)}, {"v": (1, 1.0)}, KEEP_ALL),
        ({"v": (1, 1.0)}, {"v": (3, 1.0)}, {**KEEP_ALL, "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}]}),
        ({"v": (1, 1.0)}, {"v": (1, 0.5)}, {**KEEP_ALL, "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}]}),
        ({"v": (1, 1.0)}, {"v": (2, 0.5)}, {}),
        ({"v": (1, 1.0)}, {"w": (1, 1.0)}, {}),
        ({"v": (1, 1.0)}, {"v": (1, 1.0), "w": (1, 1.0)}, {}),
    ],
)  # fmt: skip
def test_what_the_program_did_not_change_is_kept(before: Any, after: Any, kept: Any) -> None:
    assert properties_to_keep(SageMaker(a=before, b=after), "a", "b") == kept


def test_a_deleted_live_configuration_keeps_all() -> None:
    assert properties_to_keep(SageMaker(b={"v": (1, 1.0)}), "gone", "b") == KEEP_ALL


def test_an_endpoint_that_serves_it_already_is_left_alone() -> None:
    sagemaker = SageMaker(a={"v": (1, 1.0)})
    move(sagemaker, "live", "a")

    assert sagemaker.updates == []


def test_a_guarded_move_is_between_variants_of_the_same_names() -> None:
    """AWS's exclusions of deployment guardrails say so; without them an endpoint moves to any."""
    sagemaker = SageMaker(old={"v": (1, 1.0)}, new={"w": (1, 1.0)})

    with pytest.raises(ProvisionError, match="has the variants v, and is to have w"):
        move(sagemaker, "live", "new", {"BlueGreenUpdatePolicy": {}})
    assert sagemaker.updates == []
    move(sagemaker, "live", "new")
    assert sagemaker.live == "new"


def test_an_update_is_waited_for() -> None:
    sagemaker = SageMaker(a={"v": (1, 1.0)}, b={"v": (1, 1.0)})
    move(sagemaker, "live", "b")

    assert sagemaker.updates == [{"EndpointName": "live", "EndpointConfigName": "b", **KEEP_ALL}]
    assert sagemaker.live == "b"


def test_a_rolled_back_update_is_an_error_with_the_reason() -> None:
    sagemaker = SageMaker(rolls_back="the container did not answer /ping", a={"v": (1, 1.0)}, b={"v": (1, 1.0)})

    with pytest.raises(ProvisionError, match="rolled back; it still serves a: the container did not answer /ping"):
        move(sagemaker, "live", "b")


def test_a_refresh_sees_what_is_live_and_no_endpoint_is_none() -> None:
    there = RolloutType(lambda *_: SageMaker(a={"v": (1, 1.0)}))
    gone = RolloutType(lambda *_: SageMaker())
    inputs = {"endpointName": "live", "configName": "b", "region": "us-east-1"}

    assert there.read("live", inputs) == ({**inputs, "configName": "a"},) * 2
    assert gone.read("live", inputs) is None
    assert (there.live(inputs), gone.live(inputs)) == ({"configName": "a"}, {"configName": ""})


def test_who_has_no_credentials_is_told_so_by_pulumi_aws() -> None:
    def nobody(*_: object) -> Any:
        raise ProvisionError("sagemaker cannot be asked") from NoCredentialsError()

    def offline(*_: object) -> Any:
        raise ProvisionError("sagemaker cannot be asked") from EndpointConnectionError(endpoint_url="https://a")

    def expired(*_: object) -> Any:
        raise ProvisionError("DescribeEndpoint") from ClientError(
            {"Error": {"Code": "ExpiredTokenException"}}, "DescribeEndpoint"
        )

    def denied(*_: object) -> Any:
        raise ProvisionError("DescribeEndpoint") from ClientError(
            {"Error": {"Code": "AccessDenied"}}, "DescribeEndpoint"
        )

    arguments = {"endpointName": "live"}
    assert RolloutType(expired).live(arguments) == {"configName": ""}
    with pytest.raises(ProvisionError):
        RolloutType(denied).live(arguments)
    assert RolloutType(nobody).live(arguments) == {"configName": ""}
    with pytest.raises(ProvisionError):
        RolloutType(offline).live(arguments)


def test_another_endpoint_is_another_rollout_and_unknown_inputs_are_refused() -> None:
    rollouts = RolloutType(lambda *_: SageMaker())
    old = {"endpointName": "live", "configName": "a"}

    assert rollouts.diff(old, {**old, "profile": "p"}).changed == ()
    assert rollouts.diff(old, {**old, "configName": "b"}).replaces == ()
    assert rollouts.diff(old, {**old, "endpointName": "other"}).replaces == ("endpointName",)
    _, failures = rollouts.check({"endpointName": "live", "alarm": "x"})
    assert [item.property for item in failures] == ["alarm", "configName"]

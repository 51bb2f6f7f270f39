"""What scales is registered again after a move, whatever became of the move, of another target, or of the process."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.rollout import RolloutType
from fogbank.provider.scaled import Targets

COUNT = "sagemaker:variant:DesiredInstanceCount"
VALUE = re.compile(r"[\w\s.:/=+\-@]{0,256}")
"""What a tag's value may be."""


class Account:
    """SageMaker's tags of one endpoint, and Application Auto Scaling; each refuses the calls whose operation and variant `refuses` names."""

    def __init__(self, *variants: str) -> None:
        self.tags: dict[str, str] = {"team": "fraud"}
        self.targets: dict[str, Properties] = {}
        self.policies: dict[str, dict[str, Properties]] = {}
        self.refuses: set[tuple[str, str]] = set()
        for name in variants:
            which = {"ServiceNamespace": "sagemaker", "ResourceId": id_of(name), "ScalableDimension": COUNT}
            self.register_scalable_target(**which, MinCapacity=1, MaxCapacity=3)
            self.put_scaling_policy(**which, PolicyName="track", PolicyType="TargetTrackingScaling")

    def __call__(self, service: str) -> Account:
        return self

    def scaling(self) -> dict[str, list[str]]:
        """The policies of what is registered."""
        return {name.rpartition("/")[2]: sorted(self.policies.get(name, {})) for name in self.targets}

    def notes(self) -> list[str]:
        return [value for key, value in self.tags.items() if key.startswith("fogbank:aside:")]

    def _check(self, operation: str, id_: str) -> None:
        if (operation, id_.rpartition("/")[2]) in self.refuses:
            raise ClientError({"Error": {"Code": "ConcurrentUpdateException", "Message": "another"}}, operation)

    def describe_endpoint(self, **request: Any) -> Properties:
        variants = [{"VariantName": name} for name in ("a", "b")]
        return {"EndpointArn": "arn:live", "EndpointConfigName": "new", "EndpointStatus": "InService", "ProductionVariants": variants}  # fmt: skip

    def list_tags(self, **request: Any) -> Properties:
        """A tag a page."""
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        first = int(request.get("NextToken", 0))
        return {"Tags": tags[first : first + 1], **({"NextToken": str(first + 1)} if first + 1 < len(tags) else {})}

    def add_tags(self, **request: Any) -> None:
        assert all(VALUE.fullmatch(tag["Value"]) for tag in request["Tags"])
        self.tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}

    def delete_tags(self, **request: Any) -> None:
        for key in request["TagKeys"]:
            del self.tags[key]

    def describe_scalable_targets(self, **request: Any) -> Properties:
        return {"ScalableTargets": [self.targets[id_] for id_ in request["ResourceIds"] if id_ in self.targets]}

    def describe_scaling_policies(self, **request: Any) -> Properties:
        """One a page."""
        found = list(self.policies.get(request["ResourceId"], {}).values())
        first = int(request.get("NextToken", 0))
        more = {"NextToken": str(first + 1)} if first + 1 < len(found) else {}
        return {"ScalingPolicies": found[first : first + 1], **more}

    def describe_scheduled_actions(self, **request: Any) -> Properties:
        return {"ScheduledActions": []}

    def register_scalable_target(self, **request: Any) -> Properties:
        self._check("RegisterScalableTarget", request["ResourceId"])
        self.targets[request["ResourceId"]] = request
        return {"ScalableTargetARN": "arn"}

    def deregister_scalable_target(self, **request: Any) -> None:
        self._check("DeregisterScalableTarget", request["ResourceId"])
        if self.targets.pop(request["ResourceId"], None) is None:
            raise ClientError({"Error": {"Code": "ObjectNotFoundException", "Message": "none"}}, "Deregister")
        self.policies.pop(request["ResourceId"], None)

    def put_scaling_policy(self, **request: Any) -> Properties:
        self._check("PutScalingPolicy", request["ResourceId"])
        arn = f"arn:{request['ResourceId']}:{request['PolicyName']}"
        self.policies.setdefault(request["ResourceId"], {})[request["PolicyName"]] = {**request, "PolicyARN": arn}
        return {"PolicyARN": arn}


def id_of(variant: str) -> str:
    return f"endpoint/live/variant/{variant}"


def both() -> set[str]:
    return {"a", "b"}


def moved(account: Account, error: BaseException | None = None) -> None:
    with Targets(account).aside("live", both(), both):
        assert account.scaling() == {}
        if error:
            raise error


WHOLE = {"a": ["track"], "b": ["track"]}


def test_a_target_that_is_not_let_go_takes_no_other_with_it() -> None:
    account = Account("a", "b")
    account.refuses = {("DeregisterScalableTarget", "b")}
    with pytest.raises(ProvisionError, match="ConcurrentUpdateException"):
        moved(account)

    assert account.scaling() == WHOLE
    assert account.tags == {"team": "fraud"}


def test_whoever_interrupts_a_move_leaves_what_scales() -> None:
    account = Account("a", "b")
    with pytest.raises(KeyboardInterrupt):
        moved(account, KeyboardInterrupt())

    assert account.scaling() == WHOLE


def test_one_that_is_refused_keeps_no_other_from_its_turn_and_is_registered_by_the_next_run() -> None:
    account = Account("a", "b")
    account.refuses = {("RegisterScalableTarget", "a"), ("PutScalingPolicy", "b")}
    with pytest.raises(
        ProvisionError, match=r"no room; and what scaled is not registered again: a: .*; b: .*the next `up`"
    ):
        moved(account, ProvisionError("no room"))
    assert account.scaling() == {"b": []}

    account.refuses = set()
    RolloutType(lambda *_: account).update({"endpointName": "live", "configName": "new"})
    assert account.scaling() == WHOLE
    assert account.tags == {"team": "fraud"}


def test_what_a_killed_run_has_left_is_a_difference_and_the_next_run_registers_it() -> None:
    account = Account("a", "b")
    killed = Targets(account).aside("live", both(), both)
    killed.__enter__()
    assert account.scaling() == {}

    rollouts, inputs = RolloutType(lambda *_: account), {"endpointName": "live", "configName": "new"}
    seen = rollouts.read("live", inputs)
    assert seen is not None
    assert rollouts.diff(seen[0], inputs).changed == ("configName",)
    rollouts.update(inputs)
    assert account.scaling() == WHOLE
    assert account.tags == {"team": "fraud"}
    assert rollouts.read("live", inputs) == (inputs, inputs)
    killed.__exit__(None, None, None)


def test_a_next_run_that_moves_puts_back_what_was_noted_and_not_the_half_that_is_there() -> None:
    account = Account("a", "b")
    killed = Targets(account).aside("live", both(), both)
    killed.__enter__()
    account.register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=id_of("a"), ScalableDimension=COUNT, MinCapacity=1, MaxCapacity=3
    )

    moved(account)
    assert account.scaling() == WHOLE
    killed.__exit__(None, None, None)


def test_many_policies_are_noted_in_several_tags() -> None:
    account = Account("a")
    names = [hashlib.sha256(bytes([number])).hexdigest() for number in range(40)]
    which = {"ServiceNamespace": "sagemaker", "ResourceId": id_of("a"), "ScalableDimension": COUNT}
    for name in names:
        account.put_scaling_policy(**which, PolicyName=name, PolicyType="TargetTrackingScaling")
    killed = Targets(account).aside("live", {"a"}, both)
    killed.__enter__()
    assert len(account.notes()) > 2

    moved(account)
    assert account.scaling() == {"a": sorted(["track", *names])}
    killed.__exit__(None, None, None)

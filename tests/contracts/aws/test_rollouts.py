"""The AWS API wire: updates, counts and restarts with real processes, by unmodified boto3 against real local clouds."""

from __future__ import annotations

import io
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.pack.archive import write_archive
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, code_of
from tests.contracts.aws.servers import below, server_at
from tests.waiting import until, until_answer

CODE = """
import os
def model_fn(folder):
    return {answer!r}
def predict_fn(rows, model):
    return [[model, int(os.environ["SAGEMAKER_BIND_TO_PORT"])]]
"""
ARN = "arn:aws:sagemaker:us-east-1:123456789012"


class Account:
    """A cloud, and models that answer with their name and the process that serves them."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        cloud.client("s3").create_bucket(Bucket=name)

    @property
    def sagemaker(self) -> Any:
        return self.cloud.client("sagemaker")

    def version(self, suffix: str, *, count: int = 1, code: str = "", **variant: Any) -> str:
        """A model and a configuration of it, both under one name."""
        name = f"{self.name}-{suffix}"
        archive = io.BytesIO()
        write_archive(archive, {"code/inference.py": (code or CODE.format(answer=suffix)).encode()})
        self.cloud.client("s3").put_object(Bucket=self.name, Key=f"{suffix}.tar.gz", Body=archive.getvalue())
        container = {"Image": "i", "ModelDataUrl": f"s3://{self.name}/{suffix}.tar.gz"}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        item = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{**item, **variant}])
        return name

    def endpoint(self, config: str) -> None:
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=config)
        assert self.settled()["EndpointStatus"] == "InService", self.describe()

    def describe(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.name)
        return answer

    def settled(self) -> dict[str, Any]:
        moving = {"Creating", "Updating", "RollingBack", "SystemUpdating"}
        return until_answer(self.describe, lambda answer: answer["EndpointStatus"] not in moving, 120)

    def variant(self) -> dict[str, Any]:
        variant: dict[str, Any] = self.describe()["ProductionVariants"][0]
        return variant

    def asked(self, times: int = 1) -> Counter[tuple[str, int]]:
        """(model, its server's port) of each answer."""
        runtime = self.cloud.client("sagemaker-runtime")
        answers: Counter[tuple[str, int]] = Counter()
        for _ in range(times):
            reply = runtime.invoke_endpoint(
                EndpointName=self.name, Body=b"1", ContentType="text/csv", Accept="application/json"
            )
            [[model, port]] = json.loads(reply["Body"].read())
            answers[model, port] += 1
        return answers

    def models(self, times: int) -> Counter[str]:
        answers: Counter[str] = Counter()
        for (model, _), count in self.asked(times).items():
            answers[model] += count
        return answers

    def events(self, topic: str) -> list[str]:
        found: list[str] = []
        page = self.cloud.admin.call("events", since=0)
        while page["events"]:
            own = (event for event in page["events"] if event["topic"] == topic and event["name"] == self.name)
            found += [event["change"] for event in own]
            page = self.cloud.admin.call("events", since=page["next"])
        return found

    def servers(self) -> list[int]:
        """The processes below the cloud's own."""
        return below(self.cloud)


@pytest.fixture
def account(shared_cloud: CloudProcess, unique: str) -> Account:
    return Account(shared_cloud, unique)


@pytest.fixture
def own(tmp_path: Path, unique: str) -> Iterator[Account]:
    """An account on a cloud of the test's own, which may be killed."""
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    yield Account(cloud, unique)
    cloud.stop()


def canary(wait: int, percent: int = 50) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": wait, "CanarySize": size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def update(account: Account, config: str, **extra: Any) -> None:
    account.sagemaker.update_endpoint(EndpointName=account.name, EndpointConfigName=config, **extra)


def scale(account: Account, **item: Any) -> None:
    wanted = [{"VariantName": "v", **item}]
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=account.name, DesiredWeightsAndCapacities=wanted
    )


def test_instances_are_processes_and_counts_change_them(account: Account) -> None:
    account.endpoint(account.version("a", count=2))
    assert len(account.asked(30)) == 2
    assert account.variant()["CurrentInstanceCount"] == 2

    scale(account, DesiredInstanceCount=3)
    assert account.describe()["EndpointStatus"] in {"Updating", "InService"}
    account.settled()
    before = account.asked(60)
    assert (len(before), account.variant()["CurrentInstanceCount"]) == (3, 3)

    scale(account, DesiredInstanceCount=1)
    account.settled()
    left = account.asked(20)
    assert len(left) == 1
    assert set(left) <= set(before), "the instance that stays is one that was there"
    until(lambda: account.events("instance").count("Stopped") == 2)
    assert code_of(lambda: scale(account, DesiredInstanceCount=0))[0] == "ValidationException"


def test_a_dead_instance_is_replaced_while_the_other_answers(account: Account) -> None:
    account.endpoint(account.version("a", count=2))
    (_, port), _ = account.asked(30)
    os.kill(server_at(account.cloud, port), signal.SIGKILL)

    assert sum(account.asked(20).values()) == 20
    until(lambda: account.variant()["CurrentInstanceCount"] == 2 and "Replaced" in account.events("instance"))
    assert port not in {other for _, other in account.asked(30)}


def test_requests_go_to_the_instance_with_fewer_where_the_configuration_says_so(account: Account) -> None:
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    account.endpoint(account.version("a", count=2, RoutingConfig=routing))

    assert len(account.asked(30)) == 2
    assert account.variant()["RoutingConfig"] == routing
    aware = {"RoutingStrategy": "PREFIX_AWARE"}
    assert "PREFIX_AWARE" in code_of(lambda: account.version("b", RoutingConfig=aware))[1]


def test_a_canary_takes_its_share_and_the_clock_moves_it_on(own: Account) -> None:
    own.endpoint(own.version("a"))
    own.version("b")
    update(own, f"{own.name}-b", DeploymentConfig=canary(600))
    summary = until_answer(
        lambda: own.describe().get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])[0],
        lambda variant: variant.get("VariantStatus", [{}])[0].get("Status") == "Baking",
    )
    assert summary["VariantStatus"][0]["StatusMessage"].startswith("Baking for 600 seconds (WaitIntervalInSeconds)")
    assert {"a", "b"} == set(own.models(60))
    assert own.describe()["EndpointConfigName"] == f"{own.name}-a"

    own.cloud.advance(300)
    assert own.describe()["EndpointStatus"] == "Updating"
    own.cloud.advance(300)
    described = own.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", f"{own.name}-b")
    assert described["LastDeploymentConfig"] == canary(600)
    assert set(own.models(20)) == {"b"}
    assert own.events("rollout")[3:] == ["FleetStarted", "Shifted", "Baking", "Baked", "Shifted", "Finished"]


def test_a_rolling_update_replaces_one_instance_after_the_other(account: Account) -> None:
    account.endpoint(account.version("a", count=2))
    one = {"Type": "INSTANCE_COUNT", "Value": 1}
    policy = {"RollingUpdatePolicy": {"MaximumBatchSize": one, "WaitIntervalInSeconds": 0}}
    update(account, account.version("b", count=2), DeploymentConfig=policy)
    described = account.settled()

    assert described["EndpointConfigName"] == f"{account.name}-b"
    assert described["LastDeploymentConfig"] == policy
    steps = ["FleetStarted", "Shifted", "Baking", "Baked", "Shrunk", "Grown", "Shifted", "Baking", "Baked", "Finished"]
    assert account.events("rollout")[3:] == steps
    assert (len(account.asked(30)), set(account.models(10))) == (2, {"b"})


def test_killed_in_the_middle_of_a_canary_the_old_model_serves_and_it_goes_on(own: Account) -> None:
    own.endpoint(own.version("a"))
    own.version("b")
    update(own, f"{own.name}-b", DeploymentConfig=canary(3600))
    until(lambda: "Baking" in own.events("rollout"))
    own.cloud.kill()
    own.cloud.start()

    assert "a" in own.models(10)
    until(lambda: own.events("rollout").count("Baking") == 2, 60)
    assert own.describe()["EndpointStatus"] == "Updating"
    assert {"a", "b"} == set(own.models(60))
    own.cloud.advance(3600)
    assert own.describe()["EndpointConfigName"] == f"{own.name}-b"


def test_weights_and_counts_survive_a_kill(own: Account) -> None:
    own.endpoint(own.version("a"))
    scale(own, DesiredWeight=3, DesiredInstanceCount=2)
    own.settled()
    servers = own.servers()
    assert len(servers) >= 2
    own.cloud.kill()
    until(lambda: not any(Path(f"/proc/{pid}").is_dir() for pid in servers), 30)
    own.cloud.start()
    described = own.settled()

    variant = described["ProductionVariants"][0]
    assert (variant["DesiredWeight"], variant["DesiredInstanceCount"]) == (3, 2), described
    assert len(own.asked(30)) == 2
    assert own.events("endpoint")[-2:] == ["SystemUpdating", "InService"]


def test_no_process_outlives_a_stop_even_one_that_starts(own: Account, tmp_path: Path) -> None:
    own.endpoint(own.version("a"))
    slow = f"import time\ndef model_fn(d):\n    open({str(tmp_path / 'loading')!r}, 'w')\n    time.sleep(600)\n"
    own.version("slow", code=slow)
    update(own, f"{own.name}-slow")
    until((tmp_path / "loading").is_file, 60)
    servers = own.servers()
    own.cloud.stop()
    until(lambda: not any(Path(f"/proc/{pid}").is_dir() for pid in servers), 30)

    own.cloud.start()
    assert own.describe()["EndpointStatus"] == "Updating"
    assert set(own.models(3)) == {"a"}


def test_a_reset_in_the_middle_of_a_start_leaves_no_process(own: Account, tmp_path: Path) -> None:
    slow = f"import time\ndef model_fn(d):\n    open({str(tmp_path / 'loading')!r}, 'w')\n    time.sleep(600)\n"
    config = own.version("slow", code=slow)
    own.sagemaker.create_endpoint(EndpointName=own.name, EndpointConfigName=config)
    until((tmp_path / "loading").is_file, 60)
    assert own.servers()
    own.cloud.admin.call("reset")

    until(lambda: own.servers() == [], 30)
    assert own.sagemaker.list_endpoints()["Endpoints"] == []


def test_an_update_may_retain_counts_and_weights(account: Account) -> None:
    account.endpoint(account.version("a"))
    scale(account, DesiredInstanceCount=2)
    account.settled()
    update(account, account.version("b"), RetainAllVariantProperties=True)
    described = account.settled()

    assert described["EndpointConfigName"] == f"{account.name}-b"
    assert account.variant()["CurrentInstanceCount"] == 2


def test_what_a_deployment_config_cannot_do_is_refused_by_name(account: Account) -> None:
    account.endpoint(account.version("a"))
    alarms = {**canary(0), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "nobody's"}]}}

    for config, said in (
        (alarms, "Could not find the CloudWatch alarm(s) [nobody's]"),
        (canary(0, percent=60), "CanarySize must be less than or equal to 50%"),
        (canary(3601), "waitIntervalInSeconds' failed to satisfy constraint: Member must have value less than or equal to 3600"),
    ):  # fmt: skip
        code, message = code_of(lambda config=config: update(account, f"{account.name}-a", DeploymentConfig=config))  # type: ignore[misc]  # bound now
        assert (code, said in message) == ("ValidationException", True), message


def test_an_alarm_rolls_a_canary_back(own: Account) -> None:
    """Developer Guide, "Auto-Rollback Configuration and Monitoring"."""
    cloudwatch, name = own.cloud.client("cloudwatch"), own.name
    fleet = {"EndpointName": name, "VariantName": "v", "EndpointConfigName": f"{name}-bad"}  # the new one alone
    variant = [{"Name": key, "Value": value} for key, value in fleet.items()]
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="AWS/SageMaker", MetricName="Invocation5XXErrors", Dimensions=variant, Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    watched = {**canary(600), "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]}}
    own.endpoint(own.version("a"))
    failing = "def model_fn(d):\n    pass\ndef predict_fn(rows, model):\n    raise RuntimeError('no')\n"
    update(own, own.version("bad", code=failing), DeploymentConfig=watched)
    until(lambda: "Baking" in own.events("rollout"), 60)

    runtime = own.cloud.client("sagemaker-runtime")
    for _ in range(40):
        with suppress(ClientError):
            runtime.invoke_endpoint(EndpointName=name, Body=b"1", ContentType="text/csv")
    own.cloud.advance(120)
    described = own.settled()

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", f"{name}-a")
    assert f"[{name}] went into ALARM state" in described["FailureReason"]
    assert own.events("endpoint")[-2:] == ["RollingBack", "InService"]
    assert {model for model, _ in own.asked(20)} == {"a"}

    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    code, message = code_of(lambda: update(own, f"{name}-bad", DeploymentConfig=watched))
    assert (code, "are in ALARM state" in message) == ("ValidationException", True)


def test_deleting_is_a_status_that_is_seen(account: Account) -> None:
    account.endpoint(account.version("a"))
    account.sagemaker.delete_endpoint(EndpointName=account.name)
    account.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=account.name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )

    assert account.events("endpoint")[-2:] == ["Deleting", "Deleted"]


def test_a_failed_update_is_seen_rolling_back(account: Account) -> None:
    account.endpoint(account.version("a"))
    update(account, account.version("bad", code="raise ValueError('this model is broken')\n"))
    described = account.settled()

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", f"{account.name}-a")
    assert "this model is broken" in described["FailureReason"]
    assert account.events("endpoint")[-3:] == ["Updating", "RollingBack", "InService"]
    assert set(account.models(3)) == {"a"}

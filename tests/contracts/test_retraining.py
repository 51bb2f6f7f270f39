"""Retraining, declared for an account: what pulumi-aws takes of it, in another partition and in a VPC, and what its function is told; and by the calendar,
on the local cloud, with a training that fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.components import Endpoint, ModelService, Retraining, Training, load_package
from fogbank.contracts.config import ProjectConfig
from fogbank.project.declared.declaration import Declared, declared
from fogbank.provider.standin import TABLE
from fogbank.testing import CloudProcess, Deployment
from tests.contracts.aws.test_lambda import lines
from tests.contracts.aws.test_training import IMAGE
from tests.declared import place
from tests.waiting import until_answer

PROGRAM = """
from pathlib import Path
import pulumi
from fogbank.components import *

root = Path(pulumi.Config("p").require("root"))
service = ModelService(
    "churn", package=load_package(root / ".fogbank" / "package"), image=pulumi.Config("fogbank").require("image"),
    network=Network(subnets=["subnet-1"], security_groups=["sg-1"]),
)
live = Endpoint(
    "live", service=service, instance_count=2, capture=DataCapture(),
    deployment=Canary(percent=50, alarms=Alarms(errors=3)),
)
watch = MonitoringSchedule("watch", endpoint=live)
columns = ["mean_radius", "mean_texture"]
training = Training(image="i", program="train.py", files={"train.py": root / "model" / "train.py", "model": root / "model"})
Retraining(
    "again", endpoint=live, training=training, handler=root / "handlers" / "alarm.py", drift=Drift(monitor=watch, columns=columns), answer=-2
)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, fogbank_project: ProjectConfig) -> dict[str, Declared]:
    """What the program declares in China, by name."""
    root = tmp_path_factory.mktemp("program")
    (root / "Pulumi.yaml").write_text("name: p\nruntime: python\nmain: main.py\n")
    (root / "main.py").write_text(PROGRAM)
    place_ = place("prod", "aws-cn", **{"p:root": str(fogbank_project.root)})
    return {each.name: each for each in declared(root, place_)}


def test_pulumi_aws_takes_all_of_it(found: dict[str, Declared]) -> None:
    own = {name: each for name, each in found.items() if name.startswith("again-")}

    assert [each.refused for each in own.values() if each.refused] == []
    assert {each.type for each in own.values()} <= TABLE.keys()
    assert {name.removeprefix("again-") for name in own if "-script-" not in name} == {
        "role", "role-policy", "data-policy", "log", "function", "drift-mean_radius", "drift-mean_texture",
        *(f"{about}{part}" for about in ("alarm", "training", "scored", "calendar") for part in ("", "-permission", "-target")),
    }  # fmt: skip


def test_its_function_is_told_what_it_works_on(found: dict[str, Declared]) -> None:
    inputs = found["again-function"].inputs
    said = inputs["environment"]["variables"]

    assert inputs["code"] == {"assets": {"alarm.py": {"path": "alarm.py"}}}
    assert {key: said[key] for key in ("ENDPOINT", "GROUP", "ANSWER", "MARGIN")} == {
        "ENDPOINT": "live", "GROUP": "again", "ANSWER": "-2", "MARGIN": "0.0"
    }  # fmt: skip
    training, way = json.loads(said["TRAINING"]), json.loads(said["DEPLOYMENT"])
    assert training["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert way["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": "live-AllTraffic-errors"}]
    assert way["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    assert sum(len(key) + len(value) for key, value in said.items()) < 4096, "Lambda takes 4 KB"


def test_its_role_is_of_the_partition_and_its_alarms_of_the_monitor(found: dict[str, Declared]) -> None:
    policy = str(found["again-role-policy"].inputs["policy"])
    alarm = found["again-drift-mean_radius"].inputs

    assert "arn:aws:" not in policy
    assert "arn:aws-cn:sagemaker:*:210987654321:endpoint/live" in policy
    assert alarm["dimensions"] == {"Endpoint": "live", "MonitoringSchedule": "watch"}
    assert (alarm["period"], alarm["evaluationPeriods"]) == (3600, 3)
    assert found["again-calendar"].inputs["scheduleExpression"] == "cron(0 3 1 1,4,7,10 ? *)"
    assert Path(str(next(item.inputs["key"] for name, item in found.items() if "-script-" in name))).suffix == ".gz"


def test_each_quarter_it_trains_and_a_training_that_fails_changes_nothing(
    local_cloud: CloudProcess, deploy: Callable[..., Deployment], fogbank_project: ProjectConfig, tmp_path: Path
) -> None:
    root, script = fogbank_project.root, tmp_path / "train.py"
    script.write_text("raise ValueError('no rows')\n")

    def program() -> dict[str, Any]:
        service = ModelService("churn", package=load_package(fogbank_project.package), image="i", force_destroy=True)
        live = Endpoint("live", service=service)
        training = Training(image=IMAGE, program="train.py", files={"train.py": script})
        again = Retraining("again", endpoint=live, training=training, handler=root / "handlers" / "alarm.py")
        return {"function": again.function_name, "bucket": service.bucket, "config": live.config_name}

    outputs = deploy(program, mocks=True).outputs
    sagemaker = local_cloud.client("sagemaker")
    local_cloud.client("s3").put_object(Bucket=outputs["bucket"], Key="retraining/train/a.csv", Body=b"1,2\n")

    local_cloud.advance(92 * 86400)

    said = until_answer(
        lambda: [line for line in lines(local_cloud, outputs["function"]) if "the live model stays" in line], bool, 120
    )
    assert "is Failed" in said[0]
    [job] = sagemaker.list_training_jobs(NameContains="live-")["TrainingJobSummaries"]
    told = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert "ValueError: no rows" in told["FailureReason"]
    assert sagemaker.describe_endpoint(EndpointName="live")["EndpointConfigName"] == outputs["config"]

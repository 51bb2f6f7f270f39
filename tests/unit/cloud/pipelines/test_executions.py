"""Executions on a cloud whose calls a test answers: attempts, results that are taken from earlier, and what an earlier process has left."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.jobs.experiments import Experiments
from fogbank.cloud.pipelines.calls import ExecutionCalls
from fogbank.cloud.pipelines.executions import Execution, Executions
from fogbank.cloud.pipelines.pipelines import Pipelines
from fogbank.cloud.pipelines.steps import Steps
from tests.fakes.objects import MemoryObjects
from tests.waiting import until

HERE = Scope("us-east-1")
ROLE = "arn:aws:iam::123456789012:role/r"
RETRY = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 0, "MaxAttempts": 1}


class Cloud:
    """SageMaker's and Lambda's calls as a step makes them: jobs end as `endings` say, one after the other, else Completed."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.endings: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.said: list[Any] = []

    def create_transform_job(self, **request: Any) -> dict[str, Any]:
        name = request["TransformJobName"]
        ending = self.endings.pop(0) if self.endings else {"TransformJobStatus": "Completed"}
        self.jobs[name] = {
            **request,
            "TransformJobArn": f"arn:aws:sagemaker:us-east-1:1:transform-job/{name}",
            **ending,
        }
        return self.jobs[name]

    def describe_transform_job(self, *, TransformJobName: str) -> dict[str, Any]:  # noqa: N803 - boto3's own
        if TransformJobName not in self.jobs:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no job"}}, "DescribeTransformJob")
        return self.jobs[TransformJobName]

    def stop_transform_job(self, *, TransformJobName: str) -> None:  # noqa: N803 - boto3's own
        self.stopped.append(TransformJobName)

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - boto3's own
        return {"Payload": io.BytesIO(json.dumps(self.said.pop(0)).encode())}


class Account:
    """A pipeline of one step, and its executions."""

    def __init__(self, ground: Ground) -> None:
        self.cloud, self.ground, self.tokens = Cloud(), ground, iter(range(100))
        self.executions = self.process()
        self.pipelines = Pipelines(ground, self.executions, MemoryObjects())

    def process(self) -> Executions:
        """The executions as a process of the cloud has them."""
        steps = Steps(lambda _, __: self.cloud, Experiments(lambda _: self.cloud), self.ground.clock.epoch)
        return Executions(self.ground, steps=steps, objects=MemoryObjects())

    def calls(self) -> ExecutionCalls:
        return ExecutionCalls(self.pipelines, self.executions)

    def declare(self, **step: Any) -> None:
        definition = {"Version": "2020-12-01", "Steps": [{"Name": "S", "Type": "Transform", **step}]}
        params = {"PipelineName": "p", "RoleArn": ROLE, "PipelineDefinition": json.dumps(definition)}
        self.pipelines.create(HERE, {**params, "ClientRequestToken": "t"})

    def start(self) -> str:
        request = {"PipelineName": "p", "ClientRequestToken": str(next(self.tokens))}
        return str(self.calls().start(HERE, request)["PipelineExecutionArn"])

    def ended(self, arn: str) -> Execution:
        self.executions.wait(HERE.region, arn.partition(":pipeline/")[2])
        return self.found(arn)

    def found(self, arn: str) -> Execution:
        return self.executions.get(HERE.region, arn.partition(":pipeline/")[2])

    def step(self, arn: str) -> dict[str, Any]:
        return dict(self.calls().steps(HERE, {"PipelineExecutionArn": arn})["PipelineExecutionSteps"][0])


@pytest.fixture
def account(ground: Ground) -> Account:
    return Account(ground)


def failed(reason: str) -> dict[str, Any]:
    return {"TransformJobStatus": "Failed", "FailureReason": reason}


def test_a_policy_has_a_step_attempted_again(account: Account) -> None:
    account.declare(RetryPolicies=[RETRY])
    account.cloud.endings = [failed("InternalServerError: once"), {"TransformJobStatus": "Completed"}]
    good = account.start()
    assert account.ended(good).public["PipelineExecutionStatus"] == "Succeeded"
    account.cloud.endings = [failed("InternalServerError: once"), failed("InternalServerError: twice")]
    bad = account.start()
    assert account.ended(bad).public["PipelineExecutionStatus"] == "Failed"
    account.cloud.endings = [failed("AlgorithmError: its own")]
    own = account.start()
    account.ended(own)

    assert [account.step(arn)["AttemptCount"] for arn in (good, bad, own)] == [2, 2, 1]
    assert account.step(bad)["FailureReason"] == "InternalServerError: twice"


def test_the_same_step_takes_its_earlier_result_while_that_is_young_enough(account: Account) -> None:
    account.declare(CacheConfig={"Enabled": True, "ExpireAfter": "T1H"})
    first, second = account.start(), ""
    account.ended(first)
    second = account.start()
    account.ended(second)
    account.ground.clock.move_to(account.ground.clock.now().replace(year=2099))
    third = account.start()
    account.ended(third)

    assert len(account.cloud.jobs) == 2
    assert account.step(second)["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert account.step(second)["Metadata"] == account.step(first)["Metadata"]
    assert "CacheHitResult" not in account.step(third)


def test_what_was_made_before_a_kill_is_not_made_again(account: Account) -> None:
    account.declare()
    account.cloud.endings = [{"TransformJobStatus": "InProgress"}]
    arn = account.start()
    until(lambda: account.cloud.jobs)
    until(lambda: account.found(arn).state.runs["S"].status == "Executing")
    assert account.executions.stop_all(20)
    account.cloud.jobs[account.found(arn).state.runs["S"].job]["TransformJobStatus"] = "Completed"
    account.executions = account.process()
    account.executions.resume()

    assert account.ended(arn).public["PipelineExecutionStatus"] == "Succeeded"
    assert (len(account.cloud.jobs), account.step(arn)["AttemptCount"]) == (1, 1)


def test_one_that_was_stopping_when_the_cloud_was_killed_is_stopped_with_its_jobs(account: Account) -> None:
    account.declare()
    account.cloud.endings = [{"TransformJobStatus": "InProgress"}]
    arn = account.start()
    until(lambda: account.cloud.jobs)
    until(lambda: account.found(arn).state.runs["S"].status == "Executing")
    assert account.executions.stop_all(20)
    account.executions.move(HERE.region, account.found(arn).name, "Stopping")
    account.executions = account.process()
    account.executions.resume()

    assert account.ended(arn).public["PipelineExecutionStatus"] == "Stopped"
    assert account.cloud.stopped == list(account.cloud.jobs)
    assert account.step(arn)["StepStatus"] == "Stopped"


def test_a_function_that_does_not_answer_what_it_should_fails_its_step(account: Account) -> None:
    account.declare(Type="Lambda", FunctionArn="f", OutputParameters=[{"OutputName": "x"}])
    account.cloud.said = [{"y": 1}, {"x": 2}]
    bad = account.start()
    account.ended(bad)
    good = account.start()
    account.ended(good)

    assert account.step(bad)["FailureReason"] == "ClientError: the function f did not answer x"
    assert account.step(good)["Metadata"]["Lambda"]["OutputParameters"] == [{"Name": "x", "Value": "2"}]

"""Executions on a cloud whose calls a test answers: attempts, results that are taken from earlier, and what an earlier process has left."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.events import Events
from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.jobs.experiments import Experiments
from fogbank.cloud.pipelines.calls import ExecutionCalls
from fogbank.cloud.pipelines.course import StepRun, outcome
from fogbank.cloud.pipelines.executions import Execution, Executions, parsed
from fogbank.cloud.pipelines.pipelines import Pipelines
from fogbank.cloud.pipelines.steps import Steps
from tests.fakes.full import FullStore
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
        self.held: Held | None = None
        self.receive: Callable[[str], object] = lambda _: None
        self.invoked = self.answered = 0

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
        self.invoked += 1
        said, held = self.said.pop(0) if self.said else {}, self.held
        if held:
            held.asked.set()
            assert held.go.wait(20)
        return {"Payload": Answered(self, json.dumps(said).encode())}

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803 - boto3's own
        assert QueueUrl == "q"
        self.receive(MessageBody)

    def get_paginator(self, call: str) -> Cloud:
        self.answer = {"list_experiments": "ExperimentSummaries", "list_trials": "TrialSummaries"}[call]
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{self.answer: []}]


class Held:
    """A function that is asked, and answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()


class Answered(io.BytesIO):
    """A function's answer, which counts that it was read."""

    def __init__(self, cloud: Cloud, body: bytes) -> None:
        super().__init__(body)
        self._cloud = cloud

    def read(self, size: int | None = -1, /) -> bytes:
        self._cloud.answered += 1
        return super().read(size)


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
        self.declare_all({"Name": "S", "Type": "Transform", **step})

    def declare_all(self, *steps: dict[str, Any], **more: Any) -> None:
        definition = {"Version": "2020-12-01", "Steps": list(steps), **more}
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


def test_a_function_that_has_ended_since_it_was_looked_at_is_not_called_again(account: Account) -> None:
    account.declare(Type="Lambda", FunctionArn="f")
    account.cloud.held = Held()
    arn = account.start()
    assert account.cloud.held.asked.wait(20)
    looked_at = account.found(arn)
    account.cloud.held.go.set()
    account.ended(arn)
    account.executions._look(looked_at, parsed(looked_at.state.definition).steps[0], looked_at.state.runs["S"])
    account.ground.runner.stop_all(account.executions.key(HERE.region, looked_at.name), 20)

    assert account.cloud.invoked == 1


def test_what_a_stopped_attempt_answers_is_not_the_next_ones(account: Account) -> None:
    account.declare(Type="Lambda", FunctionArn="f", OutputParameters=[{"OutputName": "x"}])
    first = account.cloud.held = Held()
    account.cloud.said = [{"x": "stopped"}, {"x": "retried"}]
    arn = account.start()
    assert first.asked.wait(20)
    account.calls().stop(HERE, {"PipelineExecutionArn": arn, "ClientRequestToken": "a"})
    assert account.ended(arn).public["PipelineExecutionStatus"] == "Stopped"
    second = account.cloud.held = Held()
    account.calls().retry(HERE, {"PipelineExecutionArn": arn, "ClientRequestToken": "b"})
    assert second.asked.wait(20), "the stopped attempt still runs: the next one is called beside it"
    first.go.set()
    until(lambda: account.cloud.answered == 1)
    assert account.step(arn)["StepStatus"] == "Executing"
    second.go.set()
    account.ended(arn)

    assert account.cloud.invoked == 2
    assert account.step(arn)["Metadata"]["Lambda"]["OutputParameters"] == [{"Name": "x", "Value": "retried"}]


def test_a_callback_may_be_answered_as_soon_as_its_message_is_there(account: Account) -> None:
    account.declare(Type="Callback", SqsQueueUrl="q")
    tokens: list[str] = []

    def answer(body: str) -> None:
        tokens.append(json.loads(body)["token"])
        account.calls().succeed(HERE, {"CallbackToken": tokens[-1], "ClientRequestToken": "a"})

    account.cloud.receive = answer
    arn = account.start()

    assert account.ended(arn).public["PipelineExecutionStatus"] == "Succeeded"
    assert len(tokens) == 1


def test_a_callback_whose_message_a_kill_came_before_is_sent_again(account: Account) -> None:
    account.declare(Type="Callback", SqsQueueUrl="q")
    sent: list[str] = []
    account.cloud.receive = sent.append
    arn = account.start()
    until(lambda: sent and not account.found(arn).state.runs["S"].unsent)
    assert account.executions.stop_all(20)
    account.executions.change(
        HERE.region, account.found(arn).name,
        lambda state: state.having("S", replace(state.runs["S"], unsent=True)),
    )  # fmt: skip
    account.executions = account.process()
    account.executions.resume()
    until(lambda: len(sent) == 2)
    token = json.loads(sent[1])["token"]
    account.calls().succeed(HERE, {"CallbackToken": token, "ClientRequestToken": "a"})

    assert account.ended(arn).public["PipelineExecutionStatus"] == "Succeeded"
    assert sent[0] == sent[1]


def test_what_nobody_foresaw_is_one_steps_failure_and_the_others_are_looked_at_to_their_end(account: Account) -> None:
    account.declare_all(
        {"Name": "A", "Type": "Transform"}, {"Name": "B", "Type": "Callback", "SqsQueueUrl": "q"},
    )  # fmt: skip

    def broken(_: str) -> None:
        raise TypeError("unforeseen")

    account.cloud.receive = broken
    arn = account.start()

    assert account.ended(arn).public["PipelineExecutionStatus"] == "Failed"
    runs = account.found(arn).state.runs
    assert (runs["A"].status, runs["B"].status) == ("Succeeded", "Failed")
    assert runs["B"].reason == "InternalServerError: TypeError('unforeseen')"


def test_a_trial_that_is_not_there_fails_its_step(account: Account) -> None:
    account.declare_all({"Name": "S", "Type": "Transform"}, PipelineExperimentConfig={"TrialName": "t"})
    arn = account.start()

    assert account.ended(arn).public["PipelineExecutionStatus"] == "Failed"
    assert account.step(arn)["FailureReason"] == "ClientError: Trial 't' does not exist."


def test_steps_that_nothing_lets_begin_are_no_success() -> None:
    decides = {"Type": "Condition", "Arguments": {"Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]}}
    waits = {"Name": "A", "Type": "Fail", "Arguments": {}}
    definition = parsed(json.dumps({"Version": "2020-12-01", "Steps": [{**decides, "Name": "D"}, waits]}))
    condition, alone = definition.steps
    ring = replace(definition, steps=(replace(condition, after=frozenset({"A"})), replace(alone, branch=("D", True))))
    beyond = replace(definition, steps=(condition, replace(alone, branch=("D", False)), replace(alone, name="B", after=frozenset({"A"}))))  # fmt: skip
    held = {"D": StepRun(job="", status="Succeeded", properties={"Outcome": True})}

    assert outcome(ring, {}) == ("Failed", "ClientError: nothing lets D, A begin")
    assert outcome(beyond, held) == ("Succeeded", None)


def test_the_same_request_again_is_answered_and_not_done_again(account: Account) -> None:
    account.declare()
    account.cloud.endings = [{"TransformJobStatus": "InProgress"}, {"TransformJobStatus": "InProgress"}]
    arn = account.start()
    calls, first, second = account.calls(), [], []
    until(lambda: "Executing" in [run.status for run in account.found(arn).state.runs.values()])
    stop = {"PipelineExecutionArn": arn, "ClientRequestToken": "s"}
    first.append(calls.stop(HERE, stop))
    account.ended(arn)
    second.append(calls.stop(HERE, stop))
    first.append(calls.retry(HERE, {**stop, "ClientRequestToken": "s"}))
    until(lambda: "Executing" in [run.status for run in account.found(arn).state.runs.values()])
    second.append(calls.retry(HERE, {**stop, "ClientRequestToken": "s"}))

    assert first == second == [{"PipelineExecutionArn": arn}] * 2
    assert calls.stop(HERE, stop) == first[0], "that one was carried out before"
    assert account.found(arn).public["PipelineExecutionStatus"] == "Executing"
    with pytest.raises(ApiError, match="can be retried"):
        calls.retry(HERE, {**stop, "ClientRequestToken": "another"})
    calls.stop(HERE, {**stop, "ClientRequestToken": "another"})
    account.ended(arn)


@pytest.mark.parametrize("how", ["succeed", "fail"])
def test_a_callback_that_is_answered_again_by_the_same_request_is_answered(account: Account, how: str) -> None:
    account.declare(Type="Callback", SqsQueueUrl="q")
    sent: list[str] = []
    account.cloud.receive = sent.append
    arn = account.start()
    until(lambda: sent)
    answer = getattr(account.calls(), how)
    request = {"CallbackToken": json.loads(sent[0])["token"], "ClientRequestToken": "a"}

    assert answer(HERE, request) == answer(HERE, request) == {"PipelineExecutionArn": arn}
    for token in ({"ClientRequestToken": "b"}, {"ClientRequestToken": ""}):
        with pytest.raises(ApiError, match="does not wait"):
            answer(HERE, {**request, **token})
    account.ended(arn)


def test_what_another_region_or_account_has_is_not_here(account: Account) -> None:
    account.declare(Type="Fail")
    arn = account.start()
    account.ended(arn)
    pipeline = arn.partition("/execution/")[0]

    assert account.pipelines.describe(HERE, {"PipelineName": pipeline})["PipelineArn"] == pipeline
    for here, there in (("us-east-1", "eu-west-1"), ("123456789012", "210987654321")):
        with pytest.raises(ApiError, match="does not exist"):
            account.pipelines.describe(HERE, {"PipelineName": pipeline.replace(here, there)})
        with pytest.raises(ApiError, match="does not exist"):
            account.calls().describe(HERE, {"PipelineExecutionArn": arn.replace(here, there)})


def on_a_full_disk(
    folder: Path, runner: Runner, first: int, length: int
) -> tuple[int, str, list[str], set[str], set[str]]:
    """Two steps, one after the other, where some writes fail: how many writes there were, how the execution and its steps ended, and which
    jobs were made, and which are known of or were stopped."""
    store = FullStore(folder / f"{first}-{length}.db")
    with closing(store):
        clock = Clock(store)
        account = Account(Ground(store, clock, Events(store, clock), runner))
        account.declare_all({"Name": "A", "Type": "Transform"}, {"Name": "B", "Type": "Transform", "DependsOn": ["A"]})
        arn = account.start()
        before = store.writes
        store.fill(first, length)
        account.ended(arn)
        store.full = range(0)
        account.executions.settle()
        execution = account.found(arn)
        status = execution.public["PipelineExecutionStatus"]
        runs = execution.state.runs.values()
        known = {run.job for run in runs} | set(account.cloud.stopped)
        return store.writes - before, status, [run.status for run in runs], set(account.cloud.jobs), known


def test_whatever_write_fails_an_execution_ends_and_none_of_its_steps_stays(tmp_path: Path, runner: Runner) -> None:
    writes, status, *_ = on_a_full_disk(tmp_path, runner, 0, 0)
    assert (status, writes > 8) == ("Succeeded", True)
    for first in range(1, writes + 1):
        for length in (1, 4):
            _, status, steps, made, known = on_a_full_disk(tmp_path, runner, first, length)
            where = (first, length, status, steps)
            assert status in {"Succeeded", "Failed"}, where
            assert {"Executing", "Starting"}.isdisjoint(steps), where
            assert made <= known, where


@pytest.mark.parametrize(
    "arn", ["arn:aws:sagemaker:us-east-1:123456789012:pipeline/none", "arn:x:pipeline/y", ":pipeline/"]
)
def test_an_arn_of_no_pipeline_is_spelled_as_it_is(ground: Ground, arn: str) -> None:
    assert Account(ground).pipelines.spelled(arn) == arn

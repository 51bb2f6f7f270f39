"""SageMaker Pipelines by plain boto3: definitions are checked, executions really run their steps, stop, are retried and survive `kill -9`.

Source: the SageMaker API reference, the Developer Guide ("Pipelines steps", "Retry Policy", "Caching") and the SDK's own integration tests (fail
steps). What the SDK makes of it is in tests/contracts/clients/test_sdk2.py.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.contracts.aws.test_lambda import create, zipped
from tests.waiting import until, until_answer

ROOT = "/opt/ml/processing"
WAITS = 'echo . >> "$PLACE/$NAME"; until [ -e "$PLACE/$UNTIL" ]; do sleep 0.05; done; echo "{\\"score\\": 3}" > "$OUT/report.json"'
ENDED = {"Succeeded", "Failed", "Stopped"}


class Piped:
    """A pipeline of a name, of steps that a test says, and its executions."""

    def __init__(self, cloud: CloudProcess, name: str, place: Path) -> None:
        self.cloud, self.name, self.place = cloud, name, place
        cloud.client("s3").create_bucket(Bucket=name)

    @property
    def sagemaker(self) -> Any:
        return self.cloud.client("sagemaker")

    def processing(self, name: str, until: str, script: str = WAITS, **more: Any) -> dict[str, Any]:
        """A step that says that it runs, in a file of its name, and ends when the file `until` is there."""
        output = {"S3Uri": f"s3://{self.name}/{name}", "LocalPath": f"{ROOT}/out", "S3UploadMode": "EndOfJob"}
        arguments = {
            "RoleArn": ROLE,
            "AppSpecification": {
                "ImageUri": "i",
                "ContainerEntrypoint": ["/bin/sh", "-c", f"OUT={ROOT}/out; {script}"],
            },
            "Environment": {"PLACE": str(self.place), "NAME": name, "UNTIL": until},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": output}]},
        }
        return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}

    def create(self, *steps: dict[str, Any], parameters: Any = (), **more: Any) -> str:
        definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": list(parameters), "Steps": list(steps)}
        made = self.sagemaker.create_pipeline(
            PipelineName=self.name,
            PipelineDefinition=json.dumps(definition),
            RoleArn=ROLE,
            ClientRequestToken=token(),
            **more,
        )
        return str(made["PipelineArn"])

    def start(self, **more: Any) -> str:
        started = self.sagemaker.start_pipeline_execution(PipelineName=self.name, ClientRequestToken=token(), **more)
        return str(started["PipelineExecutionArn"])

    def execution(self, arn: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))

    def ended(self, arn: str) -> dict[str, Any]:
        return until_answer(
            lambda: self.execution(arn), lambda found: found["PipelineExecutionStatus"] in ENDED, seconds=240
        )

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        found = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return {step["StepName"]: step for step in found["PipelineExecutionSteps"]}

    def statuses(self, arn: str) -> dict[str, str]:
        return {name: step["StepStatus"] for name, step in self.steps(arn).items()}

    def let(self, *names: str) -> None:
        """Let steps end."""
        for name in names:
            (self.place / name).touch()

    def runs(self, name: str) -> int:
        """How often a step's container has begun."""
        file = self.place / name
        return file.read_text().count(".") if file.is_file() else 0


def token() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def piped(shared_cloud: CloudProcess, unique: str, tmp_path: Path) -> Piped:
    return Piped(shared_cloud, unique, tmp_path)


def score(step: str, *, least: Any = 2) -> dict[str, Any]:
    """A condition on a step's property file."""
    said = {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.Report"}, "Path": "score"}}
    return {"Type": "GreaterThan", "LeftValue": said, "RightValue": least}


REPORT: dict[str, Any] = {
    "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}]
}


def test_steps_run_beside_one_another_and_what_depends_waits(piped: Piped) -> None:
    least = {"Name": "Least", "Type": "Float", "DefaultValue": 1.5}
    decision = {
        "Name": "D", "Type": "Condition", "DependsOn": ["B"],
        "Arguments": {
            "Conditions": [score("A", least={"Get": "Parameters.Least"})],
            "IfSteps": [piped.processing("Yes", "yes")],
            "ElseSteps": [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": {"Std:Join": {
                "On": " ", "Values": ["below", {"Get": "Parameters.Least"}]}}}}],
        },
    }  # fmt: skip
    arn = piped.create(piped.processing("A", "a", **REPORT), piped.processing("B", "b"), decision, parameters=[least])
    good = piped.start(PipelineParameters=[{"Name": "Least", "Value": "2.5"}], PipelineExecutionDisplayName="mine")
    until(lambda: piped.runs("A") and piped.runs("B"), 120)
    assert piped.statuses(good) == {"A": "Executing", "B": "Executing"}
    piped.let("a", "b", "yes")
    execution = piped.ended(good)
    steps = piped.steps(good)
    poor = piped.ended(piped.start(PipelineParameters=[{"Name": "Least", "Value": "3"}]))
    failed = piped.steps(poor["PipelineExecutionArn"])

    assert (execution["PipelineExecutionStatus"], execution["PipelineArn"]) == ("Succeeded", arn)
    assert execution["PipelineExecutionDisplayName"] == "mine"
    assert {name: step["StepStatus"] for name, step in steps.items()} == dict.fromkeys(
        ("A", "B", "D", "Yes"), "Succeeded"
    )
    assert steps["D"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    job = steps["Yes"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert job.startswith(f"pipelines-{good.rpartition('/')[2]}-")
    assert piped.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Completed"
    assert (poor["PipelineExecutionStatus"], poor["FailureReason"]) == (
        "Failed", "Step failure: One or multiple steps failed.",
    )  # fmt: skip
    assert (failed["No"]["FailureReason"], failed["No"]["Metadata"]) == (
        "below 3.0",
        {"Fail": {"ErrorMessage": "below 3.0"}},
    )
    assert "Yes" not in failed


def test_no_more_run_at_once_than_may_and_none_begins_after_a_failure(piped: Piped) -> None:
    piped.create(
        piped.processing("A", "a", script="exit 3"), piped.processing("B", "a"),
        ParallelismConfiguration={"MaxParallelExecutionSteps": 1},
    )  # fmt: skip
    execution = piped.ended(piped.start())
    steps = piped.steps(execution["PipelineExecutionArn"])

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert list(steps) == ["A"]
    assert "the container ended with status 3" in steps["A"]["FailureReason"]


def test_a_cloud_that_is_killed_goes_on_where_it_was(local_cloud: CloudProcess, unique: str, tmp_path: Path) -> None:
    piped = Piped(local_cloud, unique, tmp_path)
    piped.let("a")
    piped.create(piped.processing("A", "a"), piped.processing("B", "b", DependsOn=["A"]))
    arn = piped.start()
    until(lambda: piped.runs("B"), 120)
    before = piped.steps(arn)["A"]
    for end in (CloudProcess.kill, CloudProcess.stop):
        runs = piped.runs("B")
        end(local_cloud)
        local_cloud.start()
        until(lambda at=runs: piped.runs("B") > at, 120)  # type: ignore[misc]  # bound early
    assert piped.execution(arn)["PipelineExecutionStatus"] == "Executing"
    piped.let("b")
    execution, steps = piped.ended(arn), piped.steps(arn)

    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert steps["A"] == before
    assert (steps["B"]["StepStatus"], steps["B"]["AttemptCount"]) == ("Succeeded", 3)
    assert (piped.runs("A"), piped.runs("B")) == (1, 3)


def test_one_is_stopped_with_its_jobs_and_retried_from_there(piped: Piped) -> None:
    piped.let("a")
    piped.create(piped.processing("A", "a"), piped.processing("B", "b", DependsOn=["A"]))
    arn = piped.start()
    until(lambda: piped.runs("B"), 120)
    job = piped.steps(arn)["B"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    with pytest.raises(ClientError, match="executions that run"):
        piped.sagemaker.delete_pipeline(PipelineName=piped.name, ClientRequestToken=token())
    piped.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    stopped, at = piped.ended(arn), piped.statuses(arn)
    until_answer(
        lambda: piped.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"],
        lambda status: status == "Stopped",
    )
    with pytest.raises(ClientError, match="'Executing' status can be stopped") as late:
        piped.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    piped.let("b")
    piped.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    again = piped.ended(arn)

    assert (stopped["PipelineExecutionStatus"], at) == ("Stopped", {"A": "Succeeded", "B": "Stopped"})
    assert late.value.response["Error"]["Code"] == "ConflictException"
    assert again["PipelineExecutionStatus"] == "Succeeded"
    assert (piped.runs("A"), piped.runs("B"), piped.steps(arn)["B"]["AttemptCount"]) == (1, 2, 2)
    piped.sagemaker.delete_pipeline(PipelineName=piped.name, ClientRequestToken=token())
    with pytest.raises(ClientError) as gone:
        piped.execution(arn)
    assert gone.value.response["Error"]["Code"] == "ResourceNotFound"


def test_a_function_and_a_callback_are_steps(piped: Piped) -> None:
    function = create(
        piped.cloud,
        piped.name,
        "app.f",
        Code={"ZipFile": zipped("def f(event, _):\n    return {'twice': 2 * event['x']}")},
    )
    queue = piped.cloud.client("sqs").create_queue(QueueName=piped.name)["QueueUrl"]
    twice, said = ({"OutputName": name, "OutputType": "String"} for name in ("twice", "said"))
    piped.create(
        {"Name": "F", "Type": "Lambda", "FunctionArn": function, "Arguments": {"x": 21}, "OutputParameters": [twice]},
        {
            "Name": "C", "Type": "Callback", "SqsQueueUrl": queue, "OutputParameters": [said],
            "Arguments": {"number": {"Get": "Steps.F.OutputParameters['twice']"}},
        },
        {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.C.OutputParameters['said']"}}},
    )  # fmt: skip
    arn = piped.start()
    message = until_answer(
        lambda: piped.cloud.client("sqs").receive_message(QueueUrl=queue).get("Messages"), lambda found: found, 120
    )
    body = json.loads(message[0]["Body"])
    sagemaker = piped.sagemaker
    with pytest.raises(ClientError, match="output parameters said"):
        sagemaker.send_pipeline_execution_step_success(CallbackToken=body["token"])
    answer = {"CallbackToken": body["token"], "OutputParameters": [{"Name": "said", "Value": "enough"}]}
    sagemaker.send_pipeline_execution_step_success(**answer)
    piped.ended(arn)
    steps = piped.steps(arn)
    with pytest.raises(ClientError, match="does not wait"):
        sagemaker.send_pipeline_execution_step_failure(CallbackToken=body["token"])

    assert (body["stepName"], body["arguments"], body["pipelineExecutionArn"]) == ("C", {"number": 42}, arn)
    assert steps["F"]["Metadata"]["Lambda"] == {"Arn": function, "OutputParameters": [{"Name": "twice", "Value": "42"}]}
    assert steps["C"]["Metadata"]["Callback"]["OutputParameters"] == [{"Name": "said", "Value": "enough"}]
    assert steps["End"]["FailureReason"] == "enough"


def test_executions_and_steps_are_events(piped: Piped) -> None:
    arn = piped.create({"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}})
    queue = piped.cloud.client("sqs").create_queue(QueueName=piped.name)["QueueUrl"]
    events = piped.cloud.client("events")
    pattern = {"source": ["aws.sagemaker"], "detail": {"pipelineArn": [arn]}}
    events.put_rule(Name=piped.name, EventPattern=json.dumps(pattern))
    events.put_targets(
        Rule=piped.name, Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:123456789012:{piped.name}"}]
    )
    execution = piped.start()
    told: list[dict[str, Any]] = []

    def received() -> list[dict[str, Any]]:
        answer = piped.cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        told.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return told

    until_answer(received, lambda found: len(found) >= 4)
    whole = [each["detail"] for each in told if each["detail-type"].endswith("Pipeline Execution Status Change")]
    steps = [each["detail"] for each in told if each["detail-type"].endswith("Execution Step Status Change")]

    assert all(each["resources"] == [arn, execution] for each in told)
    assert [
        (each["currentPipelineExecutionStatus"], each.get("previousPipelineExecutionStatus")) for each in whole
    ] == [
        ("Executing", None),
        ("Failed", "Executing"),
    ]
    assert {"executionStartTime", "executionEndTime", "pipelineExecutionDisplayName"} <= set(whole[1])
    assert [(each["stepName"], each["stepType"], each["currentStepStatus"]) for each in steps] == [
        ("End", "Fail", "Starting"), ("End", "Fail", "Failed"),
    ]  # fmt: skip
    assert steps[1]["metadata"] == {"fail": {"errorMessage": "no"}}


def test_parameters_names_and_tokens(piped: Piped) -> None:
    parameters = [
        {"Name": "Kind", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
        {"Name": "Count", "Type": "Integer"},
        {"Name": "Whole", "Type": "Boolean", "DefaultValue": True},
    ]
    arn = piped.create({"Name": "End", "Type": "Fail"}, parameters=parameters, PipelineDescription="first")
    given = {"Kind": "b", "Count": "7"}
    refused = []
    for wrong in ({"Count": "x"}, {"Kind": "b"}, {**given, "Kind": "c"}, {**given, "Other": "1"}):
        with pytest.raises(ClientError) as error:
            piped.start(PipelineParameters=[{"Name": name, "Value": value} for name, value in wrong.items()])
        refused.append(error.value.response["Error"]["Code"])
    same = token()
    call = {
        "PipelineName": arn, "ClientRequestToken": same,
        "PipelineParameters": [{"Name": name, "Value": value} for name, value in given.items()],
    }  # fmt: skip
    sagemaker = piped.sagemaker
    first, second = (sagemaker.start_pipeline_execution(**call)["PipelineExecutionArn"] for _ in range(2))
    piped.ended(first)
    sagemaker.update_pipeline(PipelineName=piped.name.upper(), PipelineDescription="second")
    sagemaker.update_pipeline_execution(PipelineExecutionArn=first, PipelineExecutionDescription="looked at")
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}])
    described = sagemaker.describe_pipeline(PipelineName=piped.name)
    listed = sagemaker.list_pipelines(PipelineNamePrefix=piped.name)["PipelineSummaries"]
    executions = sagemaker.list_pipeline_executions(PipelineName=piped.name)["PipelineExecutionSummaries"]
    kept = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=first)["PipelineDefinition"]
    values = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=first)["PipelineParameters"]

    assert refused == ["ValidationException"] * 4
    assert first == second
    assert (described["PipelineDescription"], described["PipelineStatus"]) == ("second", "Active")
    assert [(each["PipelineName"], each["LastExecutionTime"]) for each in listed] == [
        (piped.name, described["LastRunTime"])
    ]
    assert [(each["PipelineExecutionArn"], each["PipelineExecutionStatus"]) for each in executions] == [
        (first, "Failed")
    ]
    assert piped.execution(first)["PipelineExecutionDescription"] == "looked at"
    assert kept == described["PipelineDefinition"]
    assert {each["Name"]: each["Value"] for each in values} == {"Kind": "b", "Count": "7", "Whole": "true"}
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_what_could_not_run_is_refused_at_once(piped: Piped) -> None:
    step = piped.processing("A", "a")
    experiment = {**step, "Arguments": {**step["Arguments"], "ExperimentConfig": {"TrialName": "t"}}}
    for wrong, words in (
        ([{"Name": "E", "Type": "EMR"}], "steps of Type EMR yet .E."),
        ([{**step, "DependsOn": ["Z"]}], "depends on Z, which is no step"),
        ([experiment], "step A: the local cloud does not have ExperimentConfig of CreateProcessingJob"),
        ([{**step, "CacheConfig": {"Enabled": True, "ExpireAfter": "soon"}}], "no duration"),
    ):
        with pytest.raises(ClientError, match=words) as error:
            piped.create(*wrong)
        assert error.value.response["Error"]["Code"] == "ValidationException"
    piped.create(step)
    with pytest.raises(ClientError, match="already exists"):
        piped.create(step)
    with pytest.raises(ClientError, match="SelectiveExecutionConfig"):
        piped.start(SelectiveExecutionConfig={"SelectedSteps": [{"StepName": "A"}]})
    with pytest.raises(ClientError, match="versions of pipelines"):
        piped.sagemaker.list_pipeline_versions(PipelineName=piped.name)

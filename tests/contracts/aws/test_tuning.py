"""Hyperparameter tuning jobs by plain boto3: real training jobs with chosen values, the best by the objective in their logs, stop, `kill -9`.

Source: the SageMaker API reference and the Developer Guide, "Automatic model tuning". What the SDK makes of it is in tests/contracts/clients/test_sdk2.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.contracts.aws.test_executions import Piped
from tests.contracts.aws.test_training import IMAGE, archived
from tests.waiting import until, until_answer

TRAIN = """
import argparse, os, time
import boto3
parser = argparse.ArgumentParser()
parser.add_argument("--level", type=float)
parser.add_argument("--wait", default="")
said = parser.parse_args()
bucket, s3 = said.wait, boto3.client("s3")
s3.put_object(Bucket=bucket, Key="began/" + os.environ["TRAINING_JOB_NAME"], Body=str(said.level).encode())
while not s3.list_objects_v2(Bucket=bucket, Prefix="go")["KeyCount"]:
    time.sleep(0.1)
if said.level == 0:
    raise SystemExit("none is no value")
print(f"score={said.level:.4f};", flush=True)
"""
ENDED = {"Completed", "Failed", "Stopped"}


class Tuned:
    """A tuning job of a name, whose training jobs end when they may."""

    def __init__(self, cloud: CloudProcess, name: str) -> None:
        self.cloud, self.name = cloud, name
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="code.tar.gz", Body=archived(**{"train.py": TRAIN}))

    @property
    def sagemaker(self) -> Any:
        return self.cloud.client("sagemaker")

    def go(self) -> None:
        self.cloud.client("s3").put_object(Bucket=self.name, Key="go", Body=b"")

    def began(self) -> int:
        """How many training jobs have begun."""
        return int(self.cloud.client("s3").list_objects_v2(Bucket=self.name, Prefix="began/")["KeyCount"])

    def request(self, *values: str, strategy: str = "Grid", **config: Any) -> dict[str, Any]:
        static = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://{self.name}/code.tar.gz",
            "wait": self.name,
        }
        definition = {
            "StaticHyperParameters": {key: json.dumps(value) for key, value in static.items()},
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.name}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        }  # fmt: skip
        return {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": {"MaxParallelTrainingJobs": 2},
                "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "level", "Values": list(values)}]},
                **config,
            },
            "TrainingJobDefinition": definition,
        }

    def job(self) -> dict[str, Any]:
        return dict(self.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.name))

    def ended(self) -> dict[str, Any]:
        return until_answer(self.job, lambda job: job["HyperParameterTuningJobStatus"] in ENDED, 240)

    def trained(self, **more: Any) -> list[dict[str, Any]]:
        answer = self.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=self.name, **more
        )
        return list(answer["TrainingJobSummaries"])


def test_each_combination_is_tried_and_the_best_is_told(shared_cloud: CloudProcess, unique: str) -> None:
    tuned = Tuned(shared_cloud, unique)
    tags = [{"Key": "team", "Value": "ml"}]
    tuned.sagemaker.create_hyper_parameter_tuning_job(**tuned.request("1", "3", "0"), Tags=tags)
    until(lambda: tuned.began() == 2, 120)
    during = tuned.job()["TrainingJobStatusCounters"]
    tuned.go()
    job = tuned.ended()
    best = job["BestTrainingJob"]
    trained = shared_cloud.client("sagemaker").describe_training_job(TrainingJobName=best["TrainingJobName"])
    listed = tuned.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=unique)["HyperParameterTuningJobSummaries"]

    assert during == {"Completed": 0, "InProgress": 2, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0}
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"] == {**during, "Completed": 2, "InProgress": 0, "NonRetryableError": 1}
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}
    assert best["TunedHyperParameters"] == {"level": "3"}
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Maximize",
        "MetricName": "score",
        "Value": 3.0,
    }
    assert best["TrainingJobName"].startswith(f"{unique}-002-")
    assert trained["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert trained["HyperParameters"]["level"] == "3"
    values = [each["TunedHyperParameters"]["level"] for each in tuned.trained(SortBy="FinalObjectiveMetricValue")]
    assert values == ["1", "3"]
    names = [each["TrainingJobName"] for each in tuned.trained()]
    assert names == sorted(names), "by name where nothing else is asked"
    assert tuned.sagemaker.list_tags(ResourceArn=trained["TrainingJobArn"])["Tags"] == tags
    assert [each["TunedHyperParameters"]["level"] for each in tuned.trained(StatusEquals="Failed")] == ["0"]
    assert [(each["Strategy"], each["HyperParameterTuningJobStatus"]) for each in listed] == [("Grid", "Completed")]


def test_a_killed_cloud_tries_the_same_values_again(local_cloud: CloudProcess, unique: str) -> None:
    tuned = Tuned(local_cloud, unique)
    tuned.sagemaker.create_hyper_parameter_tuning_job(**tuned.request("1", "2"))
    until(lambda: tuned.began() == 2, 120)
    local_cloud.kill()
    local_cloud.start()
    until(lambda: tuned.began() == 4, 120)
    tuned.go()
    job = tuned.ended()

    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert sorted(each["TunedHyperParameters"]["level"] for each in tuned.trained()) == ["1", "2"]
    assert job["TrainingJobStatusCounters"]["Completed"] == 2


def test_one_is_stopped_with_its_training_jobs(shared_cloud: CloudProcess, unique: str) -> None:
    tuned = Tuned(shared_cloud, unique)
    tuned.sagemaker.create_hyper_parameter_tuning_job(**tuned.request("1", "2"))
    until(lambda: tuned.began() == 2, 120)
    tuned.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=unique)
    job = tuned.ended()
    stopped = until_answer(tuned.trained, lambda jobs: {each["TrainingJobStatus"] for each in jobs} == {"Stopped"})
    tuned.sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=unique)
    with pytest.raises(ClientError) as gone:
        tuned.job()

    assert (job["HyperParameterTuningJobStatus"], len(stopped)) == ("Stopped", 2)
    assert gone.value.response["Error"]["Code"] == "ResourceNotFound"


def test_a_pipelines_step_tunes_and_the_next_knows_the_best(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    tuned = Tuned(shared_cloud, unique)
    tuned.go()
    request = tuned.request("1", "3")
    del request["HyperParameterTuningJobName"]
    best = [
        {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"},
        {"Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"},
    ]
    end = {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": {"Std:Join": {"On": " ", "Values": best}}}}
    piped = Piped(shared_cloud, f"{unique}-p", tmp_path)
    piped.create({"Name": "Tune", "Type": "Tuning", "Arguments": request}, end)
    execution = piped.ended(piped.start())
    steps = piped.steps(execution["PipelineExecutionArn"])
    name = steps["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    job = shared_cloud.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"level": "3"}
    assert steps["End"]["FailureReason"] == " ".join([job["BestTrainingJob"]["TrainingJobName"]] * 2)


def test_what_could_not_be_tuned_is_refused(shared_cloud: CloudProcess, unique: str) -> None:
    tuned = Tuned(shared_cloud, unique)
    numbers: dict[str, Any] = {
        "ContinuousParameterRanges": [{"Name": "level", "MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"}]
    }
    other: dict[str, Any] = {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "loss"}}
    some: dict[str, Any] = {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1}
    for request, words in (
        (tuned.request("1", strategy="Hyperband"), "Hyperband"),
        (tuned.request("1", TrainingJobEarlyStoppingType="Auto"), "TrainingJobEarlyStoppingType Auto"),
        (tuned.request("1", **other), "must name one of the MetricDefinitions"),
        (tuned.request("1", strategy="Random"), "MaxNumberOfTrainingJobs must be given"),
        (tuned.request("1", "2", ResourceLimits=some), "of the Strategy Grid is 2"),
        (tuned.request(strategy="Random", ParameterRanges=numbers, ResourceLimits=some), "needs a MinValue above 0"),
        ({**tuned.request("1"), "WarmStartConfig": {"ParentHyperParameterTuningJobs": [{}], "WarmStartType": "TransferLearning"}}, "WarmStartConfig"),
    ):  # fmt: skip
        with pytest.raises(ClientError, match=words) as error:
            tuned.sagemaker.create_hyper_parameter_tuning_job(**request)
        assert error.value.response["Error"]["Code"] == "ValidationException"

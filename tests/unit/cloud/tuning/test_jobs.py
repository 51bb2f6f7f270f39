"""Tuning jobs over training jobs that a test lets end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.cloud.api.control import Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.resource import Ground, NoState, Record
from fogbank.cloud.training.jobs import TrainingJobs
from fogbank.cloud.tuning.jobs import TuningJobs

HERE = Scope("us-east-1")


class Ends(TrainingJobs):
    """One training job is made, and no other; it ends as soon as it was looked at."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def create(self, scope: Scope, params: Params) -> Params:
        del scope
        if self.made:
            raise validation("no more")
        self.made.append(params["TrainingJobName"])
        return {}

    def change(self, region: str, name: str, *_: Any, **__: Any) -> None:
        del region, name

    def find(self, region: str, name: str) -> Record[NoState] | None:
        if name not in self.made:
            return None
        public = {"TrainingJobName": name, "TrainingJobStatus": "InProgress"}
        return Record(name=name, region=region, public=public, state=NoState())

    def stop_job(self, scope: Scope, params: Params) -> Params:
        del scope, params
        raise validation("The request was rejected because the training job is in status Completed.")


def request() -> Mapping[str, Any]:
    submit = {"sagemaker_program": "t.py", "sagemaker_submit_directory": "s3://b/code.tar.gz"}
    return {
        "HyperParameterTuningJobName": "t",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "m"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "level", "Values": ["1", "2"]}]},
        },
        "TrainingJobDefinition": {
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "StaticHyperParameters": submit,
            "AlgorithmSpecification": {
                "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "m", "Regex": "m=(.*)"}],
            },
            "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
        },
    }


def test_a_training_job_that_ends_while_it_is_stopped_takes_nothing_of_why_the_tuning_failed(ground: Ground) -> None:
    tuning = TuningJobs(ground, Ends())
    tuning.create(HERE, dict(request()))
    tuning.wait(HERE.region, "t")
    job = tuning.get(HERE.region, "t").public

    assert (job["HyperParameterTuningJobStatus"], job["FailureReason"]) == ("Failed", "ClientError: no more")

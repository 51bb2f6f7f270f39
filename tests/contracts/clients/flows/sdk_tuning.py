"""Hyperparameter tuning as the SageMaker SDK asks for it and waits for it, with the strategy that a caller names.

In: a bucket with `rows/rows.csv`, a training image, a strategy; out: JSON of what the tuning job was.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

bucket, image, strategy = sys.argv[1:4]
role = "arn:aws:iam::123456789012:role/r"
TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, default=0.5)
parser.add_argument("--depth", type=int, default=1)
parser.add_argument("--kind")
parser.add_argument("--fixed")
said = parser.parse_args()
assert said.fixed == "yes"
loss = abs(said.rate - 0.25) + said.depth / 10 + (said.kind == "b")
print(f"loss={loss:.6f};", flush=True)
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"loss": loss, **vars(said)}))
"""
Path("train.py").write_text(TRAIN)
session = sagemaker.Session(default_bucket=bucket)
estimator = Estimator(
    image_uri=image, role=role, instance_count=1, instance_type="ml.m5.large", entry_point="train.py", sagemaker_session=session,
    output_path=f"s3://{bucket}/tuned", hyperparameters={"fixed": "yes"}, disable_profiler=True,
)  # fmt: skip
kinds = {"kind": CategoricalParameter(["a", "b"])}
ranges = {**kinds, "rate": ContinuousParameter(0.01, 1.0, "Logarithmic"), "depth": IntegerParameter(1, 3)}
tuner = HyperparameterTuner(
    estimator, "loss", kinds if strategy == "Grid" else ranges, [{"Name": "loss", "Regex": "loss=([0-9.]+);"}],
    strategy=strategy, objective_type="Minimize", max_jobs=2 if strategy == "Grid" else 6, max_parallel_jobs=2,
    base_tuning_job_name=f"tune-{strategy[:1].lower()}", random_seed=7,
)  # fmt: skip
tuner.fit({"train": TrainingInput(f"s3://{bucket}/rows")}, wait=True)
described = tuner.describe()
client = session.sagemaker_client
jobs = client.list_training_jobs_for_hyper_parameter_tuning_job(
    HyperParameterTuningJobName=tuner.latest_tuning_job.name, SortBy="FinalObjectiveMetricValue", SortOrder="Ascending"
)["TrainingJobSummaries"]
print(
    json.dumps(
        {
            "name": tuner.latest_tuning_job.name,
            "status": described["HyperParameterTuningJobStatus"],
            "best": tuner.best_training_job(),
            "counters": described["TrainingJobStatusCounters"],
            "objectives": described["ObjectiveStatusCounters"],
            "jobs": [
                [
                    job["TrainingJobName"],
                    job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"],
                    job["TunedHyperParameters"],
                ]
                for job in jobs
            ],
        }
    )
)

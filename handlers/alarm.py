"""What runs when a monitor's alarm goes off: retrain, compare with the live model on recent labelled rows, register, roll out by a canary.

In: EventBridge's events, of an alarm, of a schedule, or of a job that ended; out: the next call. Nothing is remembered but by names: a run
is `<endpoint>-<time>`, and so are its jobs, its model and its configuration, so an event that comes twice changes nothing.

The environment says what it works on: ENDPOINT, GROUP (of model packages; made where it is not there), ROLE, TRAINING (CreateTrainingJob's
AlgorithmSpecification, HyperParameters, InputDataConfig, OutputDataConfig, ResourceConfig and StoppingCondition, as JSON) and LABELLED
(`s3://bucket/prefix/` of CSV without a header, the label first: rows that training does not see). ANSWER is the place of the prediction in an
answer's row, from its end (-1); MARGIN is how much better in accuracy the new model must be (0); DEPLOYMENT is UpdateEndpoint's
DeploymentConfig, as JSON (a canary of half the instances, which bakes for 300 s). The component Retraining declares all of it.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

ALARM, TIMED, TRAINED, SCORED = (
    "CloudWatch Alarm State Change",
    "Scheduled Event",
    "SageMaker Training Job State Change",
    "SageMaker Transform Job State Change",
)
NEW, LIVE = "-new", "-live"
THERE = ("ResourceInUse", "already exist")
CANARY_S, HALF = 300, {"Type": "CAPACITY_PERCENT", "Value": 50}
OF_A_CONFIGURATION = (
    "DataCaptureConfig", "KmsKeyId", "AsyncInferenceConfig", "ExplainerConfig", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation",
    "MetricsConfig",
)  # fmt: skip
"""What a configuration says besides its variants."""
OF_A_PACKAGE = "FOGBANK_MANIFEST_SHA256"
"""The variable by which a container takes the live model's package, and no other: a retrained model is none."""
LOG = logging.getLogger("retraining")
LOG.setLevel(logging.INFO)
Document = dict[str, Any]


def answer(event: Document, _: object) -> str:
    """The next step of a run; what was done, in a sentence, which the log has too. Raises ValueError for an event that is of none."""
    said = _next(event)
    LOG.info("%s", said)
    return said


def _next(event: Document) -> str:
    kind, detail = event.get("detail-type", ""), event.get("detail") or {}
    if kind == TRAINED:
        return _compare(detail) if _is_ours(detail.get("TrainingJobName")) else "another's training job"
    if kind == SCORED:
        return _judge(detail) if _is_ours(detail.get("TransformJobName")) else "another's transform job"
    if kind == ALARM and detail.get("state", {}).get("value") != "ALARM":
        return "no alarm"
    if kind not in {ALARM, TIMED}:
        raise ValueError(f"events of the type {kind!r} are not for this function")
    return _retrain(event)


def accuracy(rows: list[list[str]]) -> float:
    """The share of rows of (label, prediction) that are right, numbers as numbers.

    >>> accuracy([["1", "1.0"], ["0", "1"]])
    0.5
    """
    return sum(_same(label, said) for label, said in rows) / len(rows) if rows else 0.0


def _retrain(event: Mapping[str, Any]) -> str:
    """Begin a run, one at a time: what goes off in the same minute, or while one is under way, is part of it."""
    sagemaker = boto3.client("sagemaker")
    if busy := _under_way(sagemaker):
        return f"{busy} is under way"
    run = f"{os.environ['ENDPOINT']}-{''.join(letter for letter in event['time'] if letter.isdigit())[:12]}00"
    role, asked = os.environ["ROLE"], json.loads(os.environ["TRAINING"])
    began = _once(sagemaker.create_training_job, TrainingJobName=run, RoleArn=role, **asked)
    return f"{run} {'trains' if began else 'was begun before'}"


def _under_way(sagemaker: Any) -> str:
    """The job of a run of this endpoint's, or the endpoint's update, that has not ended; empty where there is none."""
    endpoint = os.environ["ENDPOINT"]
    asked = {"NameContains": f"{endpoint}-", "StatusEquals": "InProgress"}
    jobs = [
        *(job["TrainingJobName"] for job in sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"]),
        *(job["TransformJobName"] for job in sagemaker.list_transform_jobs(**asked)["TransformJobSummaries"]),
    ]
    status = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"]
    updating = [f"the update of {endpoint}"] if status in {"Updating", "RollingBack"} else []
    return next(iter([*filter(_is_ours, jobs), *updating]), "")


def _compare(detail: Document) -> str:
    """Score the labelled rows by the new model and by the live one."""
    run, status = detail["TrainingJobName"], detail["TrainingJobStatus"]
    if status != "Completed":
        return f"{run} is {status}: the live model stays"
    sagemaker = boto3.client("sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName=run)
    live = _live(sagemaker)["ProductionVariants"][0]["ModelName"]
    model = sagemaker.describe_model(ModelName=live)
    container = {key: value for key, value in model["PrimaryContainer"].items() if key in {"Image", "Environment"}}
    container["ModelDataUrl"] = job["ModelArtifacts"]["S3ModelArtifacts"]
    container["Environment"] = {
        name: value for name, value in container.get("Environment", {}).items() if name != OF_A_PACKAGE
    }
    around = {key: model[key] for key in ("ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation") if key in model}
    _once(sagemaker.create_model, ModelName=run, PrimaryContainer=container, **around)
    for suffix, name in ((NEW, run), (LIVE, live)):
        _score(sagemaker, f"{run}{suffix}", name, job["OutputDataConfig"]["S3OutputPath"])
    return f"{run} is compared with {live}"


def _score(sagemaker: Any, job: str, model: str, out: str) -> None:
    """A transform job whose lines are the label and the prediction."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": os.environ["LABELLED"]}}
    kept = f"$[0,{int(os.environ.get('ANSWER', '-1'))}]"
    _once(
        sagemaker.create_transform_job,
        TransformJobName=job,
        ModelName=model,
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={
            "S3OutputPath": f"{out.rstrip('/')}/{job}",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": kept},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )


def _judge(detail: Document) -> str:
    """When both are scored: register the new model with both scores, and roll it out where it is good enough."""
    run = detail["TransformJobName"].removesuffix(NEW).removesuffix(LIVE)
    sagemaker = boto3.client("sagemaker")
    jobs = [sagemaker.describe_transform_job(TransformJobName=f"{run}{suffix}") for suffix in (NEW, LIVE)]
    statuses = [job["TransformJobStatus"] for job in jobs]
    if statuses != ["Completed", "Completed"]:
        return f"{run}: {' and '.join(statuses)}"
    new, live = (accuracy(_rows(job["TransformOutput"]["S3OutputPath"])) for job in jobs)
    good = new >= live + float(os.environ.get("MARGIN", "0"))
    _register(sagemaker, run, {"accuracy": new, "live_accuracy": live}, approved=good)
    said = f"{run}: {new:.4f} of the rows are right, {live:.4f} by the live model"
    return f"{said}; {_roll_out(sagemaker, run)}" if good else f"{said}: the live model stays"


def _register(sagemaker: Any, run: str, scores: Mapping[str, float], *, approved: bool) -> None:
    container = sagemaker.describe_model(ModelName=run)["PrimaryContainer"]
    own = {key: container[key] for key in ("Image", "ModelDataUrl", "Environment") if key in container}
    _once(sagemaker.create_model_package_group, ModelPackageGroupName=os.environ["GROUP"])
    sagemaker.create_model_package(
        ModelPackageGroupName=os.environ["GROUP"],
        ModelPackageDescription=run,
        ModelApprovalStatus="Approved" if approved else "Rejected",
        CustomerMetadataProperties={name: f"{value:.6f}" for name, value in scores.items()},
        InferenceSpecification={
            "Containers": [own],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ClientToken=run[-36:],
    )


def _roll_out(sagemaker: Any, run: str) -> str:
    """The endpoint's configuration with the new model, as DEPLOYMENT says; else by a canary, of a single instance all at once."""
    endpoint = sagemaker.describe_endpoint(EndpointName=os.environ["ENDPOINT"])
    pending = endpoint.get("PendingDeploymentSummary") or {}
    if run in {endpoint["EndpointConfigName"], pending.get("EndpointConfigName")}:
        return "it is rolled out already"
    config = _live(sagemaker)
    variants = [{**variant, "ModelName": run} for variant in config["ProductionVariants"]]
    kept = {key: config[key] for key in OF_A_CONFIGURATION if key in config}
    _once(sagemaker.create_endpoint_config, EndpointConfigName=run, ProductionVariants=variants, **kept)
    parts = all(variant.get("InitialInstanceCount", 1) > 1 for variant in variants)
    way = json.loads(os.environ["DEPLOYMENT"]) if "DEPLOYMENT" in os.environ else _usual(parts=parts)
    sagemaker.update_endpoint(
        EndpointName=os.environ["ENDPOINT"],
        EndpointConfigName=run,
        DeploymentConfig=way,
        RetainAllVariantProperties=True,  # counts and weights that autoscaling or people set
    )
    kind = way.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", "ROLLING")
    return f"it is rolled out: {kind}"


def _usual(*, parts: bool) -> Document:
    canary = {"Type": "CANARY", "WaitIntervalInSeconds": CANARY_S, "CanarySize": HALF}
    routing = canary if parts else {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}}


def _live(sagemaker: Any) -> Document:
    """The configuration that the endpoint has."""
    endpoint = sagemaker.describe_endpoint(EndpointName=os.environ["ENDPOINT"])
    found: Document = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    return found


def _rows(uri: str) -> list[list[str]]:
    """Every line below a folder in S3."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    rows: list[list[str]] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix.rstrip('/')}/"):
        for item in page.get("Contents", ()):
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
            rows += [row for row in csv.reader(body.splitlines()) if row]
    return rows


def _once(call: Any, **request: Any) -> bool:
    """Make a thing that may be there already; whether it was made. Raises ClientError for anything else."""
    try:
        call(**request)
    except ClientError as error:
        if any(words in str(error) for words in THERE):
            return False
        raise
    return True


def _is_ours(name: str | None) -> bool:
    """Whether a job is of a run of this endpoint's."""
    return re.fullmatch(rf"{re.escape(os.environ['ENDPOINT'])}-\d{{14}}({NEW}|{LIVE})?", name or "") is not None


def _same(label: str, said: str) -> bool:
    try:
        return float(label) == float(said)
    except ValueError:
        return label == said

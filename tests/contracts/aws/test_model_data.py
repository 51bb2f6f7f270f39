"""Models whose data is no archive: ModelDataSource, by unmodified boto3."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import load_manifest
from fogbank.ground.archive import unpack_archive
from fogbank.pack.archive import write_archive
from tests.contracts.aws.served import ROLE, Served

PROGRAM = {"SAGEMAKER_PROGRAM": "inference.py"}


@pytest.fixture
def loose(served: Served, fogbank_project: ProjectConfig, tmp_path: Path) -> Served:
    """The reference model, each of its files an object below `loose/`."""
    unpack_archive(load_manifest(fogbank_project.package).artifact_path, tmp_path / "model")
    for file in (tmp_path / "model").rglob("*"):
        if file.is_file():
            key = f"loose/{file.relative_to(tmp_path / 'model')}"
            served.s3.put_object(Bucket=served.name, Key=key, Body=file.read_bytes())
    return served


def prefix(served: Served, kind: str = "S3Prefix", key: str = "loose/", compression: str = "None") -> dict[str, Any]:
    return {
        "S3DataSource": {
            "S3Uri": f"s3://{served.name}/{key}",
            "S3DataType": kind,
            "CompressionType": compression,
            "ModelAccessConfig": {"AcceptEula": True},
        }
    }


def endpoint(served: Served, name: str) -> dict[str, Any]:
    served.sagemaker.create_endpoint(EndpointName=served.name, EndpointConfigName=name)
    return served.settled()


def test_a_prefix_a_package_of_one_and_an_archive_answer_alike(loose: Served) -> None:
    sagemaker, name = loose.sagemaker, loose.name
    container = {"Image": "i", "ModelDataSource": prefix(loose), "Environment": PROGRAM}
    package = sagemaker.create_model_package(ModelPackageName=name, InferenceSpecification={"Containers": [container]})[
        "ModelPackageArn"
    ]
    sagemaker.create_model(ModelName=f"{name}-p", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": package})
    archive = {"ModelDataSource": prefix(loose, "S3Object", "m.tar.gz", "Gzip"), "Environment": PROGRAM}
    models = {"v": loose.other_version("-v", ModelDataSource=prefix(loose), Environment=PROGRAM)}
    models |= {"p": f"{name}-p", "z": loose.other_version("-z", **archive), "a": name}
    variants = [
        {"VariantName": variant, "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        for variant, model in models.items()
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)

    assert endpoint(loose, name)["EndpointStatus"] == "InService"
    answers = {variant: loose.invoke(TargetVariant=variant)["Body"].read() for variant in models}
    assert set(answers.values()) == {answers["a"]}
    assert answers["a"]
    described = sagemaker.describe_model(ModelName=f"{name}-v")["PrimaryContainer"]
    assert described["ModelDataSource"] == prefix(loose)


def test_a_folder_of_the_console_among_the_objects_fails_the_endpoint_by_name(loose: Served) -> None:
    loose.s3.put_object(Bucket=loose.name, Key="loose/code/", Body=b"")
    described = endpoint(loose, loose.other_version("-f", ModelDataSource=prefix(loose), Environment=PROGRAM))

    assert described["EndpointStatus"] == "Failed"
    assert "the key 'loose/code/' gives a file or directory the name ''" in described["FailureReason"]


def test_what_does_not_go_with_it_is_refused(loose: Served) -> None:
    name = loose.other_version("-b", ModelDataSource=prefix(loose), Environment=PROGRAM)
    served = Served(loose.cloud, name, loose.sample)

    with pytest.raises(ClientError, match="Batch transform does not support models with a ModelDataSource"):
        served.transform(name, f"s3://{loose.name}/in")
    given = prefix(loose)["S3DataSource"] | {"ManifestS3Uri": f"s3://{loose.name}/manifest"}
    with pytest.raises(ClientError, match="ManifestS3Uri"):
        loose.other_version("-m", ModelDataSource={"S3DataSource": given})


READS = """
import os
from pathlib import Path

def model_fn(folder):
    draft, words = Path(os.environ["DRAFT"]), Path(os.environ["SAGEMAKER_BASE_DIR"], "additional-model-data-sources", "words")
    return f"{(draft / 'sub' / 'w.txt').read_text()} {(words / 'a.txt').read_text()}"

def transform_fn(model, data, content_type, accept):
    return model, "text/plain"
"""


def packed(files: dict[str, bytes]) -> bytes:
    body = io.BytesIO()
    write_archive(body, files)
    return body.getvalue()


def test_more_data_lies_beside_the_model_by_its_channel(served: Served) -> None:
    objects = {
        "own.tar.gz": packed({"code/inference.py": READS.encode()}),
        "draft/sub/w.txt": b"draft",
        "words.tar.gz": packed({"a.txt": b"words"}),
    }
    for key, body in objects.items():
        served.s3.put_object(Bucket=served.name, Key=key, Body=body)
    sources = [
        {"ChannelName": "draft_model", **prefix(served, key="draft/")},
        {"ChannelName": "words", **prefix(served, "S3Object", "words.tar.gz", "Gzip")},
    ]
    name = served.other_version(
        "-more",
        ModelDataUrl=f"s3://{served.name}/own.tar.gz",
        AdditionalModelDataSources=sources,
        Environment={"DRAFT": "/opt/ml/additional-model-data-sources/draft_model"},
    )
    described = endpoint(served, name)
    assert described["EndpointStatus"] == "InService", described
    assert served.invoke()["Body"].read() == b"draft words"
    assert served.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["AdditionalModelDataSources"] == sources
    gone = [{"ChannelName": "x", **prefix(served, key="nowhere/")}]
    bad = served.other_version("-gone", ModelDataUrl=f"s3://{served.name}/own.tar.gz", AdditionalModelDataSources=gone)
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=bad)
    assert "no object lies below the prefix" in served.settled()["FailureReason"]

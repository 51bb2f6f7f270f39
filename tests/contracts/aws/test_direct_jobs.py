"""Jobs of a package without code on a real cloud: without HTTP and over it they write the same bytes, and say how."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import joblib
import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.manifest import Column, Schema, load_manifest
from fogbank.ground.walls import obstacle
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE, Served
from tests.packages import signed


@pytest.fixture
def plain(shared_cloud: CloudProcess, unique: str, fogbank_project: ProjectConfig, tmp_path: Path) -> Served:
    """The reference project's compiled model, in a package without its handler and in an environment that is there already."""
    package = load_manifest(fogbank_project.package)
    with tarfile.open(package.artifact_path) as tar:
        tar.extractall(tmp_path / "whole", filter="data")
    folder = tmp_path / "plain" / "model" / "code"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_bytes((tmp_path / "whole" / "code" / "requirements.txt").read_bytes())
    onnx = (tmp_path / "whole" / "model.onnx").read_bytes()
    own = package.package
    signed(tmp_path / "plain", model=("model.onnx", onnx), schema=own.input, kind=own.kind, method="predict_proba")
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "plain" / "model", ".")
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="m.tar.gz", Body=(tmp_path / "m.tar.gz").read_bytes())
    container = {"Image": "i", "ModelDataUrl": f"s3://{unique}/m.tar.gz"}
    shared_cloud.client("sagemaker").create_model(ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return Served(shared_cloud, unique, (fogbank_project.trained / "sample.csv").read_bytes())


def test_the_same_bytes_and_the_same_failure_with_and_without_http(plain: Served, unique: str) -> None:
    rows = b"".join(b"id%d,%b\n" % (n, row) for n, row in enumerate(plain.sample.splitlines()[1:]))
    plain.s3.put_object(Bucket=unique, Key="in/a.csv", Body=rows * 200)
    plain.s3.put_object(Bucket=unique, Key="bad/b.csv", Body=rows + b"id,x\n")
    logs, instances = plain.cloud.folder / "logs" / "transform", plain.cloud.folder / "instances"
    others = {*instances.iterdir()} if instances.is_dir() else set()
    told, outputs, reasons = {}, {}, {}
    for way, environment in (("direct", {}), ("http", {"FOGBANK_BATCH_HTTP": "true"})):
        for folder in ("in", "bad"):
            name = f"{unique}-{folder}-{way}"
            ended = plain.transform(
                name, f"s3://{unique}/{folder}/", MaxPayloadInMB=1, Environment=environment,
                TransformOutput={"S3OutputPath": f"s3://{unique}/{name}", "Accept": "text/csv", "AssembleWith": "Line"},
                DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            )  # fmt: skip
            reasons[folder, way] = ended.get("FailureReason", "").replace(name, "")
            told[way] = (logs / f"{name}.log").read_text()
        outputs[way] = plain.s3.get_object(Bucket=unique, Key=f"{unique}-in-{way}/a.csv.out")["Body"].read()
        assert plain.keys(f"{unique}-bad-{way}/") == []
    data_logs = [(logs / f"{unique}-bad-{way}-data-log.log").read_bytes() for way in told]

    assert outputs["direct"] == outputs["http"]
    assert outputs["direct"].count(b"\n") == rows.count(b"\n") * 200
    assert (reasons["in", "direct"], reasons["in", "http"]) == ("", "")
    assert reasons["bad", "direct"] == reasons["bad", "http"]
    assert reasons["bad", "direct"].startswith(
        f"ClientError: {unique}/bad/b.csv: records 1-{rows.count(10) + 1}: 400: "
    )
    assert data_logs[0] == data_logs[1]
    assert "fogbank: records are scored without HTTP, by " in told["direct"]
    assert "fogbank: records are scored by the model's server: FOGBANK_BATCH_HTTP is true" in told["http"]
    assert {*instances.iterdir()} <= others, "nothing of the jobs' is left"


class Looks:
    """What is loaded as a model that answers 1, where `expression` holds in the process that loads it."""

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def __reduce__(self) -> tuple[object, ...]:
        model = "type('Model', (), {'predict': lambda self, rows: rows[:, 0] * 0 + 1})()"
        return eval, (f"{model} if {self.expression} else 1 / 0",)


@pytest.mark.skipif(bool(obstacle()), reason=obstacle())
def test_a_model_without_network_and_with_a_types_memory_is_so_without_http_too(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    out = io.BytesIO()
    closed = f"__import__('socket').socket().connect_ex(('127.0.0.1', {shared_cloud.address.port}))"
    joblib.dump(Looks(f"{closed} and __import__('resource').getrlimit(2)[1] == {8 << 30}"), out)  # 2: RLIMIT_DATA
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    (code / "requirements.txt").write_text("joblib\n")
    signed(tmp_path, model=("model.joblib", out.getvalue()), output=Schema(columns=(Column(name="y"),)))
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "model", ".")
    s3, sagemaker = shared_cloud.client("s3"), shared_cloud.client("sagemaker")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="m.tar.gz", Body=(tmp_path / "m.tar.gz").read_bytes())
    s3.put_object(Bucket=unique, Key="in/a.csv", Body=b"1,2\n")
    container = {"Image": "i", "ModelDataUrl": f"s3://{unique}/m.tar.gz"}
    sagemaker.create_model(
        ModelName=unique, ExecutionRoleArn=ROLE, PrimaryContainer=container, EnableNetworkIsolation=True
    )
    served = Served(shared_cloud, unique, b"")
    for way, environment in (("without", {}), ("over", {"FOGBANK_BATCH_HTTP": "true"})):
        ended = served.transform(f"{unique}-{way}", f"s3://{unique}/in/", Environment=environment)

        log = (shared_cloud.folder / "logs" / "transform" / f"{unique}-{way}.log").read_text()
        assert ended["TransformJobStatus"] == "Completed", log
        assert ("scored without HTTP" in log) == (way == "without"), log

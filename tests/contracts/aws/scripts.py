"""Models that are a script: what a test wants to see from inside an instance, without training or packing anything."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE

MEETS = """
import os, time, uuid
from pathlib import Path

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    \"\"\"Answers with its server's port and its process id, which is its namespace's own, when as many calls as COUNT are being answered at once.\"\"\"
    place = Path(os.environ["PLACE"])
    (place / uuid.uuid4().hex).touch()
    deadline = time.monotonic() + 100
    while len(list(place.iterdir())) < int(os.environ["COUNT"]):
        if time.monotonic() > deadline:
            raise RuntimeError("nobody else came")
        time.sleep(0.01)
    return f"{os.environ['SAGEMAKER_BIND_TO_PORT']}-{os.getpid()}\\n"
"""
DIES = """
import os, signal
from pathlib import Path

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    \"\"\"Kills its server and itself at its second request, once; answers with what it was given.\"\"\"
    place = Path(os.environ["PLACE"])
    asked = len(list(place.iterdir()))
    (place / str(asked)).touch()
    if asked == 1:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return data
"""
WAITS = """
import os, time
from pathlib import Path

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    \"\"\"Says that it was asked for the record `wait`, and answers that one when it may go on.\"\"\"
    place = Path(os.environ["PLACE"])
    text = data if isinstance(data, str) else data.decode()
    if text.startswith("wait"):
        (place / "asked").touch()
        while not (place / "go").exists():
            time.sleep(0.01)
    return data
"""

ECHO = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    return data
"""


@dataclass(frozen=True)
class Scripted:
    """A bucket and a Model of a script, both under one name."""

    cloud: CloudProcess
    name: str

    @classmethod
    def made(cls, cloud: CloudProcess, name: str, code: str) -> Scripted:
        """A new bucket, with the model in it."""
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="model/m.tar.gz", Body=archive(code))
        container = {
            "Image": "i",
            "ModelDataUrl": f"s3://{name}/model/m.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        cloud.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        return cls(cloud, name)

    def put(self, **objects: bytes) -> None:
        """Objects below in/."""
        for key, body in objects.items():
            self.cloud.client("s3").put_object(Bucket=self.name, Key=f"in/{key}", Body=body)

    def start(self, job: str, environment: Mapping[str, str], count: int = 1, **extra: Any) -> None:
        """A transform job over all that lies below in/, a record a request."""
        source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.name}/in/"}}}
        self.cloud.client("sagemaker").create_transform_job(**{
            "TransformJobName": job, "ModelName": self.name, "BatchStrategy": "SingleRecord", "Environment": dict(environment),
            "TransformInput": {**source, "ContentType": "text/plain", "SplitType": "Line"},
            "TransformOutput": {"S3OutputPath": f"s3://{self.name}/out"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": count}, **extra,
        })  # fmt: skip

    def job(self, name: str) -> dict[str, Any]:
        """What Describe answers."""
        document: dict[str, Any] = self.cloud.client("sagemaker").describe_transform_job(TransformJobName=name)
        return document

    def outputs(self) -> dict[str, bytes]:
        """Key to bytes of all that lies below out/."""
        s3 = self.cloud.client("s3")
        listed = s3.list_objects_v2(Bucket=self.name, Prefix="out/").get("Contents", [])
        return {item["Key"]: s3.get_object(Bucket=self.name, Key=item["Key"])["Body"].read() for item in listed}


def archive(code: str) -> bytes:
    """model.tar.gz of a script."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(code.encode())
        tar.addfile(info, io.BytesIO(code.encode()))
    return out.getvalue()

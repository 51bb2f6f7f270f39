"""MLflow's SageMaker deployment client: create, update, predict, list, delete, waiting for each or not; serverless and asynchronous ones.

In: a bucket and the prefix of all names; out: JSON of what was answered. The model's folder brings its handler as code of its own
(`code_paths`): the image that is named is not run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.deployments import get_deploy_client

name, role = sys.argv[1], "arn:aws:iam::123456789012:role/r"
seen: dict[str, Any] = {}
HANDLER = """
import json
def model_fn(folder):
    return {factor}
def transform_fn(model, data, content_type, accept):
    rows = json.loads(data)["instances"]
    return json.dumps({{"predictions": [model * row[0] for row in rows]}}), "application/json"
"""
MODEL = """
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
class Times(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input
set_model(Times())
"""
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{Path.cwd()}/mlflow.db"
client = get_deploy_client("sagemaker:/us-east-1")
COMMON = {
    "execution_role_arn": role,
    "bucket": name,
    "image_url": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlflow-pyfunc:3",
    "instance_type": "ml.m5.xlarge",
}
AWAY = {"synchronous": False, "archive": True}


def saved(factor: int) -> str:
    """An MLflow model that multiplies by it."""
    folder = Path(f"m{factor}")
    folder.mkdir()
    (folder / "inference.py").write_text(HANDLER.format(factor=factor))
    (folder / "times.py").write_text(MODEL)
    path = folder / "model"
    mlflow.pyfunc.save_model(path, python_model=str(folder / "times.py"), code_paths=[str(folder / "inference.py")], pip_requirements=["mlflow"])  # fmt: skip
    return str(path)


def predicted(deployment: str) -> Any:
    """What it answers."""
    return client.predict(deployment, [[1], [2]]).get_predictions("ndarray").ravel().tolist()


def until(deployment: str, *statuses: str) -> dict[str, Any]:
    """The endpoint, when it has none of these statuses."""
    for _ in range(200):
        found = client.get_deployment(deployment)
        if found["EndpointStatus"] not in statuses:
            return found
        time.sleep(0.5)
    raise TimeoutError(deployment)


two, three = saved(2), saved(3)
client.create_deployment(name, two, config=COMMON)
seen["created"] = predicted(name)
client.update_deployment(name, three, config={**COMMON, "variant_name": "shown"})
seen["replaced"] = predicted(name)
client.update_deployment(name, two, config={**COMMON, "mode": "add", "variant_name": "beside", **AWAY})  # fmt: skip
added = until(name, "Updating")
seen["added"] = sorted([each["VariantName"], each["CurrentWeight"]] for each in added["ProductionVariants"])
seen["listed"] = name in [each["EndpointName"] for each in client.list_deployments()]

small = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
client.create_deployment(f"{name}-s", two, config={**COMMON, "serverless_config": small, "tags": {"team": "ml"}})
seen["serverless"] = predicted(f"{name}-s")
output = {"OutputConfig": {"S3OutputPath": f"s3://{name}/answers"}}
capture = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{name}/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
beside = {"async_inference_config": output, "data_capture_config": capture}
client.create_deployment(f"{name}-q", two, config={**COMMON, **beside, **AWAY})
queued = until(f"{name}-q", "Creating")
seen["asynchronous"] = [queued["EndpointStatus"], queued["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"]]
for suffix, config in (("", {}), ("-s", {}), ("-q", AWAY)):
    client.delete_deployment(f"{name}{suffix}", config=config)
for _ in range(100):
    if not [each for each in client.list_deployments() if each["EndpointName"].startswith(name)]:
        break
    time.sleep(0.5)
else:
    raise TimeoutError(name)
print("\n" + json.dumps(seen))

"""A pipeline as the SageMaker SDK writes, upserts, starts and waits for it: train, evaluate, and by the score register, create and transform, or fail.

In: a bucket with `rows/rows.csv` and `in/in.csv`, a training image; out: JSON of what the executions were.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import WaiterError
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput, TransformInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.transformer import Transformer
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep

bucket, image, role = sys.argv[1], sys.argv[2], "arn:aws:iam::123456789012:role/r"
MEDIUM = "ml.m5.large"
TRAIN = """
import argparse, json, os, pathlib
import pandas
from sklearn.linear_model import LinearRegression
parser = argparse.ArgumentParser()
parser.add_argument("--slope", type=int)
said = parser.parse_args()
rows = pandas.read_csv(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "rows.csv"))
model = LinearRegression().fit(rows[["x"]].to_numpy(), rows["y"].to_numpy() * said.slope)
home = pathlib.Path(os.environ["SM_MODEL_DIR"])
(home / "model.json").write_text(json.dumps({"coefficient": float(model.coef_[0]), "intercept": float(model.intercept_)}))
(home / "code").mkdir()
(home / "code" / "inference.py").write_text('''
import json, os
def model_fn(folder):
    return json.load(open(os.path.join(folder, "model.json")))
def predict_fn(rows, model):
    return rows * model["coefficient"] + model["intercept"]
''')
"""
EVALUATE = """
import json, os, tarfile
with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
    model = json.load(archive.extractfile("model.json"))
with open("/opt/ml/processing/evaluation/evaluation.json", "w") as file:
    json.dump({"execution": os.environ["EXECUTION"], "metrics": {"scores": [{"value": round(model["coefficient"], 6)}]}}, file)
"""
Path("train.py").write_text(TRAIN)
Path("evaluate.py").write_text(EVALUATE)

session = PipelineSession(default_bucket=bucket)
slope = ParameterInteger(name="Slope", default_value=1)
least = ParameterFloat(name="Least", default_value=1.5)
approval = ParameterString(name="Approval", default_value="Approved", enum_values=["Approved", "PendingManualApproval"])
cache = CacheConfig(enable_caching=True, expire_after="P30D")

estimator = Estimator(
    image_uri=image, role=role, instance_count=1, instance_type=MEDIUM, entry_point="train.py", sagemaker_session=session,
    output_path=f"s3://{bucket}/models", hyperparameters={"slope": slope}, disable_profiler=True,
)  # fmt: skip
training = TrainingStep(
    name="Train",
    step_args=estimator.fit({"train": TrainingInput(f"s3://{bucket}/rows", content_type="text/csv")}),
    cache_config=cache,
)
artifact = training.properties.ModelArtifacts.S3ModelArtifacts
report = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")
processor = ScriptProcessor(
    image_uri=image, command=["python3"], role=role, instance_count=1, instance_type=MEDIUM, sagemaker_session=session,
    env={"EXECUTION": ExecutionVariables.PIPELINE_EXECUTION_ID},
)  # fmt: skip
place = Join(on="/", values=["s3:/", bucket, "evaluations", ExecutionVariables.PIPELINE_EXECUTION_ID])
evaluation = ProcessingStep(
    name="Evaluate",
    step_args=processor.run(
        code="evaluate.py",
        inputs=[ProcessingInput(source=artifact, destination="/opt/ml/processing/model")],
        outputs=[ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation", destination=place)],
    ),
    property_files=[report],
)
model = Model(image_uri=image, model_data=artifact, role=role, sagemaker_session=session)
metrics = ModelMetrics(
    model_statistics=MetricsSource(
        s3_uri=Join(on="/", values=[place, "evaluation.json"]), content_type="application/json"
    )
)
register = ModelStep(
    name="Register",
    step_args=model.register(
        content_types=["text/csv"], response_types=["text/csv"], inference_instances=[MEDIUM], transform_instances=[MEDIUM],
        model_package_group_name=f"{bucket}-group", approval_status=approval, model_metrics=metrics,
    ),
)  # fmt: skip
created = ModelStep(name="Create", step_args=model.create(instance_type=MEDIUM))
transformer = Transformer(
    model_name=created.properties.ModelName, instance_count=1, instance_type=MEDIUM, output_path=f"s3://{bucket}/scored",
    sagemaker_session=session, accept="text/csv",
)  # fmt: skip
transform = TransformStep(
    name="Score", step_args=transformer.transform(TransformInput(f"s3://{bucket}/in/").data, content_type="text/csv")
)
score = JsonGet(step_name=evaluation.name, property_file=report, json_path="metrics.scores[0].value")
poor = FailStep(name="Poor", error_message=Join(on=" ", values=["the score is below", least]))
decision = ConditionStep(
    name="GoodEnough",
    conditions=[ConditionGreaterThanOrEqualTo(left=score, right=least)],
    if_steps=[register, created, transform],
    else_steps=[poor],
)
pipeline = Pipeline(
    name=f"{bucket}-pipeline", parameters=[slope, least, approval], steps=[training, evaluation, decision],
    sagemaker_session=session,
)  # fmt: skip


def executed(**parameters: Any) -> dict[str, Any]:
    """An execution when it has ended."""
    execution = pipeline.start(parameters=parameters or None)
    try:
        execution.wait(delay=2, max_attempts=150)
    except WaiterError as error:
        print(error, file=sys.stderr)
    described = execution.describe()
    steps = execution.list_steps()
    return {
        "status": described["PipelineExecutionStatus"],
        "reason": described.get("FailureReason"),
        "steps": {step["StepName"]: step["StepStatus"] for step in steps},
        "reasons": {step["StepName"]: step["FailureReason"] for step in steps if "FailureReason" in step},
        "metadata": {step["StepName"]: step.get("Metadata", {}) for step in steps},
        "cached": [step["StepName"] for step in steps if "CacheHitResult" in step],
        "parameters": execution.list_parameters()["PipelineParameters"],
    }


pipeline.upsert(role_arn=role)
arn = pipeline.upsert(role_arn=role, description="the second time it is an update")["PipelineArn"]
print(
    json.dumps(
        {
            "arn": arn,
            "described": pipeline.describe()["PipelineDescription"],
            "poor": executed(),
            "good": executed(Slope=2, Approval="PendingManualApproval"),
            "again": executed(Slope=2),
            "executions": len(pipeline.list_executions()["PipelineExecutionSummaries"]),
        }
    )
)

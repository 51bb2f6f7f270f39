"""Kinds of monitors as values: what they ask, the limits that rode in with the package, and all that is refused of them at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.components.job_definition import definition_request
from fogbank.components.monitor_kinds import Bias, DataQuality, Explainability, ModelQuality
from fogbank.components.violations import Violations, pattern
from fogbank.contracts.clarify import read_config, read_shap_config
from fogbank.contracts.manifest import Column, Manifest, PackageManifest, Schema
from fogbank.contracts.names import job_prefix

METRICS = {"accuracy": 0.9, "roc_auc": 0.95, "cross_validated": 0.8, "rmse": 3.0}


def manifest(**metrics: float) -> Manifest:
    """A package of two columns."""
    package = PackageManifest(
        name="churn",
        model_file="model.joblib",
        handler=None,
        python="3.11",
        requirements=(),
        input=Schema(columns=(Column(name="age"), Column(name="sex", dtype="string"))),
        output=Schema(columns=(Column(name="prediction"),)),
        metrics=metrics,
        files={},
    )
    digests: dict[str, Any] = dict.fromkeys(
        ("artifact_sha256", "package_sha256", "statistics_sha256", "constraints_sha256"), "0"
    )
    return Manifest(artifact="model.tar.gz", package=package, **digests)


def test_a_packages_own_metrics_are_the_baseline_by_sagemakers_names() -> None:
    with_score = ModelQuality("BinaryClassification", inference=0, probability=1).constraints(manifest(**METRICS))
    without = ModelQuality("BinaryClassification", inference=0).constraints(manifest(**METRICS))
    errors = ModelQuality("Regression", inference=0).constraints(manifest(**METRICS))

    assert json.loads(with_score or "")["binary_classification_constraints"] == {
        "accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"},
        "auc": {"threshold": 0.95, "comparison_operator": "LessThanThreshold"},
    }
    assert set(json.loads(without or "")["binary_classification_constraints"]) == {"accuracy"}, "no score, no AUC"
    assert json.loads(errors or "")["regression_constraints"] == {
        "rmse": {"threshold": 3.0, "comparison_operator": "GreaterThanThreshold"}
    }


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ModelQuality("BinaryClassification"), ["inference or probability"]),
        (ModelQuality("Ranking", inference=0), ["problem must be one of"]),  # type: ignore[arg-type]  # what a program may say
        (ModelQuality("Regression", inference=0, limits={"auc": 1}), ["limits has 'auc'"]),
        (ModelQuality("MulticlassClassification", inference=0, limits=None), []),
        (ModelQuality("Regression", inference=0, threshold=0.5), ["threshold cuts a probability"]),
        (ModelQuality("Regression", inference=0, ground_truth="/", labels_after_hours=-1), ["a prefix", "labels_after_hours"]),
        (Bias({}, inference=0), ["facets must name"]),
        (Bias({"height": [1]}, inference=0, label="age", positive=()), ["facets has 'height'", "label 'age'", "positive"]),
        (Bias({"sex": ["f"]}, inference=0, baseline="/no/such.json"), ["cannot be read"]),
        (Explainability(background=[[1]], samples=0, aggregated="max", threshold=0.5), ["rows of", "samples", "aggregated", "threshold"]),
        (DataQuality(), []),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_all_of_it_at_once(kind: Any, said: list[str]) -> None:
    problems = list(kind.refused(manifest(**METRICS)))

    assert len(problems) == len(said)
    assert all(words in problem for words, problem in zip(said, problems, strict=True))


def test_a_package_without_a_metric_that_sagemaker_has_needs_limits() -> None:
    [problem] = ModelQuality("Regression", inference=0).refused(manifest(loss=1.0))

    assert problem == "limits must be given: of the package's metrics (loss) SageMaker has none for Regression"


def test_clarify_takes_the_configurations(tmp_path: Path) -> None:
    package = manifest(**METRICS)
    bias = read_config((Bias({"sex": ["f"]}, inference=0).config(package, "m") or "").encode(), monitored=True)
    shap = read_shap_config((Explainability(background=[[30, "f"]]).config(package, "churn-1") or "").encode())

    assert (bias.headers, bias.label, bias.positive) == (["age", "sex", "label"], "label", [1])
    assert [(facet.column, facet.values) for facet in bias.facets] == [("sex", ["f"])]
    assert (shap.predictor.model, shap.headers, shap.baseline) == ("churn-1", ["age", "sex"], [[30, "f"]])
    (tmp_path / "analysis.json").write_text("{}")
    assert Bias({"sex": ["f"]}, inference=0, baseline=tmp_path / "analysis.json").constraints(package) == "{}"


def test_records_whose_labels_come_late_are_looked_at_later_by_either_carrier() -> None:
    asks = ModelQuality("Regression", inference="$.score", labels_after_hours=24).asks("s3://b/truth")
    request = json.loads(
        definition_request(endpoint="live", capture="", local_path="/in", image="i", role="r", results="s3://b/r", asks=asks, instance_type="ml.m5.large")
    )  # fmt: skip

    assert asks.environment()["FOGBANK_EARLIER_S"] == "86400"
    endpoint = request["ModelQualityJobInput"]["EndpointInput"]
    assert (endpoint["StartTimeOffset"], endpoint["EndTimeOffset"]) == ("-PT24H", "-PT24H")
    assert request["ModelQualityJobInput"]["GroundTruthS3Input"] == {"S3Uri": "s3://b/truth"}
    assert "ModelQualityBaselineConfig" not in request


def test_a_monitors_own_runs_are_told_of_and_nobody_is_refused() -> None:
    own = json.loads(pattern("scheduler", "churn-quality", "arn"))["detail"]
    models = json.loads(pattern("model-monitor", "churn-quality", "arn"))["detail"]

    assert own["ProcessingJobName"] == [{"prefix": job_prefix("churn-quality")}]
    assert models["MonitoringScheduleArn"] == ["arn"]
    assert own["ExitMessage"] == models["ExitMessage"] == [{"prefix": "CompletedWithViolations"}]
    with pytest.raises(ValueError, match="tells nobody"):
        Violations()

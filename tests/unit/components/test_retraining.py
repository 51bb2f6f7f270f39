"""What a retraining listens to, what it may do, and what would never start, refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.cloud.enforcement.policy import Asked, verdict
from fogbank.cloud.time.expressions import check
from fogbank.components import DataQuality, Drift, Explainability, Network, OfficeHours, Retraining, Training
from fogbank.components.function import policy
from fogbank.components.retraining import QUARTERLY, may, of_alarms, of_jobs

ACCOUNT, ROLE = "123456789012", "arn:aws:iam::123456789012:role/serving"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/again"
HANDLER = Path(__file__).parents[3] / "handlers" / "alarm.py"


def endpoint(variants: int = 1, network: Any = None, hours: Any = None, name: str = "churn-live") -> Any:
    columns = [SimpleNamespace(name=column) for column in ("amount", "hour")]
    package = SimpleNamespace(input=SimpleNamespace(columns=columns), output=SimpleNamespace(columns=()))
    service = SimpleNamespace(package=SimpleNamespace(package=package), network=network, others=None)
    return SimpleNamespace(service=service, variant_names=["v"] * variants, hours=hours, public_name=name)


def drift(watched: Any, **more: Any) -> Drift:
    monitor: Any = SimpleNamespace(kind=DataQuality(), endpoint=watched, window_s=3600)
    for key in ("kind", "endpoint", "window_s"):
        if key in more:
            setattr(monitor, key, more.pop(key))
    return Drift(**{"monitor": monitor, "columns": ["amount"], **more})


def test_it_listens_to_the_alarms_and_the_jobs_of_its_endpoint() -> None:
    alarm, job = json.loads(of_alarms("churn-live")), json.loads(of_jobs("Training", "TrainingJobName", "churn-live"))

    assert alarm["detail"] == {"alarmName": [{"prefix": "churn-live-drift-"}], "state": {"value": ["ALARM"]}}
    assert job["detail-type"] == ["SageMaker Training Job State Change"]
    assert job["detail"]["TrainingJobName"] == [{"prefix": "churn-live-"}]
    assert job["detail"]["TrainingJobStatus"] == ["Completed", "Failed", "Stopped"]
    check(QUARTERLY, "UTC")


@pytest.mark.parametrize(
    ("action", "resource", "said"),
    [
        ("sagemaker:CreateTrainingJob", "training-job/churn-live-20260101000000", "allow"),
        ("sagemaker:CreateTrainingJob", "training-job/other-20260101000000", "silent"),
        ("sagemaker:UpdateEndpoint", "endpoint/churn-live", "allow"),
        ("sagemaker:UpdateEndpoint", "endpoint/churn-other", "silent"),
        ("sagemaker:DeleteEndpoint", "endpoint/churn-live", "silent"),
        ("sagemaker:CreateModelPackage", "model-package/churn/3", "allow"),
        ("sagemaker:CreateModelPackage", "model-package/other/3", "silent"),
        ("sagemaker:DescribeModel", "model/of-another-name", "allow"),
    ],
)
def test_its_function_may_do_its_work_on_its_endpoint_alone(action: str, resource: str, said: str) -> None:
    text = policy(may("aws", ACCOUNT, "churn-live", ROLE, "bucket", group="churn"), GROUP)

    asked = Asked(action=action, resource=f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:{resource}")
    assert verdict([text], asked) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"columns": []}, "columns must name a column"),
        ({"columns": ["amount", "color"]}, "columns has 'color', and the baseline's are amount, hour"),
        ({"threshold": 0}, "threshold must be above 0"),
        ({"kind": Explainability()}, "a monitor of ModelExplainability tells no drift"),
        ({"endpoint": None}, "the monitor watches another endpoint"),
        ({"window_s": 7 * 86400}, "window of 168 hours is too long"),
    ],
)
def test_drift_that_no_metric_tells_is_refused(more: dict[str, Any], said: str) -> None:
    watched = endpoint()

    assert list(drift(watched).refused(watched)) == []
    assert any(said in problem for problem in drift(watched, **more).refused(watched))


def test_an_alarm_reaches_back_to_where_the_monitor_writes() -> None:
    watched = endpoint()
    alarm = drift(watched, window_s=86400).alarm("amount")

    assert (alarm["period"], alarm["evaluation_periods"], alarm["datapoints_to_alarm"]) == (86400, 3, 1)
    assert alarm["metric_name"] == "feature_baseline_drift_amount"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"handler": Path("/nowhere/alarm.py")}, "a handler that is not there"),
        ({"schedule": None}, "nothing that starts it"),
        ({"schedule": "quarterly"}, "neither cron"),
        ({"answer": 0}, "it counts from the end of a row"),
        ({"margin": 2}, "accuracies differ by 1 at most"),
        ({"margin": 2, "answer": 1}, "the retraining again has 2 problems"),
        ({"endpoint": endpoint(variants=2)}, "it is not known which of them a new one replaces"),
        ({"endpoint": endpoint(name="x" * 44)}, "an endpoint_name of 44 letters"),
        ({"endpoint": endpoint(network=Network(isolated=True))}, "a service without a network"),
        ({"endpoint": endpoint(hours=OfficeHours())}, "office hours: each morning makes the endpoint of the program's"),
    ],
)
def test_what_would_never_start_is_refused(more: dict[str, Any], said: str) -> None:
    training = Training(image="i", program="a.py", files={"a.py": HANDLER})
    with pytest.raises(ValueError, match=said):
        Retraining("again", **{"endpoint": endpoint(), "training": training, "handler": HANDLER, **more})


def test_its_function_works_with_the_buckets_key_alone() -> None:
    said = json.loads(policy([], GROUP, "arn:aws:kms:us-east-1:123456789012:key/k"))["Statement"]

    assert [item["Resource"] for item in said] == [f"{GROUP}:*", "arn:aws:kms:us-east-1:123456789012:key/k"]
    assert [item["Resource"] for item in json.loads(policy([], GROUP))["Statement"]] == [f"{GROUP}:*"]

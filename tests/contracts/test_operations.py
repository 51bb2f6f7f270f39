"""What a stack is looked after by: a dashboard, an alarm on violations, days of logs and a budget; by the real engine, by mocks, and as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fogbank.components import (
    TRANSFORM_JOBS,
    Alarm,
    BatchTransform,
    Budget,
    Dashboard,
    DataCapture,
    Endpoint,
    LogRetention,
    ModelService,
    MonitoringSchedule,
    Violations,
)
from fogbank.components.dashboard import body
from fogbank.contracts.capture import hour_prefix
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.names import job_prefix
from fogbank.testing import CloudProcess, Deployment
from tests.contracts.test_carriers import record
from tests.waiting import until_answer

Deploy = Callable[..., Deployment]
ACCOUNT = "123456789012"


@pytest.fixture
def package(fogbank_project: ProjectConfig) -> Manifest:
    return load_manifest(fogbank_project.package)


def program(package: Manifest, topic: str, days: int = 30, usd: float = 200) -> Callable[[], dict[str, Any]]:
    def declare() -> dict[str, Any]:
        service = ModelService("churn", package=package, image="i", force_destroy=True)
        live = Endpoint("live", service=service, endpoint_name="churn-live", capture=DataCapture(), log_days=days)
        nightly = BatchTransform("nightly", service=service, schedule="cron(0 2 * * ? *)")
        told = Violations(alarm=Alarm(actions=[topic], over=True))
        quality = MonitoringSchedule("quality", endpoint=live, on_violations=told)
        Dashboard("ops", endpoints=[live], monitors=[quality], batches=[nightly])
        LogRetention("jobs", group=TRANSFORM_JOBS, days=days)
        Budget("month", usd=usd, emails=["ml@shop.example"], tags={"project": "churn"})
        return {"bucket": service.bucket, "rule": quality.rule_name}

    return declare


def test_a_stack_is_looked_after_and_an_alarm_goes_off_with_a_violation(
    local_cloud: CloudProcess, deploy: Deploy, package: Manifest, fogbank_project: ProjectConfig
) -> None:
    cloudwatch, logs, budgets = (local_cloud.client(name) for name in ("cloudwatch", "logs", "budgets"))
    topic = local_cloud.client("sns").create_topic(Name="oncall")["TopicArn"]
    deployed = deploy(program(package, topic))
    driver, rule = deployed.driver, deployed.outputs["rule"]
    assert driver is not None
    driver.preview(lambda _: None, expect_no_changes=True)
    assert driver.refresh(lambda _: None).changed is False
    page = json.loads(cloudwatch.get_dashboard(DashboardName="ops")["DashboardBody"])
    titles = [widget["properties"]["title"] for widget in page["widgets"]]
    assert titles[0] == "churn-live: requests"
    assert titles[-2:] == [f"{rule}: runs with violations", f"{job_prefix('nightly')}*: use of processors (%)"]
    assert kept(logs) == {"/aws/sagemaker/Endpoints/churn-live": 30, TRANSFORM_JOBS: 30}
    assert budgets.describe_budget(AccountId=ACCOUNT, BudgetName="month")["Budget"]["BudgetLimit"]["Amount"] == "200"

    changed = deploy(program(package, topic, days=7, usd=300)).driver
    assert kept(logs) == {"/aws/sagemaker/Endpoints/churn-live": 7, TRANSFORM_JOBS: 7}
    assert budgets.describe_budget(AccountId=ACCOUNT, BudgetName="month")["Budget"]["BudgetLimit"]["Amount"] == "300"
    now = datetime.fromisoformat(local_cloud.admin.call("status")["time"]).astimezone(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    local_cloud.advance((hour - now).total_seconds() + 60)
    rows = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[1:61]
    lines = [record(hour + timedelta(minutes=5, seconds=number), f"9{row}") for number, row in enumerate(rows)]
    key = f"capture/{hour_prefix('churn-live', 'AllTraffic', hour)}05-00-000-a.jsonl"
    bucket = deployed.outputs["bucket"]
    local_cloud.client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    assert state(cloudwatch) in {"OK", "INSUFFICIENT_DATA"}
    local_cloud.advance(75 * 60)
    until_answer(lambda: cloudwatch.list_metrics(Namespace="AWS/Events")["Metrics"], bool)
    local_cloud.advance(600)
    until_answer(lambda: state(cloudwatch), lambda found: found == "ALARM")
    local_cloud.advance(3 * 3600)
    until_answer(lambda: state(cloudwatch), lambda found: found == "OK")

    assert changed is not None
    changed.destroy(lambda _: None)
    assert (kept(logs), cloudwatch.list_dashboards()["DashboardEntries"]) == ({}, [])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets", []) == []


def state(cloudwatch: Any) -> str:
    """The alarm's."""
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["quality-violations"])["MetricAlarms"]
    found: str = alarm["StateValue"]
    return found


def kept(logs: Any) -> dict[str, int]:
    """Groups with days of retention."""
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    return {each["logGroupName"]: each["retentionInDays"] for each in groups if "retentionInDays" in each}


def test_a_group_that_is_there_is_kept_for_the_days_and_stays(local_cloud: CloudProcess, deploy: Deploy) -> None:
    logs = local_cloud.client("logs")
    logs.create_log_group(logGroupName=TRANSFORM_JOBS)

    def declare() -> None:
        LogRetention("jobs", group=TRANSFORM_JOBS, days=14)

    deploy(declare, mocks=True)
    assert kept(logs) == {TRANSFORM_JOBS: 14}
    deploy(dict, mocks=True)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Alarm(hours=25, actions=["a"] * 6), "2 problems"),
        (lambda: LogRetention("l", group="g", days=31), "days must be one of 1, 3, 5"),
        (lambda: Dashboard("d"), "a dashboard shows something"),
        (lambda: Dashboard("d e"), "2 problems"),
        (lambda: Budget("b", usd=0, emails=["a@b.c"]), "usd must be a cent or more"),
        (lambda: Budget("b", usd=1), "nobody is told"),
        (lambda: Budget("b:c", usd=1, spent=(), forecast=(), emails=["a"] * 11), "3 problems"),
        (lambda: Budget("b", usd=1, spent=(80, 80, 0), emails=["a@b.c"]), "2 problems"),
        (lambda: Budget("b", usd=1, spent=range(1, 6), emails=["a@b.c"]), "1 to 5 together, not 6"),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], object], said: str) -> None:
    with pytest.raises((ValueError, EngineError), match=said):
        build()


def test_a_dashboard_has_a_plot_of_everything_in_rows_of_three() -> None:
    page = json.loads(body("eu-west-1", ["live"], [(("a", "b"), True)], ["", "rule"], []))
    widgets = page["widgets"]

    assert [widget["properties"]["title"].partition(": ")[2] for widget in widgets][-2:] == [
        "requests that wait",
        "runs with violations",
    ]
    assert [(widget["x"], widget["y"]) for widget in widgets] == [(0, 0), (8, 0), (16, 0), (0, 6), (8, 6), (16, 6)]
    assert {widget["properties"]["region"] for widget in widgets} == {"eu-west-1"}
    requests = widgets[0]["properties"]["metrics"]
    assert [metric[5] for metric in requests] == ["a", "b"]

"""`fogbank demo loop`: from drift to a better model, by what the example `fraud` declares, on a cloud that enforces IAM; and all of it gone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from fogbank.project.project import Project

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
STEPS = (
    "send today's payments", "monitor, an hour later", "metrics in CloudWatch", "alarm", "event, function, training", "compare and register",
    "canary", "the new model serves",
)  # fmt: skip


def test_the_circle_closes_and_nothing_is_left(tmp_path: Path, fogbank: Fogbank) -> None:
    folder = tmp_path / "fogbank-loop"
    done = fogbank(tmp_path, "demo", "loop", "--keep", FOGBANK_PORT="0")
    try:
        assert done.returncode == 0, done.stderr
        assert [name for name in STEPS if not re.search(rf"✓ {name} .* s$", done.stderr, re.MULTILINE)] == []
        shares = [float(share) for share in re.findall(r"about (\d+\.\d)%", done.stdout)]
        assert shares[0] > 95 > 60 > shares[1]
        project = Project(folder)
        cloud, outputs = project.cloud.client, project.outputs()
        assert project.cloud.status()["enforce_iam"] is True
        serves = cloud("sagemaker").describe_endpoint(EndpointName=outputs["endpoint"])
        assert re.fullmatch(r"loop-live-\d{14}", serves["EndpointConfigName"])
        rules = cloud("events").list_rules()["Rules"]
        assert "cron(0 3 1 1,4,7,10 ? *)" in {rule.get("ScheduleExpression") for rule in rules}

        same = fogbank(folder, "preview", "--expect-no-changes")
        assert same.returncode == 0, same.stderr
        assert fogbank(folder, "destroy", "--yes").returncode == 0
        assert cloud("events").list_rules()["Rules"] == []
        assert cloud("cloudwatch").describe_alarms()["MetricAlarms"] == []
        assert cloud("lambda").list_functions()["Functions"] == []
        assert cloud("sagemaker").list_endpoints()["Endpoints"] == []
    finally:
        fogbank(folder, "cloud", "stop")
    assert not Project(folder).cloud.running()

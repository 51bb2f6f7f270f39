"""The metrics of an analysis that EventBridge Scheduler started, put into CloudWatch by the job itself: the files that a container leaves under
/opt/ml/output/metrics are read for Model Monitor's own jobs alone.

In: the job's environment and those files; out: calls of PutMetricData, under the job's role. Sources: the Developer Guide, "CloudWatch Metrics
for Bring Your Own Containers" of Model Monitor; CloudWatch's API reference, PutMetricData (1,000 metrics and 1 MB a call).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fogbank.contracts.monitoring import METRICS_URL
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.role import RefusedError, Role

A_CALL = 500
VERSION = "2010-08-01"
Line = Mapping[str, Any]


def told(env: Mapping[str, str]) -> str:
    """Put them, where the job is to; why CloudWatch did not take them, which undoes no analysis, or nothing."""
    if not env.get(METRICS_URL):
        return ""
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in _left(Path(env.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "output" / "metrics" / "cloudwatch"):
        lines[line["Namespace"]].append(line)
    role = Role(env, "monitoring", METRICS_URL)
    try:
        for namespace, own in sorted(lines.items()):
            waiting = iter(own)
            while part := list(islice(waiting, A_CALL)):
                role.post(form(namespace, part))
    except (RefusedError, DatasetError) as error:
        return f"CloudWatch did not take the metrics: {error}"
    return ""


def form(namespace: str, lines: Sequence[Line]) -> str:
    """A PutMetricData request as a form, in the Query protocol's words.

    >>> form("a/b", [{"Namespace": "a/b", "MetricName": "m", "Dimensions": [{"Name": "E", "Value": "x"}]}])[56:]
    'MetricData.member.1.MetricName=m&MetricData.member.1.Dimensions.member.1.Name=E&MetricData.member.1.Dimensions.member.1.Value=x'
    """
    members = {"Action": "PutMetricData", "Version": VERSION, "Namespace": namespace}
    for number, line in enumerate(lines, 1):
        own = {name: value for name, value in line.items() if name != "Namespace"}
        members.update(_flat(f"MetricData.member.{number}", own))
    return urlencode(members)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _flat(f"{name}.member.{number}", inner)
    else:
        yield name, str(value)


def _left(folder: Path) -> Iterator[Line]:
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_bytes().split(b"\n"):  # a name may hold what else ends a line
            if line.strip():
                yield json.loads(line)

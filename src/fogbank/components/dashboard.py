"""Dashboard: what an endpoint, its monitors and its batches do, on one page of CloudWatch.

In: components; out: a declared dashboard. Its body is pure. Sources: CloudWatch User Guide, "Dashboard body structure and syntax"; the
Developer Guide, "Amazon SageMaker AI metrics in Amazon CloudWatch".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.batch import BatchTransform
from fogbank.components.endpoint import Endpoint
from fogbank.components.monitor import MonitoringSchedule
from fogbank.components.refusals import refuse
from fogbank.contracts.tokens import DASHBOARD
from fogbank.contracts.transform import TransformRequest

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
WIDTH, HEIGHT, COLUMNS = 8, 6, 3
HOST, REQUESTS, WAITING = "/aws/sagemaker/Endpoints", "AWS/SageMaker", "ApproximateBacklogSize"
Metric = tuple[str, str, str]
"""Namespace, name and statistic."""
OF_VARIANTS: Mapping[str, Sequence[Metric]] = {
    "requests": ((REQUESTS, "Invocations", "Sum"),),
    "errors": ((REQUESTS, "Invocation4XXErrors", "Sum"), (REQUESTS, "Invocation5XXErrors", "Sum")),
    "latency (microseconds)": ((REQUESTS, "ModelLatency", "p50"), (REQUESTS, "ModelLatency", "p99"), (REQUESTS, "OverheadLatency", "p99")),
    "use of instances (%)": ((HOST, "CPUUtilization", "Average"), (HOST, "MemoryUtilization", "Average"), (HOST, "DiskUtilization", "Average")),
}  # fmt: skip


class Dashboard(pulumi.ComponentResource):
    """A dashboard of CloudWatch, called `dashboard_name` (by default the component's name).

    Of each of `endpoints` it shows requests, errors, latency and its instances, by the variant; of an asynchronous one what waits. Of each of
    `monitors` its runs that found violations, of those that tell them (`on_violations`), and of each of `batches` the instances of its jobs.

    Outputs: `dashboard_name`, `dashboard_arn`.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoints: Sequence[Endpoint] = (),
        monitors: Sequence[MonitoringSchedule] = (),
        batches: Sequence[BatchTransform] = (),
        dashboard_name: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        public_name = dashboard_name or name
        problems = (
            []
            if NAME.fullmatch(public_name)
            else [f"dashboard_name must be letters, digits, - and _, not {public_name!r}"]
        )
        if not (endpoints or monitors or batches):
            problems.append("a dashboard shows something: give endpoints, monitors or batches")
        refuse(problems, f"the dashboard {name} has")
        super().__init__(DASHBOARD, name, None, opts)
        shown = pulumi.Output.all(
            Account.of(self).region,
            pulumi.Output.all(*[each.endpoint_name for each in endpoints]),
            pulumi.Output.all(*[each.rule_name for each in monitors]),
            pulumi.Output.all(*[each.job for each in batches]),
        )
        variants = [(each.variant_names, each.asynchronous is not None) for each in endpoints]
        declared = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=public_name,
            dashboard_body=shown.apply(lambda known: body(known[0], known[1], variants, known[2], known[3])),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dashboard_name, self.dashboard_arn = declared.dashboard_name, declared.dashboard_arn
        self.register_outputs({"dashboard_name": self.dashboard_name, "dashboard_arn": self.dashboard_arn})


def body(
    region: str,
    endpoints: Sequence[str],
    variants: Sequence[tuple[Sequence[str], bool]],
    rules: Sequence[str],
    jobs: Sequence[str],
) -> str:
    """A dashboard's body as JSON: widgets in rows of three, those of one endpoint together."""
    plots = [
        plot
        for name, (own, waits) in zip(endpoints, variants, strict=True)
        for plot in _of_endpoint(name, own, waits=waits)
    ]
    plots += [
        (f"{rule}: runs with violations", [["AWS/Events", "TriggeredRules", "RuleName", rule, {"stat": "Sum"}]])
        for rule in rules
        if rule
    ]
    plots += [_of_batch(job) for job in jobs]
    widgets = [_widget(region, number, title, metrics) for number, (title, metrics) in enumerate(plots)]
    return json.dumps({"widgets": widgets}, sort_keys=True)


def _of_endpoint(name: str, variants: Sequence[str], *, waits: bool) -> list[tuple[str, list[Any]]]:
    plots: list[tuple[str, list[Any]]] = [
        (
            f"{name}: {title}",
            [
                [namespace, metric, "EndpointName", name, "VariantName", variant, {"stat": statistic}]
                for variant in variants
                for namespace, metric, statistic in metrics
            ],
        )
        for title, metrics in OF_VARIANTS.items()
    ]
    if waits:
        plots.append((f"{name}: requests that wait", [[REQUESTS, WAITING, "EndpointName", name, {"stat": "Maximum"}]]))
    return plots


def _of_batch(job: str) -> tuple[str, list[Any]]:
    """The instances of jobs, whatever those are called after the first 26 letters."""
    prefix = TransformRequest.from_json(job).job.partition("<")[0]
    search = f"SEARCH('{{/aws/sagemaker/TransformJobs,Host}} MetricName=\"CPUUtilization\" {prefix}', 'Average', 300)"
    return f"{prefix}*: use of processors (%)", [[{"expression": search, "id": "e1"}]]


def _widget(region: str, number: int, title: str, metrics: list[Any]) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    properties = {"title": title, "metrics": metrics, "region": region, "view": "timeSeries", "period": 300}
    place = {"x": column * WIDTH, "y": row * HEIGHT, "width": WIDTH, "height": HEIGHT}
    return {"type": "metric", **place, "properties": properties}

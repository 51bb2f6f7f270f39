"""CloudWatch as those see it who put metrics: in memory, away when it is told to be."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import EndpointConnectionError


class CloudWatch:
    """Made once for all regions: called with one, it is that region's client. `puts` are its calls: region, namespace, data."""

    def __init__(self) -> None:
        self.puts: list[tuple[str, str, list[dict[str, Any]]]] = []
        self.away = False
        self._region = ""

    def __call__(self, region: str) -> CloudWatch:
        self._region = region
        return self

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803 - boto3's names
        if self.away:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        self.puts.append((self._region, Namespace, MetricData))

    @property
    def data(self) -> list[dict[str, Any]]:
        """All that was put."""
        return [item for _, _, data in self.puts for item in data]

    def named(self, name: str) -> list[dict[str, Any]]:
        """What was put of one metric."""
        return [item for item in self.data if item["MetricName"] == name]

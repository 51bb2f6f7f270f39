"""CloudWatch's reads on the local cloud, with a million values of an endpoint's latency and fifteen days of minutes to read them from.

`python benchmarks/bench_metrics.py`: milliseconds of a call by boto3, the median and the range of twenty.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fogbank.cloud.observe.points import Point, Points, Series
from fogbank.cloud.observe.summary import Summary
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.testing import CloudProcess

DAYS, VALUES, CALLS, AIM_MS = 14, 50, 20, 50.0
DIMENSIONS = (("EndpointName", "live"), ("VariantName", "v"))


def history(now: int) -> Iterator[Point]:
    """A point a minute."""
    chance = random.Random(1)
    series = Series(
        account=LOCAL_ACCOUNT,
        region="us-east-1",
        namespace="AWS/SageMaker",
        name="ModelLatency",
        dimensions=DIMENSIONS,
        unit="Microseconds",
    )
    for start in range(now - DAYS * 86400, now, 60):
        values = [chance.lognormvariate(6, 1) for _ in range(VALUES)]
        yield Point(series=series, seconds=60, start=start, summary=Summary.of(values))


def tell(what: str, call: Callable[[], Any]) -> None:
    """One line."""
    call()
    taken = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1e3)
    middle = statistics.median(taken)
    verdict = "met" if middle <= AIM_MS else "MISSED"
    spread = f"{min(taken):.1f}-{max(taken):.1f}"
    print(f"{what:<52} median {middle:6.1f} ms  ({spread}, n={CALLS})  aim {AIM_MS:g} ms: {verdict}", flush=True)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "metrics.db"
        now = int(time.time()) // 60 * 60
        points = Points(file)
        points.add(history(now))
        points.close()
        print(
            f"{DAYS * 1440 * VALUES:,} values in {file.stat().st_size >> 20} MB; load average {os.getloadavg()[0]:.1f}"
        )
        cloud = CloudProcess(Path(folder))
        cloud.start()
        try:
            client = cloud.client("cloudwatch")
            dimensions = [{"Name": name, "Value": value} for name, value in DIMENSIONS]
            metric: dict[str, Any] = {
                "Namespace": "AWS/SageMaker",
                "MetricName": "ModelLatency",
                "Dimensions": dimensions,
            }
            end = datetime.fromtimestamp(now, UTC)

            def read(days: float, period: int, **asked: Any) -> Any:
                return client.get_metric_statistics(
                    **metric, StartTime=end - timedelta(days=days), EndTime=end, Period=period, **asked
                )["Datapoints"]

            tell(
                "the last hour by minutes, p50, p99, Average",
                lambda: read(1 / 24, 60, ExtendedStatistics=["p50", "p99"]),
            )
            tell("a day by minutes, Sum", lambda: read(1, 60, Statistics=["Sum"]))
            tell("14 days by hours, p99", lambda: read(DAYS, 3600, ExtendedStatistics=["p99"]))
            tell("14 days by hours, Average", lambda: read(DAYS, 3600, Statistics=["Average"]))
            tell("ListMetrics", lambda: client.list_metrics(Namespace="AWS/SageMaker"))
        finally:
            cloud.stop()


if __name__ == "__main__":
    main()

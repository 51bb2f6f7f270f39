"""What instances use of the machine, measured from their processes: CloudWatch's CPUUtilization, MemoryUtilization and DiskUtilization.

In: the instances that run, looked at again and again; out: points, one an instance and look, in percent. Processors are summed up, so four
busy ones are 400. A copy of an inference component is measured against what is reserved for it, up to 100. Source: SageMaker Developer
Guide, "SageMaker AI jobs and endpoint metrics".
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from fogbank.cloud.hosting.component import MEBIBYTE
from fogbank.cloud.hosting.instance_sizes import Size
from fogbank.cloud.observe.points import MINUTE, Point, Points, Series
from fogbank.cloud.observe.summary import Summary
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.ground.machine import usable_cores
from fogbank.ground.processes import cpu_seconds, memory, total_memory

ENDPOINTS, COMPONENTS = "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"
WHOLE = 100.0
LOOK_S = 15.0
"""From one look to the next: four in each minute's datapoint."""


Reserved = Callable[[str, str], Size | None]
"""A region and an inference component to what is reserved for each copy of it."""


class Measured(Protocol):
    """An instance, as it is measured."""

    @property
    def pid(self) -> int:
        """Its first process."""

    @property
    def log(self) -> Path:
        """Its log, which lies in the folder of its variant: `endpoints/REGION/ENDPOINT/VARIANT`, or `components/REGION/NAME/VARIANT`."""

    @property
    def home(self) -> Path:
        """The folder that stands for /opt/ml."""


class Utilisation:
    """Measures the instances of endpoints; `logs` is the folder of all logs, `clock` the cloud's time in seconds."""

    def __init__(
        self,
        logs: Path,
        points: Points,
        clock: Callable[[], float],
        cpu: Callable[[int], float] = cpu_seconds,
        wall: Callable[[], float] = time.monotonic,
        reserved: Reserved = lambda _region, _component: None,
    ) -> None:
        self._logs, self._points, self._clock, self._cpu, self._wall = logs, points, clock, cpu, wall
        self._reserved = reserved
        self._last: dict[int, tuple[float, float]] = {}

    def look(self, instances: Iterable[Measured]) -> None:
        """Measure once; a processor's use is known from the second time on."""
        points: list[Point] = []
        last, self._last = self._last, {}
        for instance in instances:
            place = self._place(instance.log)
            if place is None:
                continue
            kind, region, *names = place
            values, like = (
                self._values(instance, last),
                _series(region, ENDPOINTS, ("EndpointName", "VariantName"), names),
            )
            if kind == "components":
                values = normalised(values, self._reserved(region, names[0]))
                like = _series(region, COMPONENTS, ("InferenceComponentName",), names[:1])
            points += [self._point(replace(like, name=name), value) for name, value in values.items()]
        if points:
            self._points.add(points)

    def _place(self, log: Path) -> tuple[str, ...] | None:
        """`endpoints`, region, endpoint and variant, or `components`, region, component and variant; None of an instance of a job."""
        try:
            parts = log.relative_to(self._logs).parts
        except ValueError:
            return None
        return parts[:4] if len(parts) >= 5 and parts[0] in {"endpoints", "components"} else None

    def _values(self, instance: Measured, last: Mapping[int, tuple[float, float]]) -> dict[str, float]:
        now, used = self._wall(), self._cpu(instance.pid)
        self._last[instance.pid] = (now, used)
        values = {"MemoryUtilization": WHOLE * memory(instance.pid) / total_memory()}
        if instance.home.is_dir():
            disk = shutil.disk_usage(instance.home)
            values["DiskUtilization"] = WHOLE * disk.used / disk.total
        since, before = last.get(instance.pid, (now, used))
        if now > since:
            values["CPUUtilization"] = max(0.0, WHOLE * (used - before) / (now - since))
        return values

    def _point(self, series: Series, value: float) -> Point:
        start = int(self._clock()) // MINUTE * MINUTE
        return Point(series=series, seconds=MINUTE, start=start, summary=Summary.of([value]))


def normalised(values: Mapping[str, float], reserved: Size | None) -> dict[str, float]:
    """What a copy uses of what is reserved for it, or of the machine where nothing is, in percent."""
    cores = (reserved.cores if reserved else 0.0) or usable_cores()
    share = total_memory() / (reserved.memory_mb * MEBIBYTE) if reserved and reserved.memory_mb else 1.0
    told = {"MemoryUtilizationNormalized": min(WHOLE, values["MemoryUtilization"] * share)}
    if "CPUUtilization" in values:
        told["CPUUtilizationNormalized"] = min(WHOLE, values["CPUUtilization"] / cores)
    return told


def _series(region: str, namespace: str, names: Sequence[str], values: Sequence[str]) -> Series:
    """A series of a namespace, whose name is to come."""
    dimensions = tuple(zip(names, values, strict=True))
    return Series(
        account=LOCAL_ACCOUNT, region=region, namespace=namespace, name="", dimensions=dimensions, unit="Percent"
    )

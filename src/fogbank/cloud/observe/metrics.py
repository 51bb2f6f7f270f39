"""CloudWatch metrics of invocations: each is written down before it is answered, and summed up a minute at a time.

In: invocations; out: points of AWS/SageMaker's metrics, latencies in microseconds, counts without a unit. What is kept does not grow with
the number of invocations, and a `kill -9` loses none that was answered.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.measures import NAMESPACE, Dimensions, Measures, Values, points_in
from fogbank.cloud.observe.points import MINUTE, Point, Points, Series
from fogbank.cloud.observe.samples import Samples
from fogbank.cloud.observe.summary import Summary
from fogbank.cloud.observe.tail import ROOM, SUFFIX, Record, Tail, records
from fogbank.ground.aws import LOCAL_ACCOUNT

log = logging.getLogger("fogbank.cloud")
VARIANTS = "variants.jsonl"
AGE_EVERY_S = 3600.0
PER_INSTANCE, PER_COPY = "InvocationsPerInstance", "InvocationsPerCopy"


class Counted(NamedTuple):
    """Whose invocations are counted: a variant, under one of its endpoint's configurations; empty of those that an earlier version counted."""

    source: Source
    config: str = ""


class Metrics:
    """Counts invocations. `folder` is for what is not summed up yet."""

    def __init__(self, folder: Path, clock: Clock, points: Points) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._clock, self._points = folder, clock, points
        self._measures = Measures(folder, clock)
        self.samples = Samples(self._measures)
        self._lock, self._summing = threading.Lock(), threading.Lock()
        self._variants = {counted: number for number, counted in enumerate(_read(folder / VARIANTS))}
        self._written = sorted(folder.glob(f"*{SUFFIX}"))
        self._tail: Tail | None = None
        self._full = False
        self._aged = 0.0

    def add(self, counted: Counted, status: int, instances: int, model_us: float, overhead_us: float) -> None:
        """Count one. `status` is the container's, 0 where it did not answer; `instances` is 0 for a serverless variant, which has none."""
        second = int(self._clock.epoch())
        with self._lock:
            tail = self._tail
            if tail is None or len(tail) >= ROOM:
                tail = self._next()
                if tail is None:
                    return
            number = self._variants.get(counted)
            if number is None:
                number = self._number(counted)
            tail.add(second, number, status, instances, model_us, overhead_us)

    def measure(self, source: Source, values: Values, container: str = "", namespace: str = NAMESPACE) -> None:
        """Take what is not of every invocation, of a variant, of one container of it, or of an inference component."""
        named = (("ContainerName", container),) if container else ()
        of_variant = (*named, ("EndpointName", source.endpoint), ("VariantName", source.variant))
        dimensions = component_of(source) or of_variant
        self._measures.add(source.region, namespace, dimensions, values)

    def triggered(self, region: str, rule: str) -> None:
        """Count that a rule of EventBridge had an event. Source: EventBridge User Guide, "EventBridge metrics"."""
        self._measures.add(region, "AWS/Events", (("RuleName", rule),), {"TriggeredRules": (1.0, "Count")})

    def reset(self) -> None:
        """Forget all of it."""
        with self._summing, self._lock:
            self._put_away()
            for path in self._written:
                path.unlink(missing_ok=True)
            self._written.clear()
            for path in self._measures.written():
                self._measures.forget(path)
            self._points.clear()

    def flush(self) -> None:
        """Sum up what was counted; where that cannot be written, it is tried again the next time."""
        with self._summing:
            with self._lock:
                self._put_away()
                written, names = list(self._written), list(self._variants)
            try:
                for path in written:
                    self._points.add(points_of(records(path), names), source=path.name)
                    path.unlink()
                    self._written.remove(path)
                for path in self._measures.written():
                    self._points.add(points_in(path), source=path.name)
                    self._measures.forget(path)
                self._age()
            except (OSError, sqlite3.Error) as error:
                log.warning("metrics of invocations are not summed up yet: %s", error)

    def _age(self) -> None:
        now = self._clock.epoch()
        if now - self._aged >= AGE_EVERY_S:
            self._points.age(now)
            self._aged = now

    # What follows is called with the lock held.

    def _put_away(self) -> None:
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.close()
            self._written.append(tail.path)

    def _next(self) -> Tail | None:
        self._put_away()
        try:
            self._tail = Tail(self._folder / f"{uuid.uuid4().hex}{SUFFIX}")
        except OSError as error:  # a full disk stops metrics, not the endpoint
            if not self._full:
                log.warning("invocations are not counted: %s", error)
            self._full = True
            return None
        self._full = False
        return self._tail

    def _number(self, counted: Counted) -> int:
        number = self._variants[counted] = len(self._variants)
        with (self._folder / VARIANTS).open("a") as file:
            region, endpoint, variant, component = counted.source
            file.write(json.dumps([region, endpoint, variant, counted.config, component]) + "\n")
        return number


def points_of(invocations: Iterable[Record], variants: Sequence[Counted]) -> Iterator[Point]:
    """What AWS/SageMaker's metrics say of invocations: of a variant, and of the fleet that has one of its configurations."""
    minutes: dict[tuple[int, int], list[Record]] = {}
    for record in invocations:
        minutes.setdefault((record[0] // MINUTE, record[1]), []).append(record)
    for (minute, number), those in minutes.items():
        source, config = variants[number]
        variant = (("EndpointName", source.endpoint), ("VariantName", source.variant))
        fleet = (("EndpointConfigName", config), *variant)
        component = component_of(source)
        for name, summary in summaries(those, PER_COPY if component else PER_INSTANCE).items():
            kinds = (variant, component) if component else (variant, fleet) if config else (variant,)
            for dimensions in (component,) if name == PER_COPY else kinds:
                series = Series(
                    account=LOCAL_ACCOUNT,
                    region=source.region,
                    namespace=NAMESPACE,
                    name=name,
                    dimensions=dimensions,
                    unit="Microseconds" if name.endswith("Latency") else "None",
                )
                yield Point(series=series, seconds=MINUTE, start=minute * MINUTE, summary=summary)


def component_of(source: Source) -> Dimensions:
    """The dimensions of an inference component's own metrics; none where it is a variant's."""
    return (("InferenceComponentName", source.component),) if source.component else ()


def summaries(invocations: Sequence[Record], share: str = PER_INSTANCE) -> Mapping[str, Summary]:
    """Metric name to what the invocations say of it; one invocation at least. `share` is what one instance's, or one copy's, is called."""
    statuses, instances = ([record[at] for record in invocations] for at in (2, 3))
    model, overhead = ([record[at] for record in invocations] for at in (4, 5))
    by_status, by_instances = Counter(statuses), Counter(instances)
    whole = len(statuses)

    def errors(kind: range, *more: int) -> Summary:
        wrong = sum(count for status, count in by_status.items() if status in kind or status in more)
        return Summary.of_counts({value: count for value, count in ((0.0, whole - wrong), (1.0, wrong)) if count})

    well = sum(count for status, count in by_status.items() if 200 <= status < 300)
    common = {
        "Invocations": Summary.of_counts({1.0: whole}),
        "Invocation4XXErrors": errors(range(400, 500)),
        "Invocation5XXErrors": errors(range(500, 1000), 0),
        "ModelLatency": Summary.of(model),
        "OverheadLatency": Summary.of(overhead),
    }
    shares = {1.0 / number: count for number, count in by_instances.items() if number}
    if not shares:
        return common
    return {
        **common,
        share: Summary.of_counts(shares),
        "InvocationModelErrors": Summary.of_counts(
            {value: count for value, count in ((0.0, well), (1.0, whole - well)) if count}
        ),
    }


def _read(file: Path) -> Iterator[Counted]:
    """The variants by their numbers. A last line that a killed process did not finish goes: nothing was counted for it."""
    text = file.read_text() if file.is_file() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole)
    for line in whole.splitlines():
        region, endpoint, variant, *rest = json.loads(line)
        config, component = (*rest, "", "")[:2]
        yield Counted(Source(region=region, endpoint=endpoint, variant=variant, component=component), config)

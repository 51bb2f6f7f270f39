"""Monitors of one cloud in this process: everything real but S3, and the analyzer, which is a program of the test's."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.jobs.processing import Places, ProcessingJobs
from fogbank.cloud.jobs.processor import ProcessingContainer
from fogbank.cloud.monitoring.captures import Captures, CaptureSource, Window
from fogbank.cloud.monitoring.definitions import JobDefinitions
from fogbank.cloud.monitoring.executions import Executions
from fogbank.cloud.monitoring.kinds import DATA_QUALITY
from fogbank.cloud.monitoring.schedules import MonitoringSchedules, Schedule
from fogbank.contracts.capture import CaptureRecord, captured, hour_prefix
from tests.fakes.objects import MemoryObjects
from tests.fakes.processor import FakeProcessor, Program, say
from tests.fakes.roles import granted
from tests.unit.cloud.monitoring.requests import definition, schedule

HERE = Scope("us-east-1")
HOUR = timedelta(hours=1)


def clean(container: ProcessingContainer, _: threading.Event) -> int:
    """An analyzer that finds nothing."""
    return say(container, "Completed: Job completed successfully with no violations.")


@dataclass
class Monitors:
    """The room. `program` is the analyzer; `objects` has the bucket b."""

    ground: Ground
    folder: Path
    program: Program = clean
    objects: MemoryObjects = field(default_factory=lambda: MemoryObjects(b={}))
    endpoint_is_there: bool = True

    def __post_init__(self) -> None:
        source = CaptureSource(uri="s3://b/capture", endpoint="ep")
        self.definitions = JobDefinitions(DATA_QUALITY, self.ground)
        self.processing = ProcessingJobs(
            self.ground,
            objects=self.objects,
            processor=FakeProcessor(self._analyze),
            cloudwatch=lambda _: None,
            places=Places(work=self.folder / "work", logs=self.folder / "logs"),
            grant=granted,
        )
        captures = Captures(self.objects, lambda *_: source if self.endpoint_is_there else None, lambda: None)
        by_type = {"DataQuality": self.definitions}
        self.executions = Executions(self.ground, definitions=by_type, captures=captures, processing=self.processing)
        self.schedules = MonitoringSchedules(self.ground, by_type, self.executions, lambda *_: None)

    def _analyze(self, container: ProcessingContainer, stop: threading.Event) -> int:
        return self.program(container, stop)

    def scheduled(self, name: str = "s") -> Schedule:
        """A schedule of its own definition."""
        self.definitions.create(HERE, definition(name))
        self.schedules.create(HERE, schedule(name, name))
        return self.schedules.get(HERE.region, name)

    def hour(self) -> Window:
        """The hour that begins now, to the second."""
        now = self.ground.clock.now().astimezone(UTC).replace(microsecond=0)
        return Window(start=now, end=now + HOUR)

    def capture(self, moment: datetime) -> None:
        """A captured record."""
        body = captured(b"1\n", "text/csv", "INPUT", ["text/csv"], [])
        record = CaptureRecord(event_id="e", time=moment, input=body)
        key = f"capture/{hour_prefix('ep', 'a', moment)}{moment:%M-%S}.jsonl"
        self.objects.put("b", key, record.line().encode() + b"\n")


@pytest.fixture
def monitors(ground: Ground, tmp_path: Path) -> Monitors:
    return Monitors(ground, tmp_path)
